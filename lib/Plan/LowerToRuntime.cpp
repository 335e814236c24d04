// dist to rt: one program for each role.
#include "RoleLowering.h"

#include "dialects/NN/NN.h"
#include "dtc/Mesh/Mesh.h"
#include "dtc/Plan/Passes.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/ADT/MapVector.h"

namespace dtc {
#define GEN_PASS_DEF_LOWERTORUNTIMEPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct LowerToRuntimePass
    : dtc::impl::LowerToRuntimePassBase<LowerToRuntimePass> {
  using LowerToRuntimePassBase::LowerToRuntimePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    FailureOr<Mesh> mesh = Mesh::of(module);
    if (failed(mesh))
      return signalPassFailure();
    // One program a role, in the order in which roles appear.
    llvm::MapVector<StringRef, SmallVector<dist::TimelineOp>> roles;
    for (auto timeline : module.getOps<dist::TimelineOp>())
      roles[timeline.getRole()].push_back(timeline);
    if (roles.empty()) {
      module.emitError("has no timeline");
      return signalPassFailure();
    }
    OpBuilder builder(module.getBodyRegion());
    builder.setInsertionPointToEnd(module.getBody());
    for (auto &[role, timelines] : roles) {
      FailureOr<rt::ProgramOp> program =
          createProgram(builder, role, timelines.front(), *mesh);
      if (failed(program))
        return signalPassFailure();
      RoleLowering lowering(*program, symbols, markOps);
      for (dist::TimelineOp timeline : timelines)
        if (failed(lowering.lower(timeline)))
          return signalPassFailure();
    }
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<dist::TimelineOp, dist::FragmentOp, shard::GridOp>(op))
        op.erase();
  }

  FailureOr<rt::ProgramOp> createProgram(OpBuilder &builder, StringRef role,
                                         dist::TimelineOp timeline, const Mesh &mesh) {
    auto model = timeline->getAttrOfType<StringAttr>(nn::names::model);
    auto recipe = timeline->getAttrOfType<nn::RecipeAttr>(nn::names::recipe);
    if (!model || !recipe)
      return timeline.emitOpError("needs nn.model and nn.recipe"), failure();
    int64_t localBatch = 0;
    if (auto rows = timeline->getAttrOfType<IntegerAttr>(dist::names::localBatch))
      localBatch = rows.getInt();
    for (unsigned i = 0; i < timeline.getNumArguments(); ++i)
      if (timeline.getArgAttr(i, nn::names::sampleWeight))
        localBatch = cast<RankedTensorType>(timeline.getArgumentTypes()[i]).getDimSize(0);
    if (!localBatch)
      return timeline.emitOpError("has neither sample weights nor ")
                 << dist::names::localBatch;
    SmallVector<int64_t> sizes;
    SmallVector<StringRef> names;
    for (const Mesh::Axis &axis : mesh.axes) {
      sizes.push_back(axis.size);
      names.push_back(axis.name);
    }
    auto program = rt::ProgramOp::create(
        builder, timeline.getLoc(), role, model, recipe, recipe.getBatch(),
        localBatch, builder.getStrArrayAttr(names), sizes, timeline->getAttrOfType<DictionaryAttr>(dist::names::at),
        timeline->getAttrOfType<IntegerAttr>(dist::names::firstRow),
        timeline->getAttrOfType<StringAttr>(nn::names::precision),
        timeline->getAttrOfType<StringAttr>(nn::names::wholeBatches),
        /*arena=*/IntegerAttr(), /*shared=*/IntegerAttr());
    program.getBody().emplaceBlock();
    return program;
  }
};
} // namespace

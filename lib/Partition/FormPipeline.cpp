// dtc-form-pipeline: fragments and timelines out of a step cut into stages.
#include "PipelineTimeline.h"
#include "SplitSums.h"

#include "dialects/NN/NN.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Mesh/Mesh.h"

namespace dtc {
#define GEN_PASS_DEF_FORMPIPELINEPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

namespace {
struct FormPipelinePass : dtc::impl::FormPipelinePassBase<FormPipelinePass> {
  using FormPipelinePassBase::FormPipelinePassBase;

  void runOnOperation() override {
    if (failed(form()))
      signalPassFailure();
  }

  LogicalResult form();
  FailureOr<StagingOptions> readOptions(func::FuncOp step, const Mesh &mesh);
  LogicalResult checkParameters(ArrayRef<std::unique_ptr<PipelinePlan>> plans);
};
} // namespace

FailureOr<StagingOptions> FormPipelinePass::readOptions(func::FuncOp step, const Mesh &mesh) {
  ModuleOp module = getOperation();
  StagingOptions options;
  std::optional<Schedule> named = scheduleNamed(schedule);
  if (!named) {
    return module.emitError("no schedule is called '")
           << schedule.getValue() << "'; there are " << scheduleNames();
  }
  options.schedule = *named;
  options.shape.devices = mesh.size(axis);
  auto microbatches = step->getAttrOfType<IntegerAttr>(dist::names::microbatches);
  options.shape.microbatches = microbatches ? microbatches.getInt() : 1;
  int64_t stages = 1;
  WalkResult found = step.walk([&](Operation *op) {
    auto stage = op->getAttrOfType<IntegerAttr>(dist::names::stage);
    if (!stage)
      return WalkResult::advance();
    if (stage.getInt() < 0) {
      op->emitOpError("has a negative stage");
      return WalkResult::interrupt();
    }
    stages = std::max(stages, stage.getInt() + 1);
    return WalkResult::advance();
  });
  if (found.wasInterrupted())
    return failure();
  options.shape.stagesPerDevice = llvm::divideCeil(stages, options.shape.devices);
  options.shape.placement = named->placement;
  if (!named->takesStages(options.shape.stagesPerDevice))
    return module.emitError("schedule '")
           << named->name << "' has "
           << (named->fewestStages == 1 ? "one stage" : "two stages") << " a device, but "
           << stages << (stages == 1 ? " stage is on " : " stages are on ") << options.shape.devices
           << (options.shape.devices == 1 ? " device" : " devices");
  options.recompute = recompute;
  auto batchAxis = step->getAttrOfType<StringAttr>(dist::names::axis);
  options.bucketBytes =
      batchAxis && mesh.size(batchAxis) > 1 ? bucketBytes.getValue() : 0;
  return options;
}

/// An evaluation may compute with a parameter only where training updates it.
LogicalResult
FormPipelinePass::checkParameters(ArrayRef<std::unique_ptr<PipelinePlan>> plans) {
  DenseSet<std::pair<int64_t, Attribute>> trained;
  auto visit = [&](bool train) -> LogicalResult {
    for (const auto &plan : plans) {
      func::FuncOp step = plan->graph->getStep();
      if ((step->getAttrOfType<StringAttr>(nn::names::phase).getValue() == "train") != train)
        continue;
      for (int64_t device = 0; device < plan->options.shape.devices; ++device)
        for (unsigned i : plan->argumentsOf(device)) {
          Attribute name = step.getArgAttr(i, nn::names::parameter);
          if (step.getArgAttr(i, nn::names::statistic))
            name = step.getArgAttr(i, nn::names::state);
          if (!name)
            continue;
          if (train)
            trained.insert({device, name});
          else if (!trained.empty() && !trained.contains({device, name}))
            return step.emitError("evaluation uses the parameter ")
                   << name << " on device " << device << ", which does not train it";
        }
    }
    return success();
  };
  return failure(failed(visit(true)) || failed(visit(false)));
}

LogicalResult FormPipelinePass::form() {
  ModuleOp module = getOperation();
  if (bucketBytes < 1)
    return module.emitError("bucket-bytes must be at least 1, not ") << bucketBytes.getValue();
  if (!SymbolTable::lookupSymbolIn(module, dist::names::mesh))
    return module.emitError("has no mesh: run dtc-shard-batch first");
  FailureOr<Mesh> mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  if (!mesh->has(axis))
    return module.emitError("the mesh has no axis '") << axis << "'";
  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(nn::names::phase))
      steps.push_back(function);
  SmallVector<std::unique_ptr<StepGraph>> graphs;
  SmallVector<std::unique_ptr<PipelinePlan>> plans;
  for (func::FuncOp step : steps) {
    FailureOr<StagingOptions> options = readOptions(step, *mesh);
    if (failed(options))
      return failure();
    splitSums(step, options->shape);
    FailureOr<StepGraph> graph = StepGraph::of(step, options->shape.microbatches);
    if (failed(graph))
      return failure();
    for (Operation &op : step.getBody().front())
      if (Part part = graph->partOf(&op); part == Part::Forward || part == Part::Backward)
        if (!op.getAttrOfType<IntegerAttr>(dist::names::stage))
          return op.emitOpError("has no stage: run dtc-assign-stages first");
    graphs.push_back(std::make_unique<StepGraph>(std::move(*graph)));
    FailureOr<PipelinePlan> plan = PipelinePlan::of(*graphs.back(), *options);
    if (failed(plan))
      return failure();
    plans.push_back(std::make_unique<PipelinePlan>(std::move(*plan)));
  }
  if (failed(checkParameters(plans)))
    return failure();
  SymbolTable symbols(module);
  for (auto &plan : plans) {
    auto batchAxis = plan->graph->getStep()->getAttrOfType<StringAttr>(dist::names::axis);
    PipelineTimelines timelines(*plan, axis, batchAxis, symbols);
    fragments += timelines.makeFragments();
    messages += timelines.makeTimelines();
    symbols.erase(plan->graph->getStep());
  }
  return success();
}

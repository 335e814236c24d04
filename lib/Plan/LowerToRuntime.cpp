// dist to rt: one program for each role.
//
//   timeline arguments ──> buffers, shared by the phases
//   all_reduce_start   ──> a bucket; its values are promised a place in it
//   run @f             ──> rt.fragment @f, op by op, and rt.run @f
#include "dtc/Plan/Passes.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"
#include "dtc/Plan/FragmentBuilder.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace dtc::plan {
#define GEN_PASS_DEF_LOWERTORUNTIME
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc::plan

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
/// What an argument of a timeline is, from its attributes.
struct ArgumentKind {
  rt::BufferKind kind;
  StringRef name;
};

/// Lowers the timelines of one role into one program.
class RoleLowering {
public:
  RoleLowering(rt::ProgramOp program, SymbolTable &symbols)
      : program(program), symbols(symbols), fragments(program) {}

  LogicalResult lower(dist::TimelineOp timeline);

private:
  LogicalResult bindArguments(dist::TimelineOp timeline);
  LogicalResult planDestinations(dist::TimelineOp timeline);
  LogicalResult lowerRun(dist::RunOp run);
  LogicalResult lowerAllReduce(dist::AllReduceStartOp start);
  LogicalResult returnResults(dist::TimelineOp timeline);
  Value getOrCreateBuffer(Location location, ArgumentKind what, MemRefType type,
                          Attribute init);
  /// Follows a timeline's value to the op in a fragment that makes it.
  Value origin(Value value);

  rt::ProgramOp program;
  SymbolTable &symbols;
  FragmentBuilder fragments;
  /// Buffers that all phases share, by kind and name.
  DenseMap<std::pair<int, StringAttr>, Value> shared;
  DenseMap<Operation *, Value> buckets;
  /// Where the values of an all-reduce lie in their bucket.
  DenseMap<Operation *, SmallVector<Value>> destinations;
  /// Where a timeline's results go, by number.
  DenseMap<unsigned, Value> returned;
  DenseMap<Value, Value> pendings;
  rt::TimelineOp timelineOp;
};
} // namespace

static std::optional<ArgumentKind> classify(dist::TimelineOp timeline,
                                            unsigned index) {
  auto named = [&](StringRef attribute) {
    return timeline.getArgAttrOfType<StringAttr>(index, attribute);
  };
  if (StringAttr name = named(nn::names::input))
    return ArgumentKind{rt::BufferKind::Input, name};
  if (StringAttr name = named(nn::names::parameter))
    return ArgumentKind{rt::BufferKind::Parameter, name};
  if (StringAttr name = named(nn::names::state))
    return ArgumentKind{rt::BufferKind::State, name};
  if (timeline.getArgAttr(index, nn::names::label))
    return ArgumentKind{rt::BufferKind::Label, "label"};
  if (timeline.getArgAttr(index, nn::names::sampleWeight))
    return ArgumentKind{rt::BufferKind::SampleWeight, "sample_weight"};
  if (timeline.getArgAttr(index, nn::names::step))
    return ArgumentKind{rt::BufferKind::Step, "step"};
  return std::nullopt;
}

static MemRefType rowMajor(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

Value RoleLowering::getOrCreateBuffer(Location location, ArgumentKind what,
                                      MemRefType type, Attribute init) {
  auto name = StringAttr::get(program.getContext(), what.name);
  Value &buffer = shared[{static_cast<int>(what.kind), name}];
  if (!buffer)
    buffer = fragments.createBuffer(location, what.name, what.kind, type, init);
  return buffer;
}

LogicalResult RoleLowering::bindArguments(dist::TimelineOp timeline) {
  for (auto [i, argument] :
       llvm::enumerate(timeline.getBody().front().getArguments())) {
    std::optional<ArgumentKind> what = classify(timeline, i);
    if (!what)
      return timeline.emitOpError("argument ")
             << i << " is neither input, label, weight, step, parameter nor state";
    MemRefType type = rowMajor(argument.getType());
    Value buffer = getOrCreateBuffer(argument.getLoc(), *what, type,
                                     timeline.getArgAttr(i, nn::names::init));
    if (auto classes = timeline.getArgAttrOfType<IntegerAttr>(i, nn::names::classes))
      buffer.getDefiningOp<rt::BufferOp>().setClassesAttr(classes);
    if (buffer.getType() != type)
      return timeline.emitOpError("has '")
             << what->name << "' as " << type << " but another phase as "
             << buffer.getType();
    fragments.alias(argument, buffer);
  }
  return success();
}

Value RoleLowering::origin(Value value) {
  while (auto run = value.getDefiningOp<dist::RunOp>()) {
    auto fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
    value = fragment.getReturn()
                .getValues()[cast<OpResult>(value).getResultNumber()];
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return value;
    value = run.getOperands()[argument.getArgNumber()];
  }
  return value;
}

/// Values side by side, each at a multiple of 64 bytes so that kernels load
/// aligned vectors.
static constexpr int64_t bucketAlignment = 64;

LogicalResult RoleLowering::planDestinations(dist::TimelineOp timeline) {
  llvm::DenseSet<Value> taken;
  for (auto start : timeline.getOps<dist::AllReduceStartOp>()) {
    Type element =
        cast<RankedTensorType>(start.getValues().front().getType()).getElementType();
    int64_t alignment = bucketAlignment / (element.getIntOrFloatBitWidth() / 8);
    int64_t size = 0;
    SmallVector<int64_t> positions;
    for (Value value : start.getValues()) {
      positions.push_back(size);
      size = llvm::alignTo(
          size + cast<RankedTensorType>(value.getType()).getNumElements(), alignment);
    }
    Value bucket = fragments.createBuffer(start.getLoc(), start.getBucket(),
                                          rt::BufferKind::Bucket,
                                          MemRefType::get({size}, element));
    buckets[start] = bucket;
    for (auto [value, position, name] :
         llvm::zip_equal(start.getValues(), positions,
                         start.getNames().getAsValueRange<StringAttr>())) {
      bool scalar = cast<RankedTensorType>(value.getType()).getRank() == 0;
      Value view = fragments.createView(
          start.getLoc(), (scalar ? name + ".sum" : name + ".gradient").str(),
          bucket, position, rowMajor(value.getType()));
      Value made = origin(value);
      if (isa<OpResult>(made) && !isa<dist::WaitOp>(made.getDefiningOp()) &&
          taken.insert(made).second)
        fragments.promise(made, view);
      destinations[start].push_back(view);
    }
  }
  for (auto [i, value] : llvm::enumerate(timeline.getReturn().getValues())) {
    bool loss = timeline.getResultAttr(i, nn::names::loss) != nullptr;
    bool correct = timeline.getResultAttr(i, nn::names::correct) != nullptr;
    if (!loss && !correct)
      continue;
    Value buffer = getOrCreateBuffer(
        value.getLoc(),
        loss ? ArgumentKind{rt::BufferKind::Loss, "loss"}
             : ArgumentKind{rt::BufferKind::Correct, "correct"},
        rowMajor(value.getType()), {});
    returned[i] = buffer;
    Value made = origin(value);
    if (isa<OpResult>(made) && !isa<dist::WaitOp>(made.getDefiningOp()) &&
        taken.insert(made).second)
      fragments.promise(made, buffer);
  }
  return success();
}

LogicalResult RoleLowering::lowerRun(dist::RunOp run) {
  auto source = symbols.lookup<dist::FragmentOp>(run.getFragment());
  Block &body = source.getBody().front();
  for (auto [argument, operand] :
       llvm::zip_equal(body.getArguments(), run.getOperands()))
    fragments.alias(argument, fragments.memory(operand));

  OpBuilder &builder = fragments.getBuilder();
  if (program.lookupSymbol(source.getSymName()))
    return run.emitOpError("runs '") << source.getSymName()
                                     << "' a second time; a fragment has its "
                                        "buffers once";
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(timelineOp);
    Cost cost = costOf(source.getBody());
    auto fragment = rt::FragmentOp::create(
        builder, source.getLoc(), source.getSymName(),
        llvm::APFloat(static_cast<double>(cost.flops)),
        static_cast<int64_t>(std::min<uint64_t>(
            llvm::SaturatingAdd(cost.bytesRead, cost.bytesWritten), INT64_MAX)));
    builder.setInsertionPointToStart(&fragment.getBody().emplaceBlock());
    for (Operation &op : body.without_terminator()) {
      auto lowering = dyn_cast<RuntimeLoweringOpInterface>(op);
      if (!lowering)
        return op.emitOpError("has no runtime call (RuntimeLoweringOpInterface)");
      if (failed(lowering.lowerToRuntime(fragments)))
        return failure();
      fragments.keepPromises(&op);
    }
  }
  for (auto [result, value] :
       llvm::zip_equal(run.getResults(), source.getReturn().getValues()))
    fragments.alias(result, fragments.placeOf(value));
  rt::RunOp::create(builder, run.getLoc(), source.getSymName());
  return success();
}

LogicalResult RoleLowering::lowerAllReduce(dist::AllReduceStartOp start) {
  // A value that could not be made in the bucket is brought there.
  for (auto [value, view] : llvm::zip_equal(start.getValues(), destinations[start]))
    if (fragments.memory(value) != view)
      fragments.copy(start.getLoc(), fragments.memory(value), view);
  pendings[start.getPending()] = rt::AllReduceStartOp::create(
      fragments.getBuilder(), start.getLoc(),
      rt::PendingType::get(program.getContext()),
      dist::stringifyReduction(start.getReduction()), buckets[start],
      start.getAxis(), start.getBucket(), start.getNames());
  return success();
}

LogicalResult RoleLowering::returnResults(dist::TimelineOp timeline) {
  for (auto [i, value] : llvm::enumerate(timeline.getReturn().getValues())) {
    Value target = returned.lookup(i);
    if (!target) {
      auto parameter =
          timeline.getResultAttrOfType<StringAttr>(i, nn::names::parameter);
      auto state = timeline.getResultAttrOfType<StringAttr>(i, nn::names::state);
      if (!parameter && !state)
        return timeline.emitOpError("result ")
               << i << " is neither loss, correct, parameter nor state";
      target = shared.lookup(
          {static_cast<int>(parameter ? rt::BufferKind::Parameter
                                      : rt::BufferKind::State),
           parameter ? parameter : state});
      if (!target)
        return timeline.emitOpError("gives back '")
               << (parameter ? parameter : state).getValue()
               << "', which it does not take";
    }
    Value memory = fragments.memory(value);
    if (memory != target)
      fragments.copy(timeline.getLoc(), memory, target);
  }
  return success();
}

LogicalResult RoleLowering::lower(dist::TimelineOp timeline) {
  returned.clear();
  OpBuilder &builder = fragments.getBuilder();
  builder.setInsertionPointToEnd(&program.getBody().front());
  timelineOp = rt::TimelineOp::create(builder, timeline.getLoc(),
                                      timeline.getSymName(), timeline.getPhase());
  builder.setInsertionPointToStart(&timelineOp.getBody().emplaceBlock());
  if (failed(bindArguments(timeline)) || failed(planDestinations(timeline)))
    return failure();
  for (Operation &op : timeline.getBody().front().without_terminator()) {
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case([&](dist::RunOp run) { return lowerRun(run); })
            .Case([&](dist::AllReduceStartOp start) { return lowerAllReduce(start); })
            .Case([&](dist::WaitOp wait) {
              auto start = wait.getPending().getDefiningOp<dist::AllReduceStartOp>();
              if (!start)
                return LogicalResult(wait.emitOpError(
                    "waits for something that no all_reduce_start began"));
              rt::WaitOp::create(builder, wait.getLoc(),
                                 pendings[wait.getPending()]);
              for (auto [result, view] :
                   llvm::zip_equal(wait.getValues(), destinations[start]))
                fragments.alias(result, view);
              return success();
            })
            .Default([](Operation *other) {
              return other->emitOpError("has no place in a timeline of rt");
            });
    if (failed(result))
      return failure();
  }
  return returnResults(timeline);
}

namespace {
struct LowerToRuntimePass
    : dtc::plan::impl::LowerToRuntimeBase<LowerToRuntimePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    auto grid = symbols.lookup<shard::GridOp>(dist::names::mesh);
    auto axes = grid ? grid->getAttrOfType<ArrayAttr>(dist::names::axes) : nullptr;
    if (!axes) {
      module.emitError("has no shard.grid @mesh with dist.axes");
      return signalPassFailure();
    }
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
          createProgram(builder, role, timelines.front(), grid, axes);
      if (failed(program))
        return signalPassFailure();
      RoleLowering lowering(*program, symbols);
      for (dist::TimelineOp timeline : timelines)
        if (failed(lowering.lower(timeline)))
          return signalPassFailure();
    }
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<dist::TimelineOp, dist::FragmentOp, shard::GridOp>(op))
        op.erase();
  }

  FailureOr<rt::ProgramOp> createProgram(OpBuilder &builder, StringRef role,
                                         dist::TimelineOp timeline,
                                         shard::GridOp grid, ArrayAttr axes) {
    auto model = timeline->getAttrOfType<StringAttr>(nn::names::model);
    auto recipe = timeline->getAttrOfType<nn::RecipeAttr>(nn::names::recipe);
    if (!model || !recipe)
      return timeline.emitOpError("needs nn.model and nn.recipe"), failure();
    int64_t localBatch = 0;
    for (unsigned i = 0; i < timeline.getNumArguments(); ++i)
      if (timeline.getArgAttr(i, nn::names::sampleWeight))
        localBatch = cast<RankedTensorType>(timeline.getArgumentTypes()[i]).getDimSize(0);
    if (!localBatch)
      return timeline.emitOpError("has no sample weights"), failure();
    SmallVector<int64_t> shape(grid.getShape());
    auto program = rt::ProgramOp::create(
        builder, timeline.getLoc(), role, model, recipe, recipe.getBatch(),
        localBatch, axes, shape, /*arena=*/IntegerAttr());
    program.getBody().emplaceBlock();
    return program;
  }
};
} // namespace

// dtc-form-timelines: fragments and timelines out of a rank's step.
#include "lib/Partition/Timelines/SplitSums.h"
#include "lib/Partition/Timelines/StepTimelines.h"

#include "dialects/NN/NN.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Mesh/Mesh.h"

namespace dtc {
#define GEN_PASS_DEF_FORMTIMELINESPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

namespace {
struct FormTimelinesPass : dtc::impl::FormTimelinesPassBase<FormTimelinesPass> {
  using FormTimelinesPassBase::FormTimelinesPassBase;

  void runOnOperation() override {
    if (failed(form()))
      signalPassFailure();
  }

  LogicalResult form();
  FailureOr<StagingOptions> readOptions(func::FuncOp step, const Mesh &mesh);
  LogicalResult checkParameters(ArrayRef<std::unique_ptr<StepPlan>> plans);
};
} // namespace

FailureOr<StagingOptions> FormTimelinesPass::readOptions(func::FuncOp step, const Mesh &mesh) {
  ModuleOp module = getOperation();
  StagingOptions options;
  std::optional<Schedule> named = scheduleNamed(schedule);
  if (!named) {
    return module.emitError("no schedule is called '")
           << schedule.getValue() << "'; there are " << scheduleNames();
  }
  options.schedule = *named;
  options.staged = mesh.has(axis);
  options.shape.devices = options.staged ? mesh.size(axis) : 1;
  auto microbatches = step->getAttrOfType<IntegerAttr>(dist::names::microbatches);
  options.shape.microbatches = microbatches ? microbatches.getInt() : 1;
  int64_t stages = 1;
  bool staged = false;
  WalkResult found = step.walk([&](Operation *op) {
    auto stage = op->getAttrOfType<IntegerAttr>(dist::names::stage);
    if (!stage)
      return WalkResult::advance();
    staged = true;
    if (stage.getInt() < 0) {
      op->emitOpError("has a negative stage");
      return WalkResult::interrupt();
    }
    stages = std::max(stages, stage.getInt() + 1);
    return WalkResult::advance();
  });
  if (found.wasInterrupted())
    return failure();
  if (staged && !options.staged)
    return module.emitError("ops carry stages, but the mesh has no axis '") << axis << "'";
  options.shape.stagesPerDevice = llvm::divideCeil(stages, options.shape.devices);
  options.shape.placement = named->placement;
  if (!named->takesStages(options.shape.stagesPerDevice))
    return module.emitError("schedule '")
           << named->name << "' has "
           << (named->fewestStages == 1 ? "one stage" : "two stages") << " a device, but "
           << stages << (stages == 1 ? " stage is on " : " stages are on ") << options.shape.devices
           << (options.shape.devices == 1 ? " device" : " devices");
  options.recompute = recompute;
  // What an evaluation combines is small: one message.
  bool train = step->getAttrOfType<StringAttr>(nn::names::phase).getValue() == "train";
  if (mesh.size(step->getAttrOfType<StringAttr>(dist::names::axis)) > 1)
    options.bucketBytes = train ? bucketBytes.getValue() : INT64_MAX;
  return options;
}

/// An evaluation may compute with a parameter only where training updates it.
LogicalResult
FormTimelinesPass::checkParameters(ArrayRef<std::unique_ptr<StepPlan>> plans) {
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

/// Of one share: a sum that others wait for is its one term, and nothing to stop at.
static void dropMiddleSums(func::FuncOp step) {
  DenseSet<Operation *> leads; // to a sum
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(step.getBody().front()))) {
    auto sum = dyn_cast<dist::BatchSumOp>(op);
    bool leadsOn = llvm::any_of(op.getUsers(), [&](Operation *user) {
      return leads.contains(user) || isa<dist::BatchSumOp>(user);
    });
    if (sum && leadsOn) {
      sum.replaceAllUsesWith(sum.getValue());
      sum.erase();
    } else if (leadsOn) {
      leads.insert(&op);
    }
  }
}

LogicalResult FormTimelinesPass::form() {
  ModuleOp module = getOperation();
  if (bucketBytes < 1)
    return module.emitError("bucket-bytes must be at least 1, not ") << bucketBytes.getValue();
  if (!SymbolTable::lookupSymbolIn(module, dist::names::mesh))
    return module.emitError("has no mesh: run dtc-shard-batch first");
  FailureOr<Mesh> mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(nn::names::phase))
      continue;
    if (!function->hasAttr(dist::names::axis) || !function.getBody().hasOneBlock())
      return function.emitError("is no rank's step: '")
             << dist::names::axis << "' is missing (run dtc-shard-batch first)";
    steps.push_back(function);
  }
  SmallVector<std::unique_ptr<StepGraph>> graphs;
  SmallVector<std::unique_ptr<StepPlan>> plans;
  for (func::FuncOp step : steps) {
    FailureOr<StagingOptions> options = readOptions(step, *mesh);
    if (failed(options))
      return failure();
    splitSums(step, options->shape);
    if (options->shape.microbatches == 1 && !options->bucketBytes)
      dropMiddleSums(step);
    FailureOr<StepGraph> graph = StepGraph::of(step, options->shape.stages(), options->shape.microbatches);
    if (failed(graph))
      return failure();
    for (Operation &op : step.getBody().front())
      if (Part part = graph->partOf(&op); part == Part::Forward || part == Part::Backward)
        if (options->staged && !op.getAttrOfType<IntegerAttr>(dist::names::stage))
          return op.emitOpError("has no stage: run dtc-assign-stages first");
    graphs.push_back(std::make_unique<StepGraph>(std::move(*graph)));
    FailureOr<StepPlan> plan = StepPlan::of(*graphs.back(), *options);
    if (failed(plan))
      return failure();
    plans.push_back(std::make_unique<StepPlan>(std::move(*plan)));
  }
  if (failed(checkParameters(plans)))
    return failure();
  SymbolTable symbols(module);
  for (auto &plan : plans) {
    auto batchAxis = plan->graph->getStep()->getAttrOfType<StringAttr>(dist::names::axis);
    StepTimelines timelines(*plan, axis, batchAxis, symbols);
    fragments += timelines.makeFragments();
    timelines.makeTimelines();
    messages += timelines.messagesMade();
    buckets += timelines.bucketsMade();
    symbols.erase(plan->graph->getStep());
    for (dist::TimelineOp timeline : timelines.getTimelines())
      symbols.insert(timeline);
  }
  return success();
}

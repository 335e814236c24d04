// dtc-assign-stages: cuts a step into pipeline stages, by plan or by hand.
#include "lib/Partition/StepGraph.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Time.h"
#include "dtc/Partition/Passes.h"
#include "dtc/Partition/PartitionOptions.h"
#include "dtc/Partition/Timelines/Schedule.h"
#include "dtc/Partition/Stages/StagePlanner.h"
#include "dtc/Mesh/Mesh.h"

#include "llvm/ADT/SetVector.h"

#include <set>

namespace dtc {
#define GEN_PASS_DEF_ASSIGNSTAGESPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

namespace {

/// Times, bytes and memory of a step's layers, for the planner.
class LayerCosts {
public:
  LayerCosts(const StepGraph &graph, const Device &device) : graph(graph), device(device) {}
  StageGraph run();

private:
  void addLayer(const Layer &layer);
  void addValues(unsigned index, const Layer &layer);
  /// The op behind the sums that makes a parameter anew.
  Operation *updateOf(BlockArgument parameter) const;

  const StepGraph &graph;
  const Device &device;
  StageGraph result;
};

struct AssignStagesPass : dtc::impl::AssignStagesPassBase<AssignStagesPass> {
  using AssignStagesPassBase::AssignStagesPassBase;

  void runOnOperation() override {
    if (failed(assign()))
      signalPassFailure();
  }

  LogicalResult assign();
  FailureOr<StagePlan> plan(const StepGraph &graph, const Schedule &named, const PipelineShape &shape,
                            int64_t ranks);
  LogicalResult readSpeeds(int64_t devices, StagePlanOptions &options);
  void record(const StagePlan &plan);
  int64_t stageByOperands(const StepGraph &graph, const Layer &layer,
                          ArrayRef<int64_t> stageOfLayer) const;

  /// Where training uses a parameter.
  llvm::DenseMap<StringAttr, std::set<int64_t>> stagesOfParameter;
};

} // namespace

/// The name of a step's argument that is a parameter; null for other values.
static StringAttr parameterName(func::FuncOp step, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? step.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      nn::names::parameter)
                  : StringAttr();
}

Operation *LayerCosts::updateOf(BlockArgument parameter) const {
  for (Operation *user : parameter.getUsers())
    if (graph.partOf(user) == Part::Update)
      return user;
  return nullptr;
}

void LayerCosts::addLayer(const Layer &layer) {
  StageGraph::Node node;
  node.name = layer.name();
  llvm::SetVector<Value> parameters, prepared;
  for (Operation *op : layer.forward) {
    node.forwardSeconds += secondsOf(device, op);
    for (Value value : op->getResults())
      if (llvm::any_of(value.getUsers(), [&](Operation *user) {
            return graph.partOf(user) == Part::Backward;
          }))
        node.savedBytes += bytesOf(value);
  }
  for (Operation *op : layer.backward)
    node.backwardSeconds += secondsOf(device, op);
  for (ArrayRef<Operation *> ops : {ArrayRef(layer.forward), ArrayRef(layer.backward)})
    for (Operation *op : ops)
      for (Value operand : op->getOperands()) {
        for (BlockArgument argument : graph.argumentsBehind(operand))
          if (parameterName(graph.getStep(), argument))
            parameters.insert(argument);
        if (graph.isPrepared(operand))
          prepared.insert(operand);
      }
  for (Value parameter : parameters)
    if (Operation *update = updateOf(cast<BlockArgument>(parameter))) {
      node.updateSeconds += secondsOf(device, update);
      // The parameter, its gradient, and the optimizer's state.
      for (Value operand : update->getOperands())
        node.parameterBytes += bytesOf(operand);
    } else {
      node.parameterBytes += bytesOf(parameter); // frozen
    }
  for (Value value : prepared) {
    node.updateSeconds += secondsOf(device, value.getDefiningOp());
    node.parameterBytes += bytesOf(value);
  }
  result.nodes.push_back(std::move(node));
}

void LayerCosts::addValues(unsigned index, const Layer &layer) {
  for (Operation *op : layer.forward)
    for (Value value : op->getResults()) {
      StageGraph::Value entry;
      entry.producer = index;
      llvm::SetVector<unsigned> readers;
      bool returns = false;
      for (Operation *user : value.getUsers())
        if (Part part = graph.partOf(user); part == Part::Forward || part == Part::Backward)
          if (unsigned reader = graph.layerOf(user); reader > index)
            readers.insert(reader);
      for (unsigned reader : readers)
        for (Operation *adjoint : graph.getLayers()[reader].backward)
          for (Operation *user : adjoint->getUsers())
            returns |= graph.partOf(user) == Part::Backward && graph.layerOf(user) == index;
      if (readers.empty())
        continue;
      entry.consumers.append(readers.begin(), readers.end());
      llvm::sort(entry.consumers);
      entry.forwardBytes = bytesOf(value);
      if (returns && isa<FloatType>(cast<ShapedType>(value.getType()).getElementType()))
        entry.backwardBytes = entry.forwardBytes;
      result.values.push_back(std::move(entry));
    }
}

StageGraph LayerCosts::run() {
  for (auto [index, layer] : llvm::enumerate(graph.getLayers())) {
    addLayer(layer);
    addValues(index, layer);
  }
  return std::move(result);
}

LogicalResult AssignStagesPass::readSpeeds(int64_t devices, StagePlanOptions &options) {
  if (deviceSpeeds.empty())
    return success();
  if (static_cast<int64_t>(deviceSpeeds.size()) != devices)
    return getOperation().emitError("there are ")
           << deviceSpeeds.size() << " device speeds for " << devices << " devices";
  options.deviceSpeeds.assign(deviceSpeeds.begin(), deviceSpeeds.end());
  for (double speed : options.deviceSpeeds)
    if (!(speed > 0) || !std::isfinite(speed))
      return getOperation().emitError("a device's speed is a positive number, not ") << speed;
  return success();
}

FailureOr<StagePlan> AssignStagesPass::plan(const StepGraph &graph, const Schedule &named,
                                            const PipelineShape &shape, int64_t ranks) {
  func::FuncOp step = graph.getStep();
  auto complain = [&](llvm::Error error) {
    return step.emitError(llvm::toString(std::move(error)));
  };
  Cluster devices = Cluster::defaultCPU();
  if (!cluster.empty()) {
    llvm::Expected<Cluster> read = readCluster(cluster);
    if (!read)
      return complain(read.takeError());
    devices = std::move(*read);
    if (llvm::Error error = devices.checkDeviceCount(ranks))
      return complain(std::move(error));
  }
  Device unit = devices.deviceOf(0);
  unit.speed = 1;
  StagePlanOptions options;
  options.stages = shape.stages();
  options.deviceSpeeds.clear();
  for (int64_t device = 0; device < shape.devices; ++device)
    options.deviceSpeeds.push_back(devices.deviceOf(device).speed);
  if (failed(readSpeeds(shape.devices, options)))
    return failure();
  options.microbatches = shape.microbatches;
  options.deviceMemory = deviceMemory;
  options.link = devices.link;
  for (int64_t stage = 0; stage < shape.stages(); ++stage)
    options.deviceOfStage.push_back(shape.deviceOf(stage));
  options.inFlight = microbatchesInFlight(named, shape);
  StageGraph costs = LayerCosts(graph, unit).run();
  llvm::Expected<StagePlan> made =
      cutAfter.empty() ? planStages(costs, options)
                       : stagesFromCut(costs, options, ArrayRef<std::string>(cutAfter));
  if (!made)
    return complain(made.takeError());
  return std::move(*made);
}

/// The first stage behind a layer's operands on which its parameters are.
int64_t AssignStagesPass::stageByOperands(const StepGraph &graph, const Layer &layer,
                                          ArrayRef<int64_t> stageOfLayer) const {
  int64_t stage = 0;
  for (Operation *op : layer.forward)
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp();
          producer && graph.partOf(producer) == Part::Forward &&
          graph.layerOf(producer) < stageOfLayer.size())
        stage = std::max(stage, stageOfLayer[graph.layerOf(producer)]);
  for (Operation *op : layer.forward)
    for (Value operand : op->getOperands())
      for (BlockArgument argument : graph.argumentsBehind(operand))
        if (auto found = stagesOfParameter.find(parameterName(graph.getStep(), argument));
            found != stagesOfParameter.end())
          if (auto next = found->second.lower_bound(stage); next != found->second.end())
            stage = *next;
  return stage;
}

/// What was decided and how good it is, for people: `dist.stage_plan`.
void AssignStagesPass::record(const StagePlan &plan) {
  Builder builder(&getContext());
  SmallVector<NamedAttribute> entries = {
      builder.getNamedAttr("found_by", builder.getStringAttr(plan.foundBy)),
      builder.getNamedAttr("exact", builder.getBoolAttr(plan.exact)),
      builder.getNamedAttr("slowest_seconds", builder.getF64FloatAttr(plan.slowestSeconds)),
      builder.getNamedAttr("lower_bound_seconds",
                           builder.getF64FloatAttr(plan.lowerBoundSeconds)),
      builder.getNamedAttr("bytes_sent", builder.getI64IntegerAttr(plan.bytesSent))};
  getOperation()->setAttr(dist::names::stagePlan, builder.getDictionaryAttr(entries));
}

LogicalResult AssignStagesPass::assign() {
  ModuleOp module = getOperation();
  if (stagesPerDevice < 1 || stagesPerDevice > PartitionOptions::mostStagesPerDevice)
    return module.emitError("stages-per-device must be from 1 to ")
           << PartitionOptions::mostStagesPerDevice << ", not " << stagesPerDevice.getValue();
  if (deviceMemory < 0)
    return module.emitError("device-memory must be at least 0, not ") << deviceMemory.getValue();
  FailureOr<Mesh> mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  if (!mesh->has(axis))
    return module.emitError("the mesh has no axis '") << axis << "'";
  std::optional<Schedule> named = scheduleNamed(schedule);
  if (!named)
    return module.emitError("no schedule is called '")
           << schedule.getValue() << "'; there are " << scheduleNames();
  PipelineShape shape{mesh->size(axis), 1, stagesPerDevice, named->placement};

  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>())
    if (auto phase = function->getAttrOfType<StringAttr>(nn::names::phase))
      steps.insert(phase.getValue() == "train" ? steps.begin() : steps.end(), function);
  Builder builder(&getContext());
  auto setStage = [&](Operation *op, int64_t stage) {
    op->setAttr(dist::names::stage, builder.getI64IntegerAttr(stage));
    return stage;
  };
  // Several layers may be of one place in the source, each on a stage of its own: the results of a split.
  DenseMap<std::pair<Location, unsigned>, int64_t> stageOfSource;
  for (func::FuncOp step : steps) {
    auto microbatches = step->getAttrOfType<IntegerAttr>(dist::names::microbatches);
    shape.microbatches = microbatches ? microbatches.getInt() : 1;
    FailureOr<StepGraph> graph = StepGraph::of(step, shape.stages(), shape.microbatches);
    if (failed(graph))
      return failure();
    SmallVector<int64_t> stageOfLayer;
    DenseMap<Location, unsigned> ofSource;
    auto nextOfSource = [&](const Layer &layer) { return std::pair(layer.location, ofSource[layer.location]++); };
    if (step == steps.front()) {
      FailureOr<StagePlan> made = plan(*graph, *named, shape, mesh->ranks());
      if (failed(made))
        return failure();
      record(*made);
      for (auto [layer, stage] : llvm::zip_equal(graph->getLayers(), made->stageOf)) {
        stageOfLayer.push_back(stage);
        stageOfSource.try_emplace(nextOfSource(layer), stage);
        for (Operation *op : layer.forward)
          for (Value operand : op->getOperands())
            for (BlockArgument argument : graph->argumentsBehind(operand))
              if (StringAttr name = parameterName(step, argument))
                stagesOfParameter[name].insert(stage);
      }
    } else {
      // An evaluation's layers stay where training has them, or their parameters.
      for (const Layer &layer : graph->getLayers()) {
        auto known = stageOfSource.find(nextOfSource(layer));
        stageOfLayer.push_back(known != stageOfSource.end()
                                   ? known->second
                                   : stageByOperands(*graph, layer, stageOfLayer));
      }
    }
    // Forward goes up the stages and backward down, whatever layer an op is of.
    DenseMap<Operation *, int64_t> stages;
    for (Operation &op : step.getBody().front()) {
      Part part = graph->partOf(&op);
      if (part != Part::Forward && part != Part::Backward)
        continue;
      int64_t stage = stageOfLayer[graph->layerOf(&op)];
      for (Value operand : op.getOperands())
        if (Operation *producer = operand.getDefiningOp();
            producer && stages.contains(producer) && graph->partOf(producer) == part)
          stage = part == Part::Forward ? std::max(stage, stages[producer])
                                        : std::min(stage, stages[producer]);
      stages[&op] = setStage(&op, stage);
    }
  }
  return success();
}

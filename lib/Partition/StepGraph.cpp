// Finds forward, backward and update in a step, and the layers of forward.
#include "lib/Partition/StepGraph.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

Location dtc::partition::sourceLocation(Location location) {
  // Autodiff marks adjoints by a fused location around the layer's own.
  if (auto fused = dyn_cast<FusedLoc>(location); fused && fused.getMetadata())
    return sourceLocation(fused.getLocations().front());
  return location;
}

std::string Layer::name() const {
  if (auto named = location->findInstanceOf<NameLoc>())
    return named.getName().str();
  return forward.front()->getName().stripDialect().str();
}

FailureOr<StepGraph> StepGraph::of(func::FuncOp step, int64_t stages, int64_t microbatches) {
  StepGraph graph(step);
  if (failed(graph.findParts(stages, microbatches)))
    return failure();
  graph.findLayers();
  graph.findAdjoints();
  return graph;
}

/// A view of a parameter is no work, so it stays with its readers.
bool StepGraph::isMadeOfParameters(Operation *op) const {
  auto costed = dyn_cast<CostOpInterface>(op);
  return costed && costed.getFamily() != OpFamily::View && op->getNumOperands() > 0 &&
         llvm::none_of(op->getUsers(), [&](Operation *user) { return partOf(user) == Part::Update; }) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           auto argument = dyn_cast<BlockArgument>(operand);
           return argument ? getStep().getArgAttr(argument.getArgNumber(), nn::names::parameter) != nullptr
                           : isPrepared(operand);
         });
}

/// One that some op of forward looks through.
bool StepGraph::isViewOfParameters(Operation *op) const {
  auto costed = dyn_cast<CostOpInterface>(op);
  return costed && costed.getFamily() == OpFamily::View && op->getNumOperands() > 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           auto argument = dyn_cast<BlockArgument>(operand);
           return argument && getStep().getArgAttr(argument.getArgNumber(), nn::names::parameter);
         }) &&
         llvm::any_of(op->getUsers(), [&](Operation *user) { return partOf(user) == Part::Forward; });
}

SmallVector<BlockArgument> StepGraph::argumentsBehind(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return {argument};
  SmallVector<BlockArgument> arguments;
  if (isPrepared(value))
    for (Value operand : value.getDefiningOp()->getOperands())
      llvm::append_range(arguments, argumentsBehind(operand));
  return arguments;
}

LogicalResult StepGraph::findParts(int64_t stages, int64_t microbatches) {
  // What leads to a sum, or to rows of an output, works on microbatches; all else works once.
  DenseSet<Operation *> leads, giveRows;
  for (OpOperand &result : step.getBody().front().getTerminator()->getOpOperands())
    if (Operation *op = result.get().getDefiningOp(); op && step.getResultAttr(result.getOperandNumber(), dist::names::shard))
      giveRows.insert(op);
  for (Operation &op : llvm::reverse(step.getBody().front())) {
    bool leadsOn = giveRows.contains(&op) || llvm::any_of(op.getUsers(), [&](Operation *user) {
      return leads.contains(user) || isa<dist::BatchSumOp>(user);
    });
    bool sum = isa<dist::BatchSumOp>(op);
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      parts[&op] = Part::Constant;
    } else if (!leadsOn) {
      parts[&op] = sum ? Part::Sum : Part::Update;
    } else {
      leads.insert(&op);
      parts[&op] = sum ? Part::Middle : Part::Backward;
      if (sum && microbatches > 1)
        return op.emitError("needs all samples of the batch at once, but ")
               << microbatches << " microbatches run apart: use --microbatches=1";
      if (sum && stages > 1)
        return op.emitError("needs all samples of the batch at once, in the middle of a step that is cut into ")
               << stages << " stages: use a mesh without 'pipe'";
    }
  }
  // What runs on its own needs its weights made ready; what runs as one makes them on its way.
  if (stages > 1 || microbatches > 1)
    findPrepared();
  else
    findUpdate();
  findForward();
  return success();
}

/// In a step that runs as one, an update is what takes a sum or makes a new
/// parameter or state; all else need not wait.
void StepGraph::findUpdate() {
  DenseSet<Operation *> makers;
  for (OpOperand &result : step.getBody().front().getTerminator()->getOpOperands())
    if (Operation *op = result.get().getDefiningOp())
      for (StringRef kept : {StringRef(nn::names::parameter), StringRef(nn::names::state)})
        if (step.getResultAttr(result.getOperandNumber(), kept))
          makers.insert(op);
  // A rank's part of a parameter is taken where it is updated.
  DenseSet<Operation *> taken;
  for (Operation &op : llvm::reverse(step.getBody().front()))
    if (isa<dist::PartOp>(op) && llvm::all_of(op.getUsers(), [&](Operation *user) {
          return isa<nn::UpdateOp, nn::RunningAverageUpdateOp>(user) || taken.contains(user);
        }))
      taken.insert(&op);
  for (Operation &op : step.getBody().front().without_terminator()) {
    Part &part = parts[&op];
    if (part == Part::Update && !taken.contains(&op) && !makers.contains(&op) && llvm::none_of(op.getOperands(), [&](Value operand) {
          Operation *producer = operand.getDefiningOp();
          return producer && (partOf(producer) == Part::Update || partOf(producer) == Part::Sum);
        }))
      part = Part::Backward;
  }
}

void StepGraph::findPrepared() {
  for (Operation &op : step.getBody().front())
    if (partOf(&op) == Part::Backward && isMadeOfParameters(&op))
      parts[&op] = Part::Prepared;
}

/// Forward is what the loss, or an evaluation's result, is made from.
void StepGraph::findForward() {
  SmallVector<Operation *> work;
  DenseSet<Operation *> seen;
  bool train = cast<StringAttr>(step->getAttr(nn::names::phase)).getValue() == "train";
  for (OpOperand &result : step.getBody().front().getTerminator()->getOpOperands())
    if (Operation *op = result.get().getDefiningOp())
      if (!train || step.getResultAttr(result.getOperandNumber(), nn::names::loss))
        work.push_back(op);
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (!seen.insert(op).second)
      continue;
    if (Part &part = parts[op]; part == Part::Backward)
      part = Part::Forward;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        work.push_back(producer);
  }
}

/// Ops of one place in the source are one layer, as long as no other layer
/// stands between them.
void StepGraph::findLayers() {
  DenseMap<Operation *, unsigned> order;
  for (Operation &op : step.getBody().front().without_terminator()) {
    order[&op] = order.size();
    // A view of parameters is a part of the layer that looks through it.
    if (partOf(&op) != Part::Forward || isViewOfParameters(&op))
      continue;
    Location location = sourceLocation(op.getLoc());
    std::optional<unsigned> home;
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && layerOfOp.contains(producer) && layers[layerOfOp[producer]].location == location)
        home = layerOfOp[producer];
    }
    // Joining must not close a circle through a layer that began later.
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!home || !producer || !layerOfOp.contains(producer) || layerOfOp[producer] == *home)
        continue;
      if (order[layers[layerOfOp[producer]].forward.back()] >
          order[layers[*home].forward.front()])
        home.reset();
    }
    if (!home) {
      home = layers.size();
      layers.push_back({location, {}, {}});
    }
    for (Value operand : op.getOperands())
      if (Operation *view = operand.getDefiningOp(); view && partOf(view) == Part::Forward && layerOfOp.try_emplace(view, *home).second)
        layers[*home].forward.push_back(view);
    layers[*home].forward.push_back(&op);
    layerOfOp[&op] = *home;
  }
}

/// An adjoint belongs to the layer whose place in the source it carries; one
/// that carries none, to the last layer that it takes a value from.
void StepGraph::findAdjoints() {
  DenseMap<Location, unsigned> byLocation;
  for (auto [index, layer] : llvm::enumerate(layers))
    byLocation[layer.location] = index;
  for (Operation &op : step.getBody().front().without_terminator()) {
    if (partOf(&op) != Part::Backward)
      continue;
    unsigned layer = 0;
    if (auto known = byLocation.find(sourceLocation(op.getLoc())); known != byLocation.end()) {
      layer = known->second;
    } else {
      for (Value operand : op.getOperands())
        if (Operation *producer = operand.getDefiningOp();
            producer && layerOfOp.contains(producer))
          layer = std::max(layer, layerOfOp[producer]);
    }
    layerOfOp[&op] = layer;
    layers[layer].backward.push_back(&op);
  }
}

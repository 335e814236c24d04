// Finds forward, backward and update in a step, and the layers of forward.
#include "StepGraph.h"

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

FailureOr<StepGraph> StepGraph::of(func::FuncOp step, int64_t microbatches) {
  StepGraph graph(step);
  if (failed(graph.findParts(microbatches)))
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

SmallVector<BlockArgument> StepGraph::argumentsBehind(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return {argument};
  SmallVector<BlockArgument> arguments;
  if (isPrepared(value))
    for (Value operand : value.getDefiningOp()->getOperands())
      llvm::append_range(arguments, argumentsBehind(operand));
  return arguments;
}

LogicalResult StepGraph::findParts(int64_t microbatches) {
  Block &body = step.getBody().front();
  // What leads to a sum works on microbatches; all else works once.
  DenseSet<Operation *> leads;
  for (Operation &op : llvm::reverse(body)) {
    bool leadsOn = llvm::any_of(op.getUsers(), [&](Operation *user) {
      return leads.contains(user) || isa<dist::BatchSumOp>(user);
    });
    if (op.hasTrait<OpTrait::ConstantLike>()) {
      parts[&op] = Part::Constant;
    } else if (!leadsOn) {
      parts[&op] = isa<dist::BatchSumOp>(op) ? Part::Sum : Part::Update;
    } else {
      leads.insert(&op);
      parts[&op] = Part::Backward;
      if (isa<dist::BatchSumOp>(op) && microbatches > 1)
        return op.emitError("needs all samples of the batch at once, but ")
               << microbatches << " microbatches run apart: use --microbatches=1";
    }
  }
  for (Operation &op : body)
    if (partOf(&op) == Part::Backward && isMadeOfParameters(&op))
      parts[&op] = Part::Prepared;
  // Forward is what the loss, or an evaluation's result, is made from.
  SmallVector<Operation *> work;
  bool train = cast<StringAttr>(step->getAttr(nn::names::phase)).getValue() == "train";
  for (OpOperand &result : body.getTerminator()->getOpOperands())
    if (Operation *op = result.get().getDefiningOp())
      if (!train || step.getResultAttr(result.getOperandNumber(), nn::names::loss))
        work.push_back(op);
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    if (Part &part = parts[op]; part == Part::Backward)
      part = Part::Forward;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp();
          producer && parts[producer] != Part::Forward)
        work.push_back(producer);
  }
  return success();
}

/// Ops of one place in the source are one layer, as long as no other layer
/// stands between them.
void StepGraph::findLayers() {
  DenseMap<Operation *, unsigned> order;
  for (Operation &op : step.getBody().front().without_terminator()) {
    order[&op] = order.size();
    if (partOf(&op) != Part::Forward)
      continue;
    Location location = sourceLocation(op.getLoc());
    std::optional<unsigned> home;
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && partOf(producer) == Part::Forward &&
          layers[layerOfOp[producer]].location == location)
        home = layerOfOp[producer];
    }
    // Joining must not close a circle through a layer that began later.
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!home || !producer || partOf(producer) != Part::Forward ||
          layerOfOp[producer] == *home)
        continue;
      if (order[layers[layerOfOp[producer]].forward.back()] >
          order[layers[*home].forward.front()])
        home.reset();
    }
    if (!home) {
      home = layers.size();
      layers.push_back({location, {}, {}});
    }
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

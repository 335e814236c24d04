// Chooses versions of ops along one axis, by what they and their transitions cost.
#include "lib/Partition/Sharding/AxisSpread.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Time.h"

#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;
using namespace dtc::sharding;

FailureOr<AxisSpread> AxisSpread::of(func::FuncOp step, ArrayRef<int64_t> ranks, const Cluster &cluster, const MachineModel &machine) {
  const Device &device = cluster.deviceOf(ranks.front());
  AxisSpread spread(step, ranks, machine, device);
  for (Operation &op : step.getBody().front().without_terminator()) {
    auto ruled = dyn_cast<ShardingRuleOpInterface>(op);
    if (!ruled)
      return op.emitOpError("has no sharding rule, so that nothing can be spread over an axis through it");
    spread.rules.try_emplace(&op, Priced{ruled.getShardingRule(), secondsOf(device, &op)});
  }
  return spread;
}

/// Sharded as an operand is; with the terms of sums that it has; or whole.
SmallVector<OpVersion, 4> AxisSpread::candidates(Operation *op) const {
  const ShardingRule &rule = ruleOf(op);
  SmallVector<OpVersion, 4> versions;
  auto add = [&](const OpVersion &version) {
    if (!llvm::is_contained(versions, version))
      versions.push_back(version);
  };
  SmallVector<unsigned> partial;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    for (Placement placement : available.find(operand)->second) {
      if (!placement.isSharded())
        continue;
      std::optional<FactorShard> shard = rule.shardOf(rule.operands[index], placement, getRanks());
      if (shard && rule.factors[shard->factor].kind != FactorKind::Whole)
        add(OpVersion::sharded(*shard));
    }
    if (placementOf(operand).isPartial())
      partial.push_back(index);
  }
  for (auto [index, set] : llvm::enumerate(rule.linear))
    if (!partial.empty() && ArrayRef<unsigned>(partial) == ArrayRef<unsigned>(set))
      add(OpVersion::partial(index));
  add(OpVersion::replicated());
  return versions;
}

double AxisSpread::copySeconds(RankedTensorType type, Placement from, Placement to) const {
  double bytes = static_cast<double>(type.getNumElements()) * static_cast<double>(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  double local = bytes / static_cast<double>(getRanks()), copied = 0;
  auto lieApart = [&](Placement placement) {
    return placement.isSharded() && llvm::product_of(type.getShape().take_front(placement.dim)) > 1;
  };
  bool isExchange = from.isSharded() && to.isSharded();
  if (from == Placement::replicated())
    copied = local;
  else
    copied = (lieApart(from) + lieApart(to)) * (isExchange ? local : bytes);
  // Read and written.
  return copied > 0 ? dtc::secondsOf(*device, OpFamily::Movement, 0, 2 * copied) : 0;
}

std::optional<AxisSpread::Route> AxisSpread::routeTo(Value value, Placement need, ArrayRef<Placement> has) const {
  std::optional<Route> best;
  auto type = cast<RankedTensorType>(value.getType());
  // What is added up travels as f32.
  uint64_t elements = type.getNumElements(), bytes = elements * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (Placement from : has) {
    if (from == need)
      return Route{from, nullptr, 0};
    const Transition *transition = transitionBetween(from, need);
    if (!transition || (need.isSharded() && type.getDimSize(need.dim) % getRanks()))
      continue;
    double seconds = callSeconds + copySeconds(type, from, need) + transition->seconds(from.isPartial() ? std::max(bytes, 4 * elements) : bytes, ranks, *machine);
    if (!best || seconds < best->seconds)
      best = Route{from, transition, seconds};
  }
  return best;
}

std::optional<double> AxisSpread::secondsAs(Operation *op, const OpVersion &version) const {
  double seconds = rules.find(op)->second.seconds;
  // The work is shared out, the call is not.
  if (double call = std::min(callSeconds, seconds); version.shard)
    seconds = call + (seconds - call) / static_cast<double>(getRanks());
  SmallVector<std::pair<Value, Placement>> brought;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    std::pair<Value, Placement> needed(operand, operandPlacement(op, index, version));
    if (llvm::is_contained(brought, needed))
      continue;
    brought.push_back(needed);
    std::optional<Route> route = routeTo(operand, needed.second, available.find(operand)->second);
    if (!route)
      return std::nullopt;
    seconds += route->seconds;
  }
  return seconds;
}

double AxisSpread::bring(Value value, Placement need) {
  SmallVector<Placement, 2> &has = available[value];
  std::optional<Route> route = routeTo(value, need, has);
  if (!route)
    return 0;
  if (route->transition)
    has.push_back(need);
  return route->seconds;
}

double AxisSpread::decide(const Seeds &seeds) {
  available.clear();
  decided.clear();
  llvm::DenseMap<std::pair<Attribute, StringRef>, Placement> named;
  for (BlockArgument argument : step.getArguments()) {
    Placement placement = seeds.lookup(argument);
    available[argument].push_back(placement);
    for (StringRef kept : {StringRef(nn::names::parameter), StringRef(nn::names::state)})
      if (Attribute name = step.getArgAttr(argument.getArgNumber(), kept))
        named[{name, kept}] = placement;
  }
  double total = 0;
  for (Operation &op : step.getBody().front().without_terminator()) {
    std::optional<std::pair<double, OpVersion>> best;
    for (const OpVersion &version : candidates(&op))
      if (std::optional<double> seconds = secondsAs(&op, version); seconds && (!best || *seconds < best->first))
        best = {*seconds, version};
    if (!best)
      return std::numeric_limits<double>::infinity();
    total += best->first;
    for (auto [index, operand] : llvm::enumerate(op.getOperands()))
      bring(operand, operandPlacement(&op, index, best->second));
    for (OpResult result : op.getResults())
      available[result].push_back(resultPlacement(&op, result.getResultNumber(), best->second));
    decided.try_emplace(&op, best->second);
  }
  wanted.clear();
  for (auto [index, value] : llvm::enumerate(step.getBody().front().getTerminator()->getOperands())) {
    Placement placement;
    for (StringRef kept : {StringRef(nn::names::parameter), StringRef(nn::names::state)})
      if (Attribute name = step.getResultAttr(index, kept))
        placement = named.lookup({name, kept});
    wanted.push_back(placement);
    if (!routeTo(value, placement, available.find(value)->second))
      return std::numeric_limits<double>::infinity();
    total += bring(value, placement);
  }
  return total;
}

// Samples are followed from op to op as a batch that is shared out would be.
#include "SamplePlaces.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;
namespace names = dtc::nn::names;

static bool hasBatch(Value value, int64_t batch) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return !shape.empty() && shape.front() == batch;
}

SamplePlaces::SamplePlaces(func::FuncOp model, int64_t batch) : batch(batch) {
  for (BlockArgument argument : model.getArguments())
    if (model.getArgAttr(argument.getArgNumber(), names::input) && hasBatch(argument, batch))
      places[argument] = Placement::sharded(0);
  for (Operation &op : model.getBody().front().without_terminator())
    visit(&op);
}

void SamplePlaces::visit(Operation *op) {
  // One value for each sample, as stochastic depth has it: a share of the batch can have its own rows of it.
  if (SplatElementsAttr splat; matchPattern(op, m_Constant(&splat))) {
    if (hasBatch(op->getResult(0), batch))
      places[op->getResult(0)] = Placement::sharded(0);
    return;
  }
  auto ruled = dyn_cast<ShardingRuleOpInterface>(op);
  // One sample is all there is, whatever becomes of it: its rows are those of the whole.
  if (!ruled || batch == 1)
    return;
  ShardingRule rule = ruled.getShardingRule();
  std::optional<FactorShard> common;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    auto place = places.find(operand);
    if (place == places.end())
      continue;
    std::optional<FactorShard> shard = rule.shardOf(rule.operands[index], place->second, batch);
    bool isConstant = matchPattern(operand, m_Constant());
    if (!shard && isConstant)
      continue;
    if (!shard || rule.factors[shard->factor].kind == FactorKind::Whole)
      return;
    // A constant's rows may be no samples.
    if (common && *common != *shard) {
      if (!isConstant)
        return;
      continue;
    }
    common = shard;
  }
  if (!common)
    return;
  for (auto [result, factors] : llvm::zip_equal(op->getResults(), rule.results))
    if (std::optional<Placement> place = rule.placementOf(factors, *common))
      places[result] = *place;
}

std::optional<int64_t> SamplePlaces::outerOf(Value value) const {
  if (batch == 1)
    return 1;
  auto place = places.find(value);
  if (place == places.end())
    return std::nullopt;
  int64_t outer = place->second.outer;
  for (int64_t size : shapeOf(value).take_front(place->second.dim))
    outer *= size;
  return outer;
}

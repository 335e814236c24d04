// Sharding rules of layer, RMS and group normalisation: every row, or group, stands alone.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// x and its like are [rows…, elements…], statistics [rows…], parameters and their gradients, which are sums over rows, [elements…].
template <typename OpT>
struct RowSharding : ShardingRuleOpInterface::ExternalModel<RowSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    constexpr bool isGradient = std::is_same_v<OpT, nn::LayerNormGradientOp>;
    auto norm = cast<OpT>(op);
    ShardingRule rule(op);
    size_t axis = norm.getAxis();
    ArrayRef<int64_t> shape = shapeOf(norm.getX());
    TensorFactors rows = rule.addAll(isGradient ? FactorKind::Sum : FactorKind::Parallel, shape.take_front(axis));
    TensorFactors elements = rule.addAll(FactorKind::Whole, shape.drop_front(axis)), all = rows;
    llvm::append_range(all, elements);
    if constexpr (isGradient) {
      rule.operands[0] = rule.operands[1] = rule.results[0] = all;
      rule.operands[2] = rows;
      if (norm.getMean())
        rule.operands[3] = rows;
      if (norm.getScale())
        rule.operands.back() = elements;
      for (TensorFactors &sum : MutableArrayRef(rule.results).drop_front())
        sum = elements;
      rule.linear = {{0}};
    } else {
      rule.operands.assign(op->getNumOperands(), elements);
      rule.results.assign(op->getNumResults(), rows);
      rule.operands[0] = rule.results[0] = all;
    }
    return rule;
  }
};

/// Images are [n, gc, positions…], statistics [n, g], parameters and their gradients, which are sums over samples, [gc]: channels
/// are shared out by whole groups.
template <typename OpT>
struct GroupSharding : ShardingRuleOpInterface::ExternalModel<GroupSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    constexpr bool isGradient = std::is_same_v<OpT, nn::GroupNormGradientOp>;
    auto norm = cast<OpT>(op);
    ShardingRule rule(op);
    ArrayRef<int64_t> shape = shapeOf(norm.getX());
    int64_t groups = norm.getGroups(), width = shape[1] / groups;
    unsigned n = rule.add(isGradient ? FactorKind::Sum : FactorKind::Parallel, shape[0]), g = rule.add(FactorKind::Parallel, groups);
    DimFactors channels = {g};
    if (width > 1)
      channels.push_back(rule.add(FactorKind::Whole, width));
    TensorFactors image = {{n}, channels};
    llvm::append_range(image, rule.addAll(FactorKind::Whole, shape.drop_front(2)));
    TensorFactors statistic = {{n}, {g}};
    rule.operands[0] = rule.results[0] = image;
    if constexpr (isGradient) {
      rule.operands[1] = image;
      rule.operands[2] = rule.results[1] = rule.results[2] = {channels};
      rule.operands[3] = rule.operands[4] = statistic;
      rule.linear = {{0}};
    } else {
      rule.operands[1] = rule.operands[2] = {channels};
      rule.results[1] = rule.results[2] = statistic;
    }
    return rule;
  }

  /// A share of the groups; the gradient finds their number in its statistics.
  Operation *cloneLocal(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types) const {
    Operation *local = cloneWithTypes(op, builder, operands, types);
    if constexpr (std::is_same_v<OpT, nn::GroupNormOp>)
      cast<OpT>(local).setGroups(cast<RankedTensorType>(types[1]).getDimSize(1));
    return local;
  }
};
} // namespace

void dtc::sharding::registerSampleNormalisationSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LayerNormOp::attachInterface<RowSharding<nn::LayerNormOp>>(*context);
    nn::RmsNormOp::attachInterface<RowSharding<nn::RmsNormOp>>(*context);
    nn::LayerNormGradientOp::attachInterface<RowSharding<nn::LayerNormGradientOp>>(*context);
    nn::GroupNormOp::attachInterface<GroupSharding<nn::GroupNormOp>>(*context);
    nn::GroupNormGradientOp::attachInterface<GroupSharding<nn::GroupNormGradientOp>>(*context);
  });
}

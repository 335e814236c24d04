// Sharding rules of gather and its gradient.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {

/// The factors of data [a…, rows, b…], indices [i…] and slices [a…, i…, b…]. Any index may name any row, so that rows are whole.
void addFactors(ShardingRule &rule, Value data, Value indices, size_t axis, FactorKind ofIndices, TensorFactors &dataFactors,
                TensorFactors &indexFactors, TensorFactors &sliceFactors) {
  dataFactors = rule.addAll(FactorKind::Parallel, shapeOf(data));
  rule.factors[dataFactors[axis].front()].kind = FactorKind::Whole;
  indexFactors = rule.addAll(ofIndices, shapeOf(indices));
  ArrayRef<DimFactors> all = dataFactors;
  sliceFactors = TensorFactors(all.take_front(axis));
  sliceFactors.append(indexFactors);
  llvm::append_range(sliceFactors, all.drop_front(axis + 1));
}

struct GatherSharding : ShardingRuleOpInterface::ExternalModel<GatherSharding, nn::GatherOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto gather = cast<nn::GatherOp>(op);
    ShardingRule rule(op);
    addFactors(rule, gather.getData(), gather.getIndices(), gather.getAxis(), FactorKind::Parallel, rule.operands[0], rule.operands[1],
               rule.results[0]);
    rule.linear = {{0}};
    return rule;
  }
};

/// The sum over all indices.
struct GatherGradientSharding : ShardingRuleOpInterface::ExternalModel<GatherGradientSharding, nn::GatherGradientOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto gradient = cast<nn::GatherGradientOp>(op);
    ShardingRule rule(op);
    addFactors(rule, gradient.getDdata(), gradient.getIndices(), gradient.getAxis(), FactorKind::Sum, rule.results[0], rule.operands[1],
               rule.operands[0]);
    rule.linear = {{0}};
    return rule;
  }
};

} // namespace

void dtc::sharding::registerGatherSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::GatherOp::attachInterface<GatherSharding>(*context);
    nn::GatherGradientOp::attachInterface<GatherGradientSharding>(*context);
  });
}

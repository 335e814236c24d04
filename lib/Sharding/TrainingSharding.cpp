// Sharding rules of losses, metrics and optimizer updates.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {

/// A loss or a metric of outputs [n, positions…], labels and sample weights [n]:
/// a scalar that is a sum over n, perhaps with the gradient of the outputs. The
/// mean over a sample's positions needs all of them.
template <typename OpT>
struct LossSharding
    : ShardingRuleOpInterface::ExternalModel<LossSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    ArrayRef<int64_t> outputs = shapeOf(op->getOperand(0));
    unsigned n = rule.add(FactorKind::Sum, outputs[0]);
    TensorFactors dims = {{n}};
    dims.append(rule.addAll(FactorKind::Whole, outputs.drop_front()));
    ArrayRef<DimFactors> all = dims;
    rule.operands[0] = dims;
    // Class ids lack the dimension of classes, targets of a regression do not.
    rule.operands[1] = TensorFactors(all.take_front(shapeOf(op->getOperand(1)).size()));
    rule.operands[2] = {{n}};
    if (op->getNumOperands() > 3) // a weight for each class
      rule.operands[3] = {dims.back()};
    if (op->getNumResults() > 1)
      rule.results[1] = dims;
    rule.linear = {{2}}; // the sample weights
    return rule;
  }
};

/// Parameter, gradient and state have one shape; scalars have none. An optimizer that sums over a parameter needs all of it.
struct UpdateSharding
    : ShardingRuleOpInterface::ExternalModel<UpdateSharding, nn::UpdateOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto update = cast<nn::UpdateOp>(op);
    ShardingRule rule(op);
    bool sums = update.getOptimizer().getFormulaSize().sums > 0;
    TensorFactors dims =
        rule.addAll(sums ? FactorKind::Whole : FactorKind::Parallel, shapeOf(update.getParameter()));
    rule.operands[0] = rule.operands[1] = rule.results[0] = dims;
    for (auto [i, state] : llvm::enumerate(update.getOptimizer().getStates()))
      if (!state->isScalar)
        rule.operands[2 + i] = rule.results[1 + i] = dims;
    return rule;
  }
};

struct RunningAverageSharding
    : ShardingRuleOpInterface::ExternalModel<RunningAverageSharding,
                                             nn::RunningAverageUpdateOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    TensorFactors dims = rule.addAll(FactorKind::Parallel, shapeOf(op->getResult(0)));
    rule.operands.assign(2, dims);
    rule.results[0] = dims;
    return rule;
  }
};

} // namespace

void dtc::sharding::registerTrainingSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::SoftmaxCrossEntropyOp::attachInterface<
        LossSharding<nn::SoftmaxCrossEntropyOp>>(*context);
    nn::BinaryCrossEntropyOp::attachInterface<
        LossSharding<nn::BinaryCrossEntropyOp>>(*context);
    nn::BinaryCrossEntropyWithLogitsOp::attachInterface<
        LossSharding<nn::BinaryCrossEntropyWithLogitsOp>>(*context);
    nn::CountCorrectOp::attachInterface<LossSharding<nn::CountCorrectOp>>(*context);
    nn::UpdateOp::attachInterface<UpdateSharding>(*context);
    nn::RunningAverageUpdateOp::attachInterface<RunningAverageSharding>(*context);
  });
}

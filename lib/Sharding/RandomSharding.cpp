// Sharding rules of dropout: samples alone.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// In a model, where nothing is drawn yet: each element alone.
struct DropoutSharding : ShardingRuleOpInterface::ExternalModel<DropoutSharding, nn::DropoutOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    rule.operands[0] = rule.results[0] = rule.addAll(FactorKind::Parallel, shapeOf(op->getResult(0)));
    rule.linear = {{0}};
    return rule;
  }
};

/// What stands in a model alone, with nothing to share out.
struct RandomUniformSharding : ShardingRuleOpInterface::ExternalModel<RandomUniformSharding, nn::RandomUniformOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    rule.results[0] = rule.addAll(FactorKind::Whole, shapeOf(op->getResult(0)));
    return rule;
  }
};

/// The numbers of the samples say where a share's samples stand in the batch. Nothing says that of the elements of a sample, so each
/// share has all of them; and all of x, if that has no samples.
struct DropoutTrainingSharding : ShardingRuleOpInterface::ExternalModel<DropoutTrainingSharding, nn::DropoutTrainingOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto dropout = cast<nn::DropoutTrainingOp>(op);
    ShardingRule rule(op);
    std::optional<nn::DropoutTrainingOp::Samples> samples = dropout.getSamples();
    for (auto [dim, size] : llvm::enumerate(shapeOf(dropout.getX()))) {
      DimFactors &factors = rule.operands[0][dim];
      if (!samples || samples->dim != dim) {
        factors = {rule.add(FactorKind::Whole, size)};
        continue;
      }
      int64_t count = shapeOf(dropout.getSample()).front(), rest = size / (samples->outer * count);
      if (samples->outer > 1)
        factors.push_back(rule.add(FactorKind::Whole, samples->outer));
      unsigned n = rule.add(FactorKind::Parallel, count);
      factors.push_back(n);
      if (rest > 1)
        factors.push_back(rule.add(FactorKind::Whole, rest));
      rule.operands[2] = {{n}};
    }
    rule.results[0] = rule.operands[0];
    rule.linear = {{0}};
    return rule;
  }
};
} // namespace

void dtc::sharding::registerRandomSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::DropoutOp::attachInterface<DropoutSharding>(*context);
    nn::RandomUniformOp::attachInterface<RandomUniformSharding>(*context);
    nn::DropoutTrainingOp::attachInterface<DropoutTrainingSharding>(*context);
  });
}

// Sharding rules of batch normalisation: every share has its own statistics.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// All tensors are [n, c, positions…], [c] or, the sample weights, [n]. What has
/// no samples is a sum over shares: of gradients, or of parts of statistics that
/// the op has weighted by its samples. The statistics that forward keeps for the
/// gradient are neither: each share's own.
template <typename OpT>
struct NormalisationSharding
    : ShardingRuleOpInterface::ExternalModel<NormalisationSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    auto norm = cast<OpT>(op);
    ShardingRule rule(op);
    ArrayRef<int64_t> shape = shapeOf(norm.getX());
    unsigned n = rule.add(FactorKind::Sum, shape[0]);
    unsigned c = rule.add(FactorKind::Parallel, shape[1]);
    TensorFactors image = {{n}, {c}};
    image.append(rule.addAll(FactorKind::Whole, shape.drop_front(2)));
    auto assign = [&](ValueRange values, MutableArrayRef<TensorFactors> tensors) {
      for (auto [value, tensor] : llvm::zip_equal(values, tensors)) {
        if (shapeOf(value).size() > 1)
          tensor = image;
        else
          tensor = {{value == norm.getSampleWeight() ? n : c}};
      }
    };
    assign(op->getOperands(), rule.operands);
    assign(op->getResults(), rule.results);
    // The gradients are linear in dy. The forward op is not linear in the sample
    // weights, but where they are 0 so is y, and the row counts nothing; whole
    // arguments of the step as they are, they never come as partial sums.
    if constexpr (std::is_same_v<OpT, nn::BatchNormGradientOp>) {
      rule.linear = {{0}};
      rule.ownOperands = {4, 5};
    } else {
      if (!norm.getEpilogueAttr())
        rule.linear = {{3}};
      rule.ownResults = {3, 4};
    }
    return rule;
  }
};

/// With running statistics every element stands alone.
struct BatchNormSharding
    : ShardingRuleOpInterface::ExternalModel<BatchNormSharding, nn::BatchNormOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    TensorFactors image = rule.addAll(FactorKind::Parallel, shapeOf(op->getResult(0)));
    rule.operands.assign(op->getNumOperands(), {image[1]});
    rule.operands[0] = image;
    rule.results[0] = image;
    return rule;
  }
};
} // namespace

void dtc::sharding::registerNormalisationSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::BatchNormOp::attachInterface<BatchNormSharding>(*context);
    nn::BatchNormTrainingOp::attachInterface<NormalisationSharding<nn::BatchNormTrainingOp>>(
        *context);
    nn::BatchNormGradientOp::attachInterface<NormalisationSharding<nn::BatchNormGradientOp>>(
        *context);
  });
}

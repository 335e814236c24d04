// Sharding rules of pooling and its gradients: parallel in samples and channels.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// The rule of any op whose tensors are all [n, c, window or input positions…].
/// Windows reach into their neighbour's share, so positions stay whole.
template <typename OpT>
struct PoolingSharding
    : ShardingRuleOpInterface::ExternalModel<PoolingSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    unsigned n = rule.add(FactorKind::Parallel, shape[0]);
    unsigned c = rule.add(FactorKind::Parallel, shape[1]);
    auto assign = [&](ValueRange values, MutableArrayRef<TensorFactors> tensors) {
      for (auto [value, tensor] : llvm::zip_equal(values, tensors)) {
        tensor = {{n}, {c}};
        tensor.append(rule.addAll(FactorKind::Whole, shapeOf(value).drop_front(2)));
      }
    };
    assign(op->getOperands(), rule.operands);
    assign(op->getResults(), rule.results);
    // A maximum's place is data of its own; means and gradients are linear.
    if constexpr (!std::is_same_v<OpT, nn::MaxPoolOp>)
      rule.linear = {{0}};
    return rule;
  }
};
} // namespace

void dtc::sharding::registerPoolingSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::MaxPoolOp::attachInterface<PoolingSharding<nn::MaxPoolOp>>(*context);
    nn::MaxPoolGradientOp::attachInterface<
        PoolingSharding<nn::MaxPoolGradientOp>>(*context);
    nn::AvgPoolOp::attachInterface<PoolingSharding<nn::AvgPoolOp>>(*context);
    nn::AvgPoolGradientOp::attachInterface<
        PoolingSharding<nn::AvgPoolGradientOp>>(*context);
  });
}

// Sharding rules of recurrent layers: samples stand alone, steps and features do not.
#include "dialects/NN/NNRecurrent.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// gates [t, n, g], r [g, k], h0, c0 [n, k] -> h, c [t, n, k], activated [t, n, g]; dr is the sum over n.
template <typename OpT> struct LstmSharding : ShardingRuleOpInterface::ExternalModel<LstmSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    auto lstm = cast<OpT>(op);
    constexpr bool isGradient = std::is_same_v<OpT, nn::LstmGradientOp>;
    ArrayRef<int64_t> shape = shapeOf(lstm.getH());
    ShardingRule rule(op);
    unsigned t = rule.add(FactorKind::Whole, shape[0]);
    unsigned n = rule.add(isGradient ? FactorKind::Sum : FactorKind::Parallel, shape[1]);
    unsigned k = rule.add(FactorKind::Whole, shape[2]), g = rule.add(FactorKind::Whole, 4 * shape[2]);
    TensorFactors states = {{t}, {n}, {k}}, gates = {{t}, {n}, {g}}, weight = {{g}, {k}}, initial = {{n}, {k}};
    if constexpr (isGradient) {
      rule.operands = {states, weight, initial, initial, states, states, gates};
      rule.linear = {{0}};
      if (lstm.getDc()) {
        rule.operands.push_back(states);
        rule.linear = {{0, 7}};
      }
      rule.results = {gates, weight, initial, initial};
    } else {
      rule.operands = {gates, weight, initial, initial};
      rule.results = {states, states, gates};
    }
    return rule;
  }
};
} // namespace

void dtc::sharding::registerRecurrentSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LstmOp::attachInterface<LstmSharding<nn::LstmOp>>(*context);
    nn::LstmGradientOp::attachInterface<LstmSharding<nn::LstmGradientOp>>(*context);
  });
}

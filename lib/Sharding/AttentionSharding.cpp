// Sharding rules of attention: samples, and groups of heads, stand alone.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// q [n, (g, r), t, d], k [n, g, s, d], v [n, g, s, e] -> y [n, (g, r), t, e], lse [n, (g, r), t]; r heads of q share one of k and v. A gradient of what
/// is shared, or broadcast, is the sum over shares: dk and dv over r, dmask over the dimensions of 1.
template <typename OpT>
struct AttentionSharding : ShardingRuleOpInterface::ExternalModel<AttentionSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    auto attention = cast<OpT>(op);
    constexpr bool isGradient = std::is_same_v<OpT, nn::AttentionGradientOp>;
    bool positionsFirst = attention.getPositionsFirst();
    ArrayRef<int64_t> q = shapeOf(attention.getQ()), k = shapeOf(attention.getK());
    const int64_t head = positionsFirst ? 2 : 1, position = 3 - head;
    bool sumsMask = false;
    if constexpr (isGradient)
      sumsMask = attention.getDmask() != nullptr;

    ShardingRule rule(op);
    unsigned n = rule.add(sumsMask ? FactorKind::Sum : FactorKind::Parallel, q[0]);
    unsigned g = rule.add(sumsMask ? FactorKind::Sum : FactorKind::Parallel, k[head]);
    unsigned r = rule.add(isGradient ? FactorKind::Sum : FactorKind::Parallel, q[head] / k[head]);
    unsigned t = rule.add(FactorKind::Whole, q[position]), s = rule.add(FactorKind::Whole, k[position]);
    unsigned d = rule.add(FactorKind::Whole, q[3]), e = rule.add(FactorKind::Whole, shapeOf(attention.getV())[3]);

    auto heads = [&](DimFactors ofHeads, unsigned ofPositions, unsigned ofElements) {
      TensorFactors tensor = {{n}, ofHeads, {ofPositions}, {ofElements}};
      if (positionsFirst)
        std::swap(tensor[1], tensor[2]);
      return tensor;
    };
    TensorFactors queries = heads({g, r}, t, d), keys = heads({g}, s, d), values = heads({g}, s, e), result = heads({g, r}, t, e);
    TensorFactors sums = {{n}, {g, r}, {t}}, mask;
    if (attention.getMask())
      mask = broadcastFactors(shapeOf(attention.getMask()), {{n}, {g, r}, {t}, {s}}, {q[0], q[head], q[position], k[position]});
    if constexpr (isGradient) {
      rule.operands = {result, queries, keys, values, result, sums};
      rule.results = {queries, keys, values};
      if (sumsMask)
        rule.results.push_back(mask);
      rule.linear = {{0}};
    } else {
      rule.operands = {queries, keys, values};
      rule.results = {result, sums};
    }
    if (attention.getMask())
      rule.operands.push_back(mask);
    return rule;
  }
};
} // namespace

void dtc::sharding::registerAttentionSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::AttentionOp::attachInterface<AttentionSharding<nn::AttentionOp>>(*context);
    nn::AttentionGradientOp::attachInterface<AttentionSharding<nn::AttentionGradientOp>>(*context);
  });
}

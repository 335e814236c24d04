// Costs of attention: products of the pairs of a query and a key that it computes, and no tensor of all pairs.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

static uint64_t times(uint64_t a, uint64_t b) { return llvm::SaturatingMultiply(a, b); }
static uint64_t plus(uint64_t a, uint64_t b) { return llvm::SaturatingAdd(a, b); }

namespace {

/// Pairs of a query and a key that it may attend to, over all samples and heads: of causal attention min(t + 1, S) for query t.
template <typename OpT> uint64_t pairsOf(OpT op) {
  RankedTensorType q = op.getQ().getType(), k = op.getK().getType();
  const int64_t position = op.getPositionsFirst() ? 1 : 2, head = 3 - position;
  uint64_t queries = q.getDimSize(position), keys = k.getDimSize(position), pairs = times(queries, keys);
  if (op.getCausal()) {
    uint64_t rising = std::min(queries, keys), sum = times(rising, rising + 1);
    pairs = plus(sum == UINT64_MAX ? sum : sum / 2, times(queries - rising, keys));
  }
  return times(pairs, productOf({q.getDimSize(0), q.getDimSize(head)}));
}

/// For each pair `products` products of a multiplication and an addition, and `others`.
template <typename OpT> Cost costOfPairs(OpT op, uint64_t products, uint64_t others) {
  return costOfTensors(op, times(pairsOf(op), plus(times(2, products), others)));
}

uint64_t widthOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape().back(); }

struct AttentionCost : CostOpInterface::ExternalModel<AttentionCost, nn::AttentionOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Matmul; }
  /// q k^T and p v; softmax's 5; an added mask 1.
  Cost getCost(Operation *op) const {
    auto attention = cast<nn::AttentionOp>(op);
    return costOfPairs(attention, plus(widthOf(attention.getQ()), widthOf(attention.getV())), 5 + (attention.getMask() != nullptr));
  }
};

struct AttentionGradientCost : CostOpInterface::ExternalModel<AttentionGradientCost, nn::AttentionGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Matmul; }
  /// q k^T again, dq and dk; dy v^T and dv; p and the gradient of a score 4, an added mask 1. The sums of dy y are the queries' alone.
  Cost getCost(Operation *op) const {
    auto gradient = cast<nn::AttentionGradientOp>(op);
    Cost cost = costOfPairs(gradient, plus(times(3, widthOf(gradient.getQ())), times(2, widthOf(gradient.getV()))), 4 + (gradient.getMask() != nullptr));
    cost.flops = plus(cost.flops, times(2, elementsOf(gradient.getY())));
    // The gradient of an added mask is a pass of its own, which computes its scores again.
    if (gradient.getDmask())
      cost.flops = plus(cost.flops, times(pairsOf(gradient), plus(times(2, plus(widthOf(gradient.getQ()), widthOf(gradient.getV()))), 5)));
    return cost;
  }
};

} // namespace

void dtc::cost::registerAttentionCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::AttentionOp::attachInterface<AttentionCost>(*context);
    nn::AttentionGradientOp::attachInterface<AttentionGradientCost>(*context);
  });
}

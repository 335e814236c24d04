// Attention as its definition reads: a query's scores, their softmax, the mean of v with these weights; the gradient by softmax's own.
#include "test/Reference/Rules.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// A query: the keys that it attends to, and with which weights.
struct Query {
  std::vector<double> weights; ///< 0 of a key that is hidden
  double lse;
};

/// The operands of attention, or those of its gradient from q on.
template <typename OpT> struct Attended {
  mutable OpT op; // its getters are not const
  const Tensor &q, &k, &v;
  const Tensor *mask;
  bool first, isTruth = false;
  int64_t samples, heads, sharers, queries, keys, width, valueWidth;

  Attended(OpT op, const Tensor &q, const Tensor &k, const Tensor &v, const Tensor *mask) : op(op), q(q), k(k), v(v), mask(mask), first(op.getPositionsFirst()) {
    if (mask)
      isTruth = cast<RankedTensorType>(op.getMask().getType()).getElementType().isInteger(1);
    samples = q.shape[0];
    heads = q.shape[first ? 2 : 1];
    queries = q.shape[first ? 1 : 2];
    keys = k.shape[first ? 1 : 2];
    sharers = heads / k.shape[first ? 2 : 1];
    width = q.shape[3];
    valueWidth = v.shape[3];
  }
  /// The number of an element of a tensor with this head and position.
  int64_t at(const Tensor &tensor, int64_t n, int64_t head, int64_t position, int64_t element) const {
    return first ? flatten({n, position, head, element}, tensor.shape) : flatten({n, head, position, element}, tensor.shape);
  }
  Query query(int64_t n, int64_t head, int64_t t) const {
    constexpr double hidden = -std::numeric_limits<double>::infinity();
    std::vector<double> scores(keys);
    double largest = hidden, sum = 0;
    for (int64_t s = 0; s < keys; ++s) {
      double score = 0;
      for (int64_t d = 0; d < width; ++d)
        score += q.data[at(q, n, head, t, d)] * k.data[at(k, n, head / sharers, s, d)];
      score *= op.getScale().convertToDouble();
      if (mask) {
        double entry = mask->data[flatten({n, head, t, s}, mask->shape)];
        score = !isTruth ? score + entry : entry != 0 ? score : hidden;
      }
      scores[s] = op.getCausal() && s > t ? hidden : score;
      largest = std::max(largest, scores[s]);
    }
    if (largest == hidden)
      return {std::vector<double>(keys, 0), hidden};
    for (double &score : scores)
      sum += score = std::exp(score - largest);
    for (double &score : scores)
      score /= sum;
    return {scores, largest + std::log(sum)};
  }
  template <typename Body> void forEachQuery(Body body) const {
    for (int64_t n = 0; n < samples; ++n)
      for (int64_t head = 0; head < heads; ++head)
        for (int64_t t = 0; t < queries; ++t)
          body(n, head, t);
  }
};
} // namespace

static LogicalResult attention(Operation *op, Operands operands, Results results) {
  Attended of(cast<nn::AttentionOp>(op), *operands[0], *operands[1], *operands[2], operands.size() > 3 ? operands[3] : nullptr);
  of.forEachQuery([&](int64_t n, int64_t head, int64_t t) {
    Query query = of.query(n, head, t);
    for (int64_t e = 0; e < of.valueWidth; ++e)
      for (int64_t s = 0; s < of.keys; ++s)
        results[0].data[of.at(results[0], n, head, t, e)] += query.weights[s] * of.v.data[of.at(of.v, n, head / of.sharers, s, e)];
    results[1].data[flatten({n, head, t}, results[1].shape)] = query.lse;
  });
  return success();
}

/// Of y and lse nothing is read: the weights are computed again.
static LogicalResult gradient(Operation *op, Operands operands, Results results) {
  Attended of(cast<nn::AttentionGradientOp>(op), *operands[1], *operands[2], *operands[3], operands.size() > 6 ? operands[6] : nullptr);
  const Tensor &dy = *operands[0];
  double scale = of.op.getScale().convertToDouble();
  of.forEachQuery([&](int64_t n, int64_t head, int64_t t) {
    Query query = of.query(n, head, t);
    int64_t shared = head / of.sharers;
    std::vector<double> slopes(of.keys, 0.0);
    double mean = 0;
    for (int64_t s = 0; s < of.keys; ++s) {
      for (int64_t e = 0; e < of.valueWidth; ++e) {
        double slope = dy.data[of.at(dy, n, head, t, e)];
        slopes[s] += slope * of.v.data[of.at(of.v, n, shared, s, e)];
        results[2].data[of.at(of.v, n, shared, s, e)] += query.weights[s] * slope;
      }
      mean += query.weights[s] * slopes[s];
    }
    for (int64_t s = 0; s < of.keys; ++s) {
      double ofScore = query.weights[s] * (slopes[s] - mean);
      for (int64_t d = 0; d < of.width; ++d) {
        results[0].data[of.at(of.q, n, head, t, d)] += scale * ofScore * of.k.data[of.at(of.k, n, shared, s, d)];
        results[1].data[of.at(of.k, n, shared, s, d)] += scale * ofScore * of.q.data[of.at(of.q, n, head, t, d)];
      }
      if (results.size() > 3)
        results[3].data[flatten({n, head, t, s}, of.mask->shape)] += ofScore;
    }
  });
  return success();
}

void reference::addAttentionRules(Rules &rules) {
  rules["nn.attention"] = attention;
  rules["nn.attention_gradient"] = gradient;
}

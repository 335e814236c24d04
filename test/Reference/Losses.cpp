// Losses with their gradients, and accuracy. A row of weight 0 is padding:
// whatever it holds, it adds nothing.
#include "test/Reference/Rules.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// The rows [positions x classes] of logits [N, ..., classes].
struct Classification {
  const Tensor &logits, &label, &weight;
  int64_t classes, rows, positions;

  explicit Classification(Operands operands)
      : logits(*operands[0]), label(*operands[1]), weight(*operands[2]),
        classes(logits.shape.back()), rows(label.data.size()),
        positions(rows / logits.shape[0]) {}

  double rowWeight(int64_t row) const {
    return weight.data[row / positions] / static_cast<double>(positions);
  }

  bool isIgnored(Operation *op, int64_t row) const {
    auto ignored = op->getAttrOfType<IntegerAttr>("ignore_index");
    return ignored && label.data[row] == static_cast<double>(ignored.getInt());
  }

  LogicalResult checkLabel(Operation *op, int64_t row) const {
    double id = label.data[row];
    if (id >= 0 && id < static_cast<double>(classes) && id == std::floor(id))
      return success();
    return op->emitError() << "label " << id << " is none of the " << classes
                           << " classes";
  }
};
} // namespace

static LogicalResult softmaxCrossEntropy(Operation *op, Operands operands,
                                         Results results) {
  Classification task(operands);
  double smoothing = cast<nn::SoftmaxCrossEntropyOp>(op).getLabelSmoothing().convertToDouble();
  const Tensor *classWeight = operands.size() > 3 ? operands[3] : nullptr;
  double &loss = results[0].data[0];
  for (int64_t row = 0; row < task.rows; ++row) {
    double weight = task.rowWeight(row);
    if (weight == 0 || task.isIgnored(op, row))
      continue;
    if (failed(task.checkLabel(op, row)))
      return failure();
    const double *x = task.logits.data.data() + row * task.classes;
    double *dx = results[1].data.data() + row * task.classes;
    double maximum = *std::max_element(x, x + task.classes), sum = 0;
    for (int64_t c = 0; c < task.classes; ++c)
      sum += std::exp(x[c] - maximum);
    double normaliser = maximum + std::log(sum);
    auto id = static_cast<int64_t>(task.label.data[row]);
    // -log p of each class has a share of the loss: the label's and, smoothed, all.
    for (int64_t target = 0; target < task.classes; ++target) {
      double share = smoothing / static_cast<double>(task.classes) + (target == id ? 1 - smoothing : 0);
      share *= weight * (classWeight ? classWeight->data[target] : 1);
      if (share == 0)
        continue;
      loss += share * (normaliser - x[target]);
      for (int64_t c = 0; c < task.classes; ++c)
        dx[c] += share * (std::exp(x[c] - normaliser) - (c == target ? 1 : 0));
    }
  }
  return success();
}

static LogicalResult binaryCrossEntropy(Operation *op, Operands operands,
                                        Results results) {
  const Tensor &probability = *operands[0], &label = *operands[1],
               &weight = *operands[2];
  auto positions = static_cast<int64_t>(probability.data.size()) /
                   static_cast<int64_t>(weight.data.size());
  double &loss = results[0].data[0];
  for (size_t i = 0; i < probability.data.size(); ++i) {
    double w = weight.data[i / positions] / static_cast<double>(positions);
    if (w == 0)
      continue;
    double p = probability.data[i], y = label.data[i];
    if (!(p >= 0 && p <= 1))
      return op->emitError() << "probability " << p << " is not in [0, 1]";
    // Both cuts are torch.nn.BCELoss's, which keeps the second as a float.
    loss -= w * (y * std::max(std::log(p), -100.0) +
                 (1 - y) * std::max(std::log1p(-p), -100.0));
    results[1].data[i] = w * (p - y) / std::max(p * (1 - p), double{1e-12f});
  }
  return success();
}

static LogicalResult binaryCrossEntropyWithLogits(Operation *, Operands operands,
                                                  Results results) {
  const Tensor &logits = *operands[0], &label = *operands[1], &weight = *operands[2];
  auto positions = static_cast<int64_t>(logits.data.size()) /
                   static_cast<int64_t>(weight.data.size());
  for (size_t i = 0; i < logits.data.size(); ++i) {
    double w = weight.data[i / positions] / static_cast<double>(positions);
    if (w == 0)
      continue;
    double z = logits.data[i], y = label.data[i];
    results[0].data[0] += w * (std::max(z, 0.0) - z * y + std::log1p(std::exp(-std::abs(z))));
    results[1].data[i] = w * (1 / (1 + std::exp(-z)) - y);
  }
  return success();
}

static LogicalResult countCorrect(Operation *op, Operands operands,
                                  Results results) {
  Classification task(operands);
  for (int64_t row = 0; row < task.rows; ++row) {
    double weight = task.rowWeight(row);
    if (weight == 0 || task.isIgnored(op, row))
      continue;
    if (failed(task.checkLabel(op, row)))
      return failure();
    const double *x = task.logits.data.data() + row * task.classes;
    auto best = std::max_element(x, x + task.classes) - x;
    results[0].data[0] += best == task.label.data[row] ? weight : 0;
  }
  return success();
}

void reference::addLossRules(Rules &rules) {
  rules["nn.softmax_cross_entropy"] = softmaxCrossEntropy;
  rules["nn.binary_cross_entropy"] = binaryCrossEntropy;
  rules["nn.binary_cross_entropy_with_logits"] = binaryCrossEntropyWithLogits;
  rules["nn.count_correct"] = countCorrect;
}

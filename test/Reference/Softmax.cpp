// Softmax and its logarithm along an axis.
#include "test/Reference/Rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

/// Log of softmax along an axis: x minus the stable log of the sum of e^x.
static std::vector<double> logSoftmaxOf(const Tensor &x, int64_t axis) {
  SmallVector<int64_t> lines(x.shape);
  lines[axis] = 1;
  Tensor maximum = zeros(lines), sum = zeros(lines);
  std::fill(maximum.data.begin(), maximum.data.end(),
            -std::numeric_limits<double>::infinity());
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    double &best = maximum.data[flatten(index, lines)];
    best = std::max(best, x.data[flat]);
  });
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    int64_t line = flatten(index, lines);
    sum.data[line] += std::exp(x.data[flat] - maximum.data[line]);
  });
  std::vector<double> result(x.data.size());
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    int64_t line = flatten(index, lines);
    result[flat] = x.data[flat] - maximum.data[line] - std::log(sum.data[line]);
  });
  return result;
}

static LogicalResult logSoftmax(Operation *op, Operands operands,
                                Results results) {
  results[0].data =
      logSoftmaxOf(*operands[0], cast<nn::LogSoftmaxOp>(op).getAxis());
  return success();
}

static LogicalResult softmax(Operation *op, Operands operands, Results results) {
  results[0].data = logSoftmaxOf(*operands[0], cast<nn::SoftmaxOp>(op).getAxis());
  for (double &value : results[0].data)
    value = std::exp(value);
  return success();
}

void reference::addSoftmaxRules(Rules &rules) {
  rules["nn.softmax"] = softmax;
  rules["nn.log_softmax"] = logSoftmax;
}

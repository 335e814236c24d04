// Maximum and mean over windows, and their gradients.
#include "test/Reference/Rules.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// One element of a window.
struct WindowElement {
  int64_t position;  ///< row-major position in the window
  int64_t flat;      ///< number in x, meaningless where `inside` is false
  bool inside;       ///< inside x
  bool insidePadded; ///< inside x or its padding
};
} // namespace

/// Calls `body` for each element of the window of y's element `index`.
template <typename Op>
static void forEachElement(Op op, ArrayRef<int64_t> x, ArrayRef<int64_t> index,
                           llvm::function_ref<void(WindowElement)> body) {
  size_t spatial = x.size() - 2;
  SmallVector<int64_t> source(index);
  forEachIndex(op.getKernel(), [&](ArrayRef<int64_t> k, int64_t position) {
    WindowElement element{position, 0, true, true};
    for (size_t d = 0; d < spatial; ++d) {
      int64_t at = index[2 + d] * op.getStrides()[d] - op.getPads()[d] +
                   k[d] * op.getDilations()[d];
      source[2 + d] = at;
      element.inside &= at >= 0 && at < x[2 + d];
      element.insidePadded &= at < x[2 + d] + op.getPads()[spatial + d];
    }
    if (element.inside)
      element.flat = flatten(source, x);
    body(element);
  });
}

static LogicalResult maxPool(Operation *op, Operands operands, Results results) {
  auto pool = cast<nn::MaxPoolOp>(op);
  const Tensor &x = *operands[0];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    double best = 0;
    int64_t position = -1;
    forEachElement(pool, x.shape, index, [&](WindowElement element) {
      if (!element.inside)
        return;
      double value = x.data[element.flat];
      if (position < 0 || value > best || std::isnan(value)) {
        best = value;
        position = element.position;
      }
    });
    results[0].data[flat] = activate(pool.getActivation(),
                                     pool.getActivationAlpha(), best);
    results[1].data[flat] = static_cast<double>(position);
  });
  return success();
}

static LogicalResult maxPoolGradient(Operation *op, Operands operands,
                                     Results results) {
  const Tensor &dy = *operands[0], &positions = *operands[1];
  Tensor &dx = results[0];
  forEachIndex(dy.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    forEachElement(cast<nn::MaxPoolGradientOp>(op), dx.shape, index,
                   [&](WindowElement element) {
                     if (element.inside &&
                         element.position == positions.data[flat])
                       dx.data[element.flat] += dy.data[flat];
                   });
  });
  return success();
}

/// What the sum over a window is divided by: its elements in x, or also those
/// in the padding; never those beyond the padding (PyTorch, ONNX since 19).
template <typename Op>
static double countElements(Op op, ArrayRef<int64_t> x, ArrayRef<int64_t> index) {
  double count = 0;
  forEachElement(op, x, index, [&](WindowElement element) {
    count += op.getCountIncludePad() ? element.insidePadded : element.inside;
  });
  return count;
}

static LogicalResult avgPool(Operation *op, Operands operands, Results results) {
  auto pool = cast<nn::AvgPoolOp>(op);
  const Tensor &x = *operands[0];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    double sum = 0;
    forEachElement(pool, x.shape, index, [&](WindowElement element) {
      sum += element.inside ? x.data[element.flat] : 0;
    });
    results[0].data[flat] = sum / countElements(pool, x.shape, index);
  });
  return success();
}

static LogicalResult avgPoolGradient(Operation *op, Operands operands,
                                     Results results) {
  auto pool = cast<nn::AvgPoolGradientOp>(op);
  const Tensor &dy = *operands[0];
  Tensor &dx = results[0];
  forEachIndex(dy.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    double share = dy.data[flat] / countElements(pool, dx.shape, index);
    forEachElement(pool, dx.shape, index, [&](WindowElement element) {
      if (element.inside)
        dx.data[element.flat] += share;
    });
  });
  return success();
}

void reference::addPoolingRules(Rules &rules) {
  rules["nn.max_pool"] = maxPool;
  rules["nn.max_pool_gradient"] = maxPoolGradient;
  rules["nn.avg_pool"] = avgPool;
  rules["nn.avg_pool_gradient"] = avgPoolGradient;
}

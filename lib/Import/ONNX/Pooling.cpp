// MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool.
#include "Operators.h"
#include "Reduction.h"
#include "Windows.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// The window of a pooling of `x`, whose `kernel_shape` is required.
static FailureOr<Window> readPoolingWindow(Node &node, Value x,
                                           bool hasDilations) {
  auto kernel = node.integerList("kernel_shape");
  if (!kernel && !node.failed())
    node.error() << "attribute 'kernel_shape' is missing";
  if (node.failed())
    return failure();
  size_t rank = shapeOf(x).size();
  if (rank < 3 || rank > 5)
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x))
                        << " must have a rank from 3 to 5";
  if (kernel->size() != rank - 2)
    return node.error() << "attribute 'kernel_shape' has " << kernel->size()
                        << " elements, the spatial dimensions need "
                        << rank - 2;
  for (int64_t size : *kernel)
    if (size < 1 || size > INT32_MAX)
      return node.error() << "kernel_shape " << nn::formatShape(*kernel)
                          << " has a dimension outside 1 to " << INT32_MAX;
  return readWindow(node, shapeOf(x).drop_front(2), *kernel, hasDilations);
}

static SmallVector<NamedAttribute>
windowAttributes(Node &node, const Window &window, bool ceilMode) {
  SmallVector<NamedAttribute> attributes{
      node.list("kernel", window.kernel), node.list("strides", window.strides),
      node.list("pads", window.pads), node.list("dilations", window.dilations)};
  if (ceilMode && !window.autoPadded)
    attributes.push_back(node.unit("ceil_mode"));
  return attributes;
}

static FailureOr<Binding> importMaxPool(Node &node) {
  Value x = node.tensor(0);
  bool ceilMode = node.flag("ceil_mode", false);
  // The order of the indices alone; the maxima do not depend on it.
  node.flag("storage_order", false);
  if (node.failed())
    return failure();
  if (node.usesOutput(1))
    return node.error() << "the second output, Indices, is not supported; "
                           "only the maxima can be used";
  FailureOr<Window> window = readPoolingWindow(node, x, /*hasDilations=*/true);
  if (failed(window))
    return failure();
  return node.create<nn::MaxPoolOp>(x,
                                    windowAttributes(node, *window, ceilMode));
}

static FailureOr<Binding> importAveragePool(Node &node, bool hasDilations) {
  Value x = node.tensor(0);
  bool ceilMode = node.flag("ceil_mode", false);
  bool countIncludePad = node.flag("count_include_pad", false);
  if (node.failed())
    return failure();
  FailureOr<Window> window = readPoolingWindow(node, x, hasDilations);
  if (failed(window))
    return failure();
  auto attributes = windowAttributes(node, *window, ceilMode);
  if (countIncludePad)
    attributes.push_back(node.unit("count_include_pad"));
  return node.create<nn::AvgPoolOp>(x, attributes);
}

static FailureOr<Binding> importAveragePool11(Node &node) {
  return importAveragePool(node, /*hasDilations=*/false);
}

static FailureOr<Binding> importAveragePool19(Node &node) {
  return importAveragePool(node, /*hasDilations=*/true);
}

static FailureOr<Binding> importGlobalAveragePool(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  size_t rank = shapeOf(x).size();
  if (rank < 3 || rank > 5)
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x))
                        << " must have a rank from 3 to 5";
  Window window;
  window.kernel.assign(shapeOf(x).begin() + 2, shapeOf(x).end());
  window.strides.assign(rank - 2, 1);
  window.dilations.assign(rank - 2, 1);
  window.pads.assign(2 * (rank - 2), 0);
  return node.create<nn::AvgPoolOp>(
      x, windowAttributes(node, window, /*ceilMode=*/false));
}

static FailureOr<Binding> importGlobalMaxPool(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  if (shapeOf(x).size() < 2)
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x)) << " has no channels";
  return largest(node, x, llvm::to_vector(llvm::seq<int64_t>(2, shapeOf(x).size())));
}

void dtc::onnximport::addPoolingOperators(OperatorTable &table) {
  table.add({{"MaxPool", 12, 1, 1, 2, importMaxPool,
              "`nn.max_pool`; the output Indices is refused if it is used"},
             {"AveragePool", 11, 1, 1, 1, importAveragePool11, "`nn.avg_pool`"},
             {"AveragePool", 19, 1, 1, 1, importAveragePool19,
              "`nn.avg_pool`; dilations since 19"},
             {"GlobalAveragePool", 1, 1, 1, 1, importGlobalAveragePool,
              "`nn.avg_pool` with one window over all"},
             {"GlobalMaxPool", 1, 1, 1, 1, importGlobalMaxPool, "`nn.max` of halves, again and again"}});
}

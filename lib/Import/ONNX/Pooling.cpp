// MaxPool, AveragePool, LpPool, GlobalAveragePool, GlobalMaxPool, GlobalLpPool.
#include "Indexing.h"
#include "Operators.h"
#include "Reduction.h"
#include "Windows.h"

#include "dialects/NN/NN.h"

#include <limits>

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

/// Where in all of x [N, C, spatial...] the maxima of the windows stand, of which there are `windows`; the first of equal ones. Each window's elements
/// are gathered, and compared. Counted along columns where `columnMajor`.
static FailureOr<Value> placesOfMaxima(Node &node, Value x, const Window &window, ArrayRef<int64_t> windows, bool columnMajor) {
  ArrayRef<int64_t> shape = shapeOf(x), image = shape.drop_front(2);
  int64_t planes = shape[0] * shape[1], size = 1, count = 1, elements = 1, numbers;
  for (size_t d = 0; d < image.size(); ++d) {
    size *= image[d];
    count *= windows[d];
    if (llvm::MulOverflow(elements, window.kernel[d], elements))
      return node.error() << "a window has too many elements for its indices";
  }
  if (cast<RankedTensorType>(x.getType()).getNumElements() > INT32_MAX)
    return node.error() << "the indices of more than 2^31 elements are not supported";
  if (llvm::MulOverflow(count, elements, numbers) || !node.affords(numbers))
    return node.failed() ? FailureOr<Value>() : node.error() << "the windows have too many elements for their indices";
  // Of each window's elements, in order: where in a plane, how that is counted, and whether it is no border.
  std::vector<int64_t> places, counted;
  SmallVector<bool> isInside;
  for (int64_t i = 0; i < numbers; ++i) {
    int64_t restOfWindow = i / elements, restOfElement = i % elements, place = 0, stride = 1;
    bool inside = true;
    SmallVector<int64_t> at(image.size());
    for (size_t d = image.size(); d-- > 0;) {
      at[d] = restOfWindow % windows[d] * window.strides[d] - window.pads[d] + restOfElement % window.kernel[d] * window.dilations[d];
      inside = inside && at[d] >= 0 && at[d] < image[d];
      restOfWindow /= windows[d];
      restOfElement /= window.kernel[d];
    }
    for (size_t d = image.size(); d-- > 0;) {
      place += at[d] * stride;
      stride *= image[d];
    }
    places.push_back(inside ? place : 0);
    counted.push_back(!inside ? 0 : columnMajor ? at[0] + at[1] * image[0] : place);
    isInside.push_back(inside);
  }
  auto table = [&](ArrayRef<int64_t> values, ArrayRef<int64_t> of) {
    return node.constant(DenseElementsAttr::get(RankedTensorType::get(of, node.builder().getI64Type()), values));
  };
  FailureOr<Value> flat = node.reshape(x, {planes, size});
  FailureOr<Value> taken = failed(flat) ? flat : node.create<nn::GatherOp>({*flat, table(places, {count, elements})}, node.number("axis", 1));
  Value mask = node.constant(DenseElementsAttr::get(RankedTensorType::get({count, elements}, node.builder().getI1Type()), ArrayRef<bool>(isInside)));
  FailureOr<Value> known = failed(taken) ? taken : node.create<nn::WhereOp>({mask, *taken, node.scalar(-std::numeric_limits<double>::infinity())});
  FailureOr<Value> chosen = failed(known) ? known : indexOf(node, *known, 2, /*smallestWanted=*/false, /*last=*/false);
  if (failed(chosen))
    return failure();
  FailureOr<Value> first = ramp(node, *chosen, count, elements, 1, 3), plane = ramp(node, *chosen, planes, size, 0, 3);
  FailureOr<Value> at = failed(first) ? first : node.create<nn::AddOp>({*chosen, *first});
  FailureOr<Value> place = failed(at) ? at : node.create<nn::GatherOp>({table(counted, numbers), *at}, node.number("axis", 0));
  FailureOr<Value> all = failed(place) || failed(plane) ? FailureOr<Value>() : node.create<nn::AddOp>({*place, *plane});
  SmallVector<int64_t> result(shape.take_front(2));
  llvm::append_range(result, windows);
  return failed(all) ? all : node.reshape(*all, result);
}

static FailureOr<Binding> importMaxPool(Node &node) {
  Value x = node.tensor(0);
  bool ceilMode = node.flag("ceil_mode", false);
  // The order of the indices alone; the maxima do not depend on it.
  bool columnMajor = node.flag("storage_order", false);
  if (node.failed())
    return failure();
  FailureOr<Window> window = readPoolingWindow(node, x, /*hasDilations=*/true);
  FailureOr<Value> y = failed(window) ? FailureOr<Value>() : node.create<nn::MaxPoolOp>(x, windowAttributes(node, *window, ceilMode));
  if (failed(y) || !node.usesOutput(1))
    return y;
  if (columnMajor && shapeOf(x).size() != 4)
    return node.error() << "storage_order 1 of indices is not supported for " << shapeOf(x).size() - 2 << " spatial dimensions, only for 2";
  FailureOr<Value> places = placesOfMaxima(node, x, *window, shapeOf(*y).drop_front(2), columnMajor);
  if (failed(places))
    return failure();
  node.give(1, *places);
  return y;
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

/// The p-th root of what is from 0 on. Of zeros the gradient is 0, as torch.nn.LPPool2d's is: the root is taken of 1 there.
static FailureOr<Value> root(Node &node, Value x, int64_t p) {
  if (p == 1)
    return x;
  FailureOr<Value> positive = node.create<nn::WherePositiveOp>({x, x, node.scalar(1)});
  FailureOr<Value> of = failed(positive) ? positive
                        : p == 2         ? node.create<nn::SqrtOp>(*positive)
                                         : node.create<nn::PowOp>({*positive, node.scalar(1 / static_cast<double>(p))});
  return failed(of) ? of : node.create<nn::WherePositiveOp>({x, *of, node.scalar(0)});
}

/// |x|^p.
static FailureOr<Value> powers(Node &node, Value x, int64_t p) {
  if (p == 2)
    return node.create<nn::MulOp>({x, x});
  FailureOr<Value> absolute = node.create<nn::AbsOp>(x);
  return failed(absolute) || p == 1 ? absolute : node.create<nn::PowOp>({*absolute, node.scalar(static_cast<double>(p))});
}

/// `p` from 1 on, of which powers and roots are taken.
static int64_t readP(Node &node) {
  int64_t p = node.integer("p", 2);
  if (p < 1 || p > 64)
    node.error() << "p is " << p << ", which is outside 1 to 64";
  return p;
}

/// The p-norm of each window: the root of a mean of powers, of which zeros of the border are a part, times the elements of a window.
static FailureOr<Binding> importLpPool(Node &node, bool hasDilations) {
  Value x = node.tensor(0);
  int64_t p = readP(node);
  bool ceilMode = hasDilations && node.flag("ceil_mode", false);
  if (node.failed())
    return failure();
  FailureOr<Window> window = readPoolingWindow(node, x, hasDilations);
  if (failed(window))
    return failure();
  size_t spatial = window->kernel.size();
  double elements = 1;
  for (size_t d = 0; d < spatial; ++d) {
    elements *= static_cast<double>(window->kernel[d]);
    if (!ceilMode || window->autoPadded)
      continue;
    // The last window hangs over the end where it begins before it: so many zeros more.
    int64_t size = shapeOf(x)[d + 2], padded = size + window->pads[d] + window->pads[spatial + d],
            rest = padded - (window->kernel[d] - 1) * window->dilations[d] - 1, stride = window->strides[d];
    int64_t begin = (rest / stride + 1) * stride;
    if (rest >= 0 && rest % stride != 0 && begin < size + window->pads[d])
      window->pads[spatial + d] += begin - rest;
  }
  auto attributes = windowAttributes(node, *window, /*ceilMode=*/false);
  attributes.push_back(node.unit("count_include_pad"));
  FailureOr<Value> power = powers(node, x, p);
  FailureOr<Value> mean = failed(power) ? power : node.create<nn::AvgPoolOp>(*power, attributes);
  FailureOr<Value> sum = failed(mean) ? mean : node.create<nn::MulOp>({*mean, node.scalar(elements)});
  return failed(sum) ? sum : root(node, *sum, p);
}

static FailureOr<Binding> importLpPool11(Node &node) { return importLpPool(node, /*hasDilations=*/false); }
static FailureOr<Binding> importLpPool18(Node &node) { return importLpPool(node, /*hasDilations=*/true); }

static FailureOr<Binding> importGlobalLpPool(Node &node) {
  Value x = node.tensor(0);
  int64_t p = readP(node);
  if (node.failed())
    return failure();
  if (shapeOf(x).size() < 3)
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x)) << " has no spatial dimensions";
  FailureOr<Value> power = powers(node, x, p);
  FailureOr<Value> sum = failed(power) ? power
                                       : node.create<nn::ReduceSumOp>(*power, {node.list("axes", llvm::to_vector(llvm::seq<int64_t>(2, shapeOf(x).size()))),
                                                                               node.unit("keep_dims")});
  return failed(sum) ? sum : root(node, *sum, p);
}

void dtc::onnximport::addPoolingOperators(OperatorTable &table) {
  table.add({{"MaxPool", 12, 1, 1, 2, importMaxPool,
              "`nn.max_pool`; Indices, if they are used, from the elements of the windows by `nn.gather`"},
             {"AveragePool", 11, 1, 1, 1, importAveragePool11, "`nn.avg_pool`"},
             {"AveragePool", 19, 1, 1, 1, importAveragePool19,
              "`nn.avg_pool`; dilations since 19"},
             {"GlobalAveragePool", 1, 1, 1, 1, importGlobalAveragePool,
              "`nn.avg_pool` with one window over all"},
             {"LpPool", 11, 1, 1, 1, importLpPool11, ""},
             {"LpPool", 18, 1, 1, 1, importLpPool18, "`nn.avg_pool` of powers, and its root; dilations and `ceil_mode` since 18"},
             {"GlobalLpPool", 2, 1, 1, 1, importGlobalLpPool, "the root of `nn.reduce_sum` of powers"},
             {"GlobalMaxPool", 1, 1, 1, 1, importGlobalMaxPool, "`nn.max` of halves, again and again"}});
}

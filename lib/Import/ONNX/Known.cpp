// Operators whose result is known at compile time, since every shape is: what exporters write to compute shapes (`x.view(x.size(0), -1)`),
// positions and masks.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Index `i` of a range's bounds, counted from the end if negative, cut off at the ends of [0, size].
static int64_t clampBound(int64_t i, int64_t size) {
  return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
}

static FailureOr<Binding> shapeBetween(Node &node, int64_t start, int64_t end) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t rank = shape.size();
  start = clampBound(start, rank);
  end = std::max(start, clampBound(end, rank));
  return node.integers(shape.slice(start, end - start));
}

static FailureOr<Binding> importShape13(Node &node) {
  return shapeBetween(node, 0, INT32_MAX);
}

static FailureOr<Binding> importShape15(Node &node) {
  int64_t start = node.integer("start", 0);
  int64_t end = node.integer("end", INT32_MAX);
  return shapeBetween(node, start, end);
}

static FailureOr<Binding> importSize(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  return node.reshape(node.integers(cast<RankedTensorType>(x.getType()).getNumElements()), {});
}

static FailureOr<Binding> importConstantOfShape(Node &node) {
  SmallVector<int64_t> shape = node.listInput(0);
  Value value = node.scalar(0);
  if (auto given = node.attribute("value", ::onnx::AttributeProto::TENSOR)) {
    FailureOr<Binding> read = node.readTensor(given->t(), "attribute 'value'");
    if (failed(read))
      return failure();
    value = *read;
  }
  if (node.failed())
    return failure();
  if (cast<RankedTensorType>(value.getType()).getNumElements() != 1)
    return node.error() << "attribute 'value' must have one element";
  FailureOr<Value> scalar = node.reshape(value, {});
  return failed(scalar) ? scalar : node.broadcast(*scalar, shape);
}

/// start, start + delta, … below limit.
static FailureOr<Binding> importRange(Node &node) {
  constexpr double most = 1 << 20;
  DenseElementsAttr start = node.constant(0);
  if (node.failed())
    return failure();
  Type element = start.getElementType();
  auto tooLong = [&] { return node.error() << "has more than " << int64_t(most) << " elements, or a delta of 0"; };
  if (isa<FloatType>(element)) {
    double from = node.floatingInput(0), limit = node.floatingInput(1), delta = node.floatingInput(2);
    if (node.failed())
      return failure();
    double count = std::ceil((limit - from) / delta); // NaN is more than any
    if (delta == 0 || !(count <= most))
      return tooLong();
    if (!node.affords(static_cast<int64_t>(std::max(count, 0.0))))
      return failure();
    SmallVector<float> values;
    for (int64_t i = 0; i < static_cast<int64_t>(std::max(count, 0.0)); ++i)
      values.push_back(static_cast<float>(from + static_cast<double>(i) * delta));
    return node.constant(DenseElementsAttr::get(RankedTensorType::get(values.size(), element), ArrayRef<float>(values)));
  }
  int64_t from = node.integerInput(0), limit = node.integerInput(1), delta = node.integerInput(2);
  if (node.failed())
    return failure();
  double count = std::ceil((static_cast<double>(limit) - static_cast<double>(from)) / static_cast<double>(delta));
  if (delta == 0 || !(count <= most))
    return tooLong();
  if (!node.affords(static_cast<int64_t>(std::max(count, 0.0))))
    return failure();
  SmallVector<APInt> values;
  for (int64_t i = 0; i < static_cast<int64_t>(std::max(count, 0.0)); ++i)
    values.emplace_back(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(from) + static_cast<uint64_t>(i) * static_cast<uint64_t>(delta),
                        /*isSigned=*/false, /*implicitTrunc=*/true);
  return node.constant(DenseElementsAttr::get(RankedTensorType::get(values.size(), element), values));
}

/// a - b cos(2 pi i / n) + c cos(4 pi i / n): n is the size, or of windows that are not periodic one less.
static FailureOr<Binding> importWindow(Node &node, double a, double b, double c) {
  int64_t size = node.integerInput(0), type = node.integer("output_datatype", ::onnx::TensorProto::FLOAT);
  bool periodic = node.flag("periodic", true);
  if (node.failed())
    return failure();
  if (type != ::onnx::TensorProto::FLOAT)
    return node.error() << "attribute 'output_datatype' is not float32";
  if (size < 1 || size > (1 << 20))
    return node.error() << "a window has from 1 to 2^20 elements, not " << size;
  SmallVector<float> values;
  double period = static_cast<double>(periodic || size == 1 ? size : size - 1);
  for (int64_t i = 0; i < size; ++i) {
    double angle = 2 * M_PI * static_cast<double>(i) / period;
    values.push_back(static_cast<float>(a - b * std::cos(angle) + c * std::cos(2 * angle)));
  }
  return node.constant(DenseElementsAttr::get(RankedTensorType::get(size, node.builder().getF32Type()), ArrayRef<float>(values)));
}

static FailureOr<Binding> importHannWindow(Node &node) { return importWindow(node, 0.5, 0.5, 0); }
static FailureOr<Binding> importHammingWindow(Node &node) { return importWindow(node, 25.0 / 46, 21.0 / 46, 0); }
static FailureOr<Binding> importBlackmanWindow(Node &node) { return importWindow(node, 0.42, 0.5, 0.08); }

void dtc::onnximport::addKnownOperators(OperatorTable &table) {
  table.add(
      {{"Shape", 13, 1, 1, 1, importShape13, ""},
       {"Shape", 15, 1, 1, 1, importShape15, "`nn.constant`"},
       {"Size", 13, 1, 1, 1, importSize, "`nn.constant`"},
       {"ConstantOfShape", 9, 1, 1, 1, importConstantOfShape, "`nn.constant`"},
       {"HannWindow", 17, 1, 1, 1, importHannWindow, "`nn.constant`; the size known at compile time"},
       {"HammingWindow", 17, 1, 1, 1, importHammingWindow, "`nn.constant`; the size known at compile time"},
       {"BlackmanWindow", 17, 1, 1, 1, importBlackmanWindow, "`nn.constant`; the size known at compile time"},
       {"Range", 11, 3, 3, 1, importRange, "`nn.constant`; its operands known at compile time"}});
}

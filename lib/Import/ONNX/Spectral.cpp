// Spectra: DFT, STFT, MelWeightMatrix. A transform of known length is a product with its matrix.
#include "ElementwiseOps.h"
#include "Operators.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
struct Transform {
  int64_t axis, length;
  bool inverse, oneSided;
};
} // namespace

/// Of a product without bias and residual.
static NamedAttribute operandsAlone(Node &node) {
  MLIRContext *context = node.builder().getContext();
  return {StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()), DenseI32ArrayAttr::get(context, {1, 1, 0, 0})};
}

/// Of x [..., n, ..., 1 or 2], whose last dimension holds real and imaginary parts: [..., bins, ..., 2]. What is missing of `length` elements is 0.
/// The inverse of one side is real, [..., length, ..., 1]: the other side is conjugate.
static FailureOr<Value> transform(Node &node, Value x, const Transform &of) {
  SmallVector<int64_t> shape(shapeOf(x)), order, back(shape.size());
  int64_t rank = shape.size(), parts = shape.back(), half = of.length / 2 + 1;
  bool isReal = of.inverse && of.oneSided;
  int64_t n = std::min(shape[of.axis], isReal ? half : of.length), bins = of.oneSided && !of.inverse ? half : of.length, results = isReal ? 1 : 2;
  int64_t numbers;
  if (llvm::MulOverflow(n * parts, results * bins, numbers) || !node.affords(numbers))
    return node.failed() ? FailureOr<Value>() : node.error() << "a transform of " << of.length << " elements is too long";
  // Element j, part c, to bin k, part d: (a + ib)(cos - i sin).
  std::vector<float> matrix(numbers);
  double sign = of.inverse ? -1 : 1, scale = of.inverse ? 1 / static_cast<double>(of.length) : 1;
  for (int64_t j = 0; j < n; ++j)
    for (int64_t k = 0; k < bins; ++k) {
      double angle = sign * 2 * M_PI * static_cast<double>(j * k % of.length) / static_cast<double>(of.length);
      // Of the bins that are their own conjugates there is one.
      double times = isReal && j != 0 && 2 * j != of.length ? 2 * scale : scale;
      float cosine = static_cast<float>(times * std::cos(angle)), sine = static_cast<float>(times * std::sin(angle));
      float *real = &matrix[(j * parts * bins + k) * results];
      real[0] = cosine;
      if (!isReal)
        real[1] = -sine;
      if (parts == 2) {
        float *imaginary = real + results * bins;
        imaginary[0] = sine;
        if (!isReal)
          imaginary[1] = cosine;
      }
    }
  auto type = RankedTensorType::get({n * parts, results * bins}, node.builder().getF32Type());
  Value weights = node.constant(DenseElementsAttr::get(type, ArrayRef<float>(matrix)));
  for (int64_t d = 0; d < rank - 1; ++d)
    if (d != of.axis)
      order.push_back(d);
  order.append({of.axis, rank - 1});
  for (auto [i, d] : llvm::enumerate(order))
    back[d] = i;
  FailureOr<Value> part = node.slice(x, of.axis, 0, n);
  if (failed(part))
    return failure();
  Value last = make<nn::TransposeOp>(node, *part, node.list("permutation", order));
  if (!last)
    return failure();
  SmallVector<int64_t> result(shapeOf(last));
  result[rank - 2] = bins;
  result[rank - 1] = results;
  int64_t rows = 1;
  for (int64_t size : ArrayRef(result).drop_back(2))
    rows *= size;
  FailureOr<Value> flat = node.reshape(last, {rows, n * parts});
  Value y = failed(flat) ? Value() : make<nn::MatmulOp>(node, {*flat, weights}, {operandsAlone(node)});
  FailureOr<Value> unflat = y ? node.reshape(y, result) : FailureOr<Value>();
  return failed(unflat) ? unflat : FailureOr<Value>(make<nn::TransposeOp>(node, *unflat, node.list("permutation", back)));
}

/// A length that float32 tables and products of two of them hold.
static bool isLength(int64_t length) { return length >= 1 && length <= (1 << 20); }

/// The axis is an attribute until opset 20.
template <bool axisIsInput> static FailureOr<Binding> importDFT(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  int64_t axis = axisIsInput ? (node.hasInput(2) ? node.integerInput(2) : -2) : node.integer("axis", 1);
  bool inverse = node.flag("inverse", false), oneSided = node.flag("onesided", false);
  int64_t length = node.hasInput(1) ? node.integerInput(1) : 0;
  if (node.failed())
    return failure();
  int64_t rank = shapeOf(x).size(), parts = rank ? shapeOf(x).back() : 0;
  if (rank < 2 || (parts != 1 && parts != 2))
    return node.error() << "takes [..., 1] or [..., 2], real numbers or complex ones, not " << nn::formatShape(shapeOf(x));
  axis = node.normalizeAxis(axis, rank);
  if (node.failed())
    return failure();
  if (axis == rank - 1)
    return node.error() << "axis " << axis << " is that of real and imaginary parts";
  if (inverse && oneSided && parts != 2)
    return node.error() << "the inverse of one side takes complex numbers, [..., 2], not " << nn::formatShape(shapeOf(x));
  if (!node.hasInput(1))
    length = inverse && oneSided ? 2 * (std::min<int64_t>(shapeOf(x)[axis], 1 << 20) - 1) : shapeOf(x)[axis];
  if (!isLength(length))
    return node.error() << "dft_length " << length << " is outside 1 to 2^20";
  return transform(node, x, {axis, length, inverse, oneSided});
}

/// Frames of the signal [N, n], [N, n, 1] or [N, n, 2], each transformed: [N, frames, bins, 2].
static FailureOr<Binding> importSTFT(Node &node) {
  Value x = operand(node, 0, Kind::Floats), window = node.hasInput(2) ? operand(node, 2, Kind::Floats) : Value();
  int64_t step = node.integerInput(1), length = node.hasInput(3) ? node.integerInput(3) : 0;
  bool oneSided = node.flag("onesided", true);
  if (node.failed())
    return failure();
  SmallVector<int64_t> shape(shapeOf(x));
  if (shape.size() == 2)
    shape.push_back(1);
  if (shape.size() != 3 || (shape[2] != 1 && shape[2] != 2) || (shape[2] == 2 && oneSided))
    return node.error() << "takes signals [N, n], [N, n, 1] or, without onesided, [N, n, 2], not " << nn::formatShape(shapeOf(x));
  if (!node.hasInput(3))
    length = window && shapeOf(window).size() == 1 ? shapeOf(window)[0] : shape[1];
  if (window && shapeOf(window) != ArrayRef<int64_t>{length})
    return node.error() << "a window of shape " << nn::formatShape(shapeOf(window)) << " is not one of " << length << " elements, as a frame has";
  if (!isLength(length) || length > shape[1] || step < 1)
    return node.error() << "frames of " << length << " elements, " << step << " apart, do not fit into a signal of " << shape[1];
  int64_t frames = 1 + (shape[1] - length) / step, numbers;
  if (llvm::MulOverflow(frames, length, numbers) || !node.affords(numbers))
    return node.failed() ? FailureOr<Binding>() : node.error() << "has too many frames";
  std::vector<int64_t> places;
  for (int64_t frame = 0; frame < frames; ++frame)
    for (int64_t i = 0; i < length; ++i)
      places.push_back(frame * step + i);
  auto type = RankedTensorType::get({frames, length}, node.builder().getI64Type());
  Value indices = node.constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(places)));
  FailureOr<Value> signal = node.reshape(x, shape);
  Value framed = failed(signal) ? Value() : make<nn::GatherOp>(node, {*signal, indices}, node.number("axis", 1));
  if (framed && window) {
    FailureOr<Value> factor = node.reshape(window, {1, 1, length, 1});
    framed = failed(factor) ? Value() : make<nn::MulOp>(node, {framed, *factor});
  }
  return framed ? transform(node, framed, {2, length, /*inverse=*/false, oneSided}) : FailureOr<Binding>();
}

/// Triangles of neighbouring bands that are equally wide on the mel scale, 2595 log10(1 + f / 700).
static FailureOr<Binding> importMelWeightMatrix(Node &node) {
  int64_t bands = node.integerInput(0), length = node.integerInput(1), rate = node.integerInput(2);
  double low = node.floatingInput(3), high = node.floatingInput(4);
  int64_t type = node.integer("output_datatype", ::onnx::TensorProto::FLOAT);
  if (node.failed())
    return failure();
  if (type != ::onnx::TensorProto::FLOAT)
    return node.error() << "attribute 'output_datatype' is not float32";
  if (!isLength(bands) || !isLength(length) || rate < 1)
    return node.error() << bands << " bands, dft_length " << length << " and sample_rate " << rate << " must be from 1 on, and at most 2^20";
  int64_t bins = length / 2 + 1;
  if (!node.affords(bins * bands))
    return failure();
  auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double from = mel(low), step = (mel(high) - from) / static_cast<double>(bands + 2);
  std::vector<int64_t> at;
  for (int64_t i = 0; i < bands + 2; ++i) {
    double hertz = 700 * (std::pow(10, (from + static_cast<double>(i) * step) / 2595) - 1);
    double bin = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    if (!(bin >= 0 && bin < static_cast<double>(bins)) || (i > 0 && bin < static_cast<double>(at.back())))
      return node.error() << "band edges from " << low << " to " << high << " Hz are not in order within the " << bins << " bins of half of "
                          << rate << " Hz";
    at.push_back(static_cast<int64_t>(bin));
  }
  std::vector<float> values(bins * bands, 0);
  for (int64_t i = 0; i < bands; ++i) {
    int64_t left = at[i], center = at[i + 1], right = at[i + 2];
    if (left == center)
      values[center * bands + i] = 1;
    for (int64_t j = left; left < center && j <= center; ++j)
      values[j * bands + i] = static_cast<float>(static_cast<double>(j - left) / static_cast<double>(center - left));
    for (int64_t j = center; j < right; ++j)
      values[j * bands + i] = static_cast<float>(static_cast<double>(right - j) / static_cast<double>(right - center));
  }
  return node.constant(DenseElementsAttr::get(RankedTensorType::get({bins, bands}, node.builder().getF32Type()), ArrayRef<float>(values)));
}

void dtc::onnximport::addSpectralOperators(OperatorTable &table) {
  StringRef becomes = "`nn.matmul` with the matrix of the transform; its length known at compile time";
  table.add({{"DFT", 17, 1, 2, 1, importDFT<false>, becomes},
             {"DFT", 20, 1, 3, 1, importDFT<true>, becomes},
             {"STFT", 17, 2, 4, 1, importSTFT, "`nn.gather` of the frames, `nn.mul` by the window, then as DFT"},
             {"MelWeightMatrix", 17, 5, 5, 1, importMelWeightMatrix, "`nn.constant`; its operands known at compile time"}});
}

// AffineGrid: points of an image, moved. GridSample: an image at given points, between its elements. Elements are gathered and weighed, so that image
// and points have gradients.
#include "Indexing.h"
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

enum class Mode { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };

/// A coordinate of a neighbour along one axis, whole, and what it weighs at each point.
struct Neighbour {
  Value at, weight;
};

/// Builds ops on float32 values; a null value is one that could not be made.
class Sampler {
public:
  Sampler(Node &node, Mode mode, Padding padding, bool alignCorners) : node(node), mode(mode), padding(padding), alignCorners(alignCorners) {}

  /// image [N, C, H, W], grid [N, Ho, Wo, 2] -> [N, C, Ho, Wo]; null after an error.
  Value sample(Value image, Value grid);

private:
  template <typename Op> Value make(ValueRange operands, ArrayRef<NamedAttribute> attributes = {}) {
    if (llvm::any_of(operands, [](Value operand) { return !operand; }))
      return {};
    return keep(node.create<Op>(operands, attributes));
  }
  Value keep(FailureOr<Value> value) { return failed(value) ? Value() : *value; }
  Value add(Value a, double b) { return make<nn::AddOp>({a, node.scalar(b)}); }
  Value mul(Value a, double b) { return make<nn::MulOp>({a, node.scalar(b)}); }
  Value clip(Value a, double low, double high) { return make<nn::ClipOp>(a, {node.real("min", low), node.real("max", high)}); }
  Value integer(Value a);

  Value coordinate(Value grid, int64_t which, int64_t size);
  Value inside(Value at, int64_t size);
  Value cubic(ArrayRef<double> coefficients, Value distance);
  SmallVector<Neighbour> neighbours(Value at, int64_t size);

  Node &node;
  Mode mode;
  Padding padding;
  bool alignCorners;
};

} // namespace

Value Sampler::integer(Value a) {
  if (!a)
    return {};
  return keep(node.finish(
      nn::CastOp::create(node.builder(), node.location(), RankedTensorType::get(shapeOf(a), node.builder().getI64Type()), a)));
}

/// From [-1, 1] to elements: -1 and 1 are the middles of the outer elements, or their outer edges.
Value Sampler::coordinate(Value grid, int64_t which, int64_t size) {
  Value along = keep(node.slice(grid, 3, which, 1));
  if (along)
    along = keep(node.reshape(along, shapeOf(grid).drop_back()));
  double scale = static_cast<double>(alignCorners ? size - 1 : size) / 2;
  return along ? add(mul(along, scale), static_cast<double>(size - 1) / 2) : Value();
}

/// A coordinate that lies on the image: as it is under zeros, which weigh nothing elsewhere.
Value Sampler::inside(Value at, int64_t size) {
  if (padding == Padding::Reflection) {
    double low = alignCorners ? 0 : -0.5, span = static_cast<double>(alignCorners ? size - 1 : size);
    if (span == 0)
      return mul(at, 0);
    // Back and forth between the edges: a triangle wave.
    Value distance = make<nn::AbsOp>(add(at, -low));
    Value wave = make<nn::AbsOp>(add(make<nn::ModOp>({distance, node.scalar(2 * span)}), -span));
    at = make<nn::SubOp>({node.scalar(span + low), wave});
  }
  return padding == Padding::Zeros ? at : clip(at, 0, static_cast<double>(size - 1));
}

/// c[0] + c[1] d + c[2] d^2 + c[3] d^3.
Value Sampler::cubic(ArrayRef<double> coefficients, Value distance) {
  Value sum = mul(distance, coefficients[3]);
  for (double coefficient : {coefficients[2], coefficients[1]})
    sum = make<nn::MulOp>({add(sum, coefficient), distance});
  return add(sum, coefficients[0]);
}

SmallVector<Neighbour> Sampler::neighbours(Value at, int64_t size) {
  SmallVector<Neighbour> result;
  auto addNeighbour = [&](Value place, Value weight) {
    Value found = place;
    if (mode == Mode::Cubic)
      found = inside(found, size);
    if (padding == Padding::Zeros) {
      Value isThere = make<nn::AndOp>({make<nn::GreaterOrEqualOp>({found, node.scalar(0)}),
                                       make<nn::LessOrEqualOp>({found, node.scalar(static_cast<double>(size - 1))})});
      weight = make<nn::WhereOp>({isThere, weight ? weight : node.scalar(1), node.scalar(0)});
    }
    result.push_back({integer(clip(found, 0, static_cast<double>(size - 1))), weight});
  };
  if (mode == Mode::Nearest) {
    addNeighbour(make<nn::RoundOp>(inside(at, size)), {});
    return result;
  }
  if (mode == Mode::Linear)
    at = inside(at, size);
  Value first = make<nn::FloorOp>(at), rest = make<nn::SubOp>({at, first});
  if (mode == Mode::Linear) {
    addNeighbour(first, make<nn::SubOp>({node.scalar(1), rest}));
    addNeighbour(add(first, 1), rest);
    return result;
  }
  // Keys 1981, with -0.75 (PyTorch's, ONNX's).
  constexpr double a = -0.75;
  const double near[] = {1, 0, -(a + 3), a + 2}, far[] = {-4 * a, 8 * a, -5 * a, a};
  Value other = make<nn::SubOp>({node.scalar(1), rest});
  addNeighbour(add(first, -1), cubic(far, add(rest, 1)));
  addNeighbour(first, cubic(near, rest));
  addNeighbour(add(first, 1), cubic(near, other));
  addNeighbour(add(first, 2), cubic(far, add(other, 1)));
  return result;
}

Value Sampler::sample(Value image, Value grid) {
  ArrayRef<int64_t> shape = shapeOf(image), points = shapeOf(grid);
  int64_t batch = shape[0], channels = shape[1], height = shape[2], width = shape[3];
  // Rows of channels, one an element of an image.
  Value rows = make<nn::TransposeOp>(image, node.list("permutation", {0, 2, 3, 1}));
  rows = rows ? keep(node.reshape(rows, {batch * height * width, channels})) : Value();
  SmallVector<Neighbour> columns = neighbours(coordinate(grid, 0, width), width), lines = neighbours(coordinate(grid, 1, height), height);
  Value counter = node.integers(0), sum;
  Value first = keep(ramp(node, counter, batch, height * width, 0, 3));
  for (const Neighbour &line : lines)
    for (const Neighbour &column : columns) {
      Value place = make<nn::AddOp>({make<nn::MulOp>({line.at, number(node, counter, width)}), column.at});
      Value taken = make<nn::GatherOp>({rows, make<nn::AddOp>({place, first})}, node.number("axis", 0));
      if (line.weight) {
        Value weight = make<nn::MulOp>({line.weight, column.weight});
        weight = weight ? keep(node.reshape(weight, {batch, points[1], points[2], 1})) : Value();
        taken = make<nn::MulOp>({taken, weight});
      }
      sum = sum ? make<nn::AddOp>({sum, taken}) : taken;
      if (!sum)
        return {};
    }
  return make<nn::TransposeOp>(sum, node.list("permutation", {0, 3, 1, 2}));
}

static FailureOr<Binding> importGridSample(Node &node) {
  Value image = node.tensor(0), grid = node.tensor(1);
  bool named = node.opset() >= 20;
  StringRef mode = node.string("mode", named ? "linear" : "bilinear"), padding = node.string("padding_mode", "zeros");
  bool alignCorners = node.flag("align_corners", false);
  if (node.failed())
    return failure();
  StringRef modes[] = {"nearest", named ? "linear" : "bilinear", named ? "cubic" : "bicubic"}, paddings[] = {"zeros", "border", "reflection"};
  const auto *knownMode = llvm::find(modes, mode), *knownPadding = llvm::find(paddings, padding);
  if (knownMode == std::end(modes) || knownPadding == std::end(paddings))
    return node.error() << "mode " << quoted(mode) << " with padding_mode " << quoted(padding) << " is not supported";
  ArrayRef<int64_t> shape = shapeOf(image), points = shapeOf(grid);
  auto isReal = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isF32(); };
  if (shape.size() != 4 || points.size() != 4 || points[3] != 2 || points[0] != shape[0] || !isReal(image) || !isReal(grid))
    return node.error() << "takes float32 images [N, C, H, W] and points [N, H, W, 2], not shapes " << nn::formatShape(shape) << " and "
                        << nn::formatShape(points);
  // Coordinates are whole numbers of float32.
  if (shape[2] > (1 << 24) || shape[3] > (1 << 24))
    return node.error() << "takes images of at most 2^24 elements along an axis";
  Sampler sampler(node, static_cast<Mode>(knownMode - modes), static_cast<Padding>(knownPadding - paddings), alignCorners);
  Value result = sampler.sample(image, grid);
  return result ? FailureOr<Binding>(result) : FailureOr<Binding>();
}

/// theta [N, 2, 3] times (x, y, 1) of every element of an image [H, W], or [N, 3, 4] times (x, y, z, 1): [N, H, W, 2] or [N, D, H, W, 3].
static FailureOr<Binding> importAffineGrid(Node &node) {
  Value theta = node.tensor(0);
  SmallVector<int64_t> size = node.listInput(1);
  bool alignCorners = node.flag("align_corners", false);
  if (node.failed())
    return failure();
  if (size.size() != 4 && size.size() != 5)
    return node.error() << "size " << nn::formatShape(size) << " is not that of images [N, C, H, W] or [N, C, D, H, W]";
  int64_t spatial = size.size() - 2, points = 1;
  if (failed(checkShape(size, [&] { return node.error(); })))
    return failure();
  if (shapeOf(theta) != ArrayRef<int64_t>{size[0], spatial, spatial + 1} || !cast<RankedTensorType>(theta.getType()).getElementType().isF32())
    return node.error() << "theta is " << theta.getType() << ", not float32 of shape " << nn::formatShape({size[0], spatial, spatial + 1});
  for (int64_t extent : ArrayRef(size).drop_front(2))
    points *= extent;
  if (!node.affords(points * (spatial + 1)))
    return failure();
  // -1 and 1 are the middles of the outer elements, or their outer edges; of one element the middle is 0, as PyTorch has it.
  auto coordinate = [&](int64_t i, int64_t extent) {
    double steps = static_cast<double>(alignCorners ? extent - 1 : extent);
    return steps == 0 ? 0 : static_cast<float>((2 * static_cast<double>(i) + (alignCorners ? 0 : 1)) / steps - 1);
  };
  // Column p holds point p.
  std::vector<float> values(points * (spatial + 1), 1);
  for (int64_t p = 0; p < points; ++p) {
    int64_t rest = p;
    for (int64_t d = 0; d < spatial; ++d) {
      int64_t extent = size[size.size() - 1 - d];
      values[d * points + p] = coordinate(rest % extent, extent);
      rest /= extent;
    }
  }
  MLIRContext *context = node.builder().getContext();
  Value base = node.constant(DenseElementsAttr::get(RankedTensorType::get({spatial + 1, points}, node.builder().getF32Type()), ArrayRef<float>(values)));
  FailureOr<Value> rows = node.reshape(theta, {size[0] * spatial, spatial + 1});
  FailureOr<Value> moved = failed(rows) ? rows
                                        : node.create<nn::MatmulOp>({*rows, base}, {{StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()),
                                                                                     DenseI32ArrayAttr::get(context, {1, 1, 0, 0})}});
  FailureOr<Value> each = failed(moved) ? moved : node.reshape(*moved, {size[0], spatial, points});
  FailureOr<Value> last = failed(each) ? each : node.create<nn::TransposeOp>(*each, node.list("permutation", {0, 2, 1}));
  SmallVector<int64_t> shape{size[0]};
  shape.append(size.begin() + 2, size.end());
  shape.push_back(spatial);
  return failed(last) ? last : node.reshape(*last, shape);
}

void dtc::onnximport::addGridSampleOperators(OperatorTable &table) {
  table.add({{"AffineGrid", 20, 2, 2, 1, importAffineGrid, "`nn.matmul` with the points of the image; its size known at compile time"}});
  StringRef becomes = "`nn.gather` of the neighbours, `nn.mul` and `nn.add`; of images [N, C, H, W]";
  table.add({{"GridSample", 16, 2, 2, 1, importGridSample, becomes}, {"GridSample", 20, 2, 2, 1, importGridSample, becomes}});
}

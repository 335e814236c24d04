// Resize and Upsample: along each axis a matrix of weights, or the places of the nearest elements.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

/// One axis that changes its size.
struct Axis {
  int64_t axis, from, to;
  /// to / from as the model says it, which may differ a little from that of the sizes.
  double scale;
};

struct Rule {
  StringRef mode, coordinates, nearest;
  double cubic;
  bool excludeOutside;
};

} // namespace

/// Where element i of the result lies among those of the operand (ONNX Resize, coordinate_transformation_mode).
static double coordinateOf(const Rule &rule, const Axis &axis, int64_t i) {
  double x = static_cast<double>(i), from = static_cast<double>(axis.from), to = static_cast<double>(axis.to);
  if (rule.coordinates == "asymmetric")
    return x / axis.scale;
  if (rule.coordinates == "align_corners")
    return to == 1 ? 0 : x * (from - 1) / (to - 1);
  if (rule.coordinates == "pytorch_half_pixel")
    return to > 1 ? (x + 0.5) / axis.scale - 0.5 : 0;
  if (rule.coordinates == "half_pixel_symmetric") {
    double adjustment = to / (axis.scale * from), offset = from / 2 * (1 - adjustment);
    return offset + (x + 0.5) / axis.scale - 0.5;
  }
  return (x + 0.5) / axis.scale - 0.5; // half_pixel
}

static int64_t nearestPlace(const Rule &rule, double coordinate, int64_t size) {
  double place = rule.nearest == "floor"               ? std::floor(coordinate)
                 : rule.nearest == "ceil"              ? std::ceil(coordinate)
                 : rule.nearest == "round_prefer_ceil" ? std::floor(coordinate + 0.5)
                                                       : std::ceil(coordinate - 0.5); // round_prefer_floor
  return std::clamp<int64_t>(static_cast<int64_t>(place), 0, size - 1);
}

/// Keys's kernel (1981) with its parameter `a`, at distance t.
static double cubicWeight(double a, double t) {
  t = std::abs(t);
  if (t <= 1)
    return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/// The weights of the operand's elements in element i of the result.
static void addWeights(const Rule &rule, const Axis &axis, int64_t i, MutableArrayRef<float> row) {
  double coordinate = coordinateOf(rule, axis, i);
  bool cubic = rule.mode == "cubic";
  auto first = static_cast<int64_t>(std::floor(coordinate)) - cubic;
  SmallVector<std::pair<int64_t, double>> weights;
  double sum = 0;
  for (int64_t k = 0; k < (cubic ? 4 : 2); ++k) {
    double distance = coordinate - static_cast<double>(first + k), weight = cubic ? cubicWeight(rule.cubic, distance) : 1 - std::abs(distance);
    bool outside = first + k < 0 || first + k >= axis.from;
    if (outside && rule.excludeOutside)
      weight = 0;
    sum += weight;
    weights.push_back({std::clamp<int64_t>(first + k, 0, axis.from - 1), weight});
  }
  for (auto [place, weight] : weights)
    row[place] += static_cast<float>(weight / sum);
}

/// x with the axis last, or as it was; one permutation is its own inverse.
static FailureOr<Value> swapLast(Node &node, Value x, int64_t axis) {
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(x).size()));
  std::swap(permutation[axis], permutation.back());
  return node.create<nn::TransposeOp>(x, node.list("permutation", permutation));
}

static FailureOr<Value> interpolate(Node &node, Value x, const Rule &rule, const Axis &axis) {
  if (rule.mode == "nearest") {
    if (!node.affords(axis.to))
      return failure();
    SmallVector<int64_t> places;
    for (int64_t i = 0; i < axis.to; ++i)
      places.push_back(nearestPlace(rule, coordinateOf(rule, axis, i), axis.from));
    return node.create<nn::GatherOp>({x, node.integers(places)}, node.number("axis", axis.axis));
  }
  int64_t elements;
  if (llvm::MulOverflow(axis.to, axis.from, elements) || elements > (1 << 16))
    return node.error() << "changes a dimension of " << axis.from << " to " << axis.to << "; the matrix that does it is too large";
  if (!node.affords(elements))
    return failure();
  std::vector<float> weights(elements);
  for (int64_t i = 0; i < axis.to; ++i)
    addWeights(rule, axis, i, MutableArrayRef(weights).slice(i * axis.from, axis.from));
  auto type = RankedTensorType::get({axis.to, axis.from}, node.builder().getF32Type());
  Value matrix = node.constant(DenseElementsAttr::get(type, ArrayRef(weights)));
  MLIRContext *context = matrix.getContext();
  NamedAttribute operands{StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()), DenseI32ArrayAttr::get(context, {1, 1, 0, 0})};
  int64_t rank = shapeOf(x).size();
  if (axis.axis == rank - 2) // rows
    return node.create<nn::MatmulOp>({matrix, x}, operands);
  bool moves = axis.axis != rank - 1;
  FailureOr<Value> last = moves ? swapLast(node, x, axis.axis) : FailureOr<Value>(x);
  if (succeeded(last) && rank == 1)
    last = node.reshape(*last, {1, axis.from});
  if (succeeded(last))
    last = node.create<nn::MatmulOp>({*last, matrix}, {node.unit("transpose_b"), operands});
  if (succeeded(last) && rank == 1)
    last = node.reshape(*last, {axis.to});
  return failed(last) || !moves ? last : swapLast(node, *last, axis.axis);
}

/// Sizes and scales of the axes that the operator names, one of both.
static FailureOr<SmallVector<Axis>> readAxes(Node &node, ArrayRef<int64_t> shape, StringRef policy) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  if (node.opset() >= 18)
    if (auto given = node.integerList("axes")) {
      axes = *given;
      for (int64_t &axis : axes)
        axis = node.normalizeAxis(axis, shape.size());
    }
  SmallVector<double> scales;
  SmallVector<int64_t> sizes;
  auto count = [&](unsigned i) { return node.hasInput(i) ? cast<RankedTensorType>(node.tensor(i).getType()).getNumElements() : 0; };
  if (count(3))
    sizes = node.listInput(3);
  if (count(2)) {
    DenseElementsAttr given = node.constant(2);
    if (node.failed())
      return failure();
    if (!given.getElementType().isF32())
      return node.error() << "scales must be float32";
    for (float scale : given.getValues<float>())
      scales.push_back(scale);
  }
  if (node.failed())
    return failure();
  if (scales.empty() == sizes.empty())
    return node.error() << "has " << (sizes.empty() ? "neither scales nor sizes" : "scales and sizes") << "; one of them says what becomes of it";
  size_t given = std::max(scales.size(), sizes.size());
  if (given != axes.size())
    return node.error() << "has " << given << " scales or sizes for " << axes.size() << " axes";
  // Of sizes that are bounds, one scale for all axes.
  std::optional<double> common;
  if (policy != "stretch" && scales.empty())
    for (auto [i, axis] : llvm::enumerate(axes)) {
      double scale = static_cast<double>(sizes[i]) / static_cast<double>(shape[axis]);
      common = !common ? scale : policy == "not_larger" ? std::min(*common, scale) : std::max(*common, scale);
    }
  SmallVector<Axis> result;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    double size = static_cast<double>(shape[axis]), scale = common ? *common : scales.empty() ? static_cast<double>(sizes[i]) / size : scales[i];
    double to = common ? std::floor(size * scale + 0.5) : scales.empty() ? static_cast<double>(sizes[i]) : std::floor(size * scale);
    if (!(scale > 0) || !(to >= 1) || !(to <= INT32_MAX))
      return node.error() << "makes " << to << " elements of the " << shape[axis] << " of dimension " << axis;
    if (to != size || scale != 1)
      result.push_back({axis, shape[axis], static_cast<int64_t>(to), scale});
  }
  return result;
}

static FailureOr<Binding> importResize(Node &node) {
  Value x = node.tensor(0);
  Rule rule{node.string("mode", "nearest"), node.string("coordinate_transformation_mode", "half_pixel"),
            node.string("nearest_mode", "round_prefer_floor"), node.floating("cubic_coeff_a", -0.75), node.flag("exclude_outside", false)};
  node.floating("extrapolation_value", 0); // of tf_crop_and_resize alone
  StringRef policy = "stretch";
  if (node.opset() >= 18) {
    if (node.flag("antialias", false))
      return node.error() << "attribute 'antialias' is not supported";
    policy = node.string("keep_aspect_ratio_policy", policy);
    if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
      return node.error() << "keep_aspect_ratio_policy " << quoted(policy) << " is none of stretch, not_larger and not_smaller";
  }
  if (node.failed())
    return failure();
  if (rule.mode != "nearest" && rule.mode != "linear" && rule.mode != "cubic")
    return node.error() << "mode " << quoted(rule.mode) << " is none of nearest, linear and cubic";
  if (!llvm::is_contained({"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"}, rule.coordinates))
    return node.error() << "coordinate_transformation_mode " << quoted(rule.coordinates) << " is not supported";
  if (!llvm::is_contained({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, rule.nearest))
    return node.error() << "nearest_mode " << quoted(rule.nearest) << " is not one";
  FailureOr<SmallVector<Axis>> axes = readAxes(node, shapeOf(x), policy);
  if (failed(axes))
    return failure();
  for (const Axis &axis : *axes) {
    // ONNX's tests count from the extent before it was rounded down, onnxruntime from the one that there is.
    if (rule.coordinates == "align_corners" && std::abs(axis.scale * static_cast<double>(axis.from) - static_cast<double>(axis.to)) > 1e-3)
      return node.error() << "align_corners with scale " << axis.scale << " of the " << axis.from << " elements along dimension " << axis.axis
                          << ", which makes no whole number of them, has no meaning that all agree on; give sizes";
    FailureOr<Value> resized = interpolate(node, x, rule, axis);
    if (failed(resized))
      return failure();
    x = *resized;
  }
  return x;
}

void dtc::onnximport::addResizeOperators(OperatorTable &table) {
  const char *becomes = "`nn.matmul` with the weights along each axis; of the nearest elements, `nn.gather`";
  table.add({{"Resize", 13, 1, 4, 1, importResize, becomes}, {"Resize", 18, 1, 4, 1, importResize, becomes}});
}

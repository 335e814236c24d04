// RoiAlign: regions of images, of any place and size, averaged in bins, or their maxima (He et al. 2017). Images and regions have gradients.
#include "ElementwiseOps.h"
#include "Indexing.h"
#include "Operators.h"
#include "Reduction.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

/// Along one axis the two elements around each point, and what they weigh: [regions, points].
struct Neighbours {
  Value at[2], weight[2];
};

class Sampler {
public:
  Sampler(Node &node, int64_t samples, double scale, bool halfPixel) : node(node), samples(samples), scale(scale), halfPixel(halfPixel) {}

  /// Of regions [R, 4] the points along the axis whose begin and end are columns `first` and `first` + 2, of an image of `size` elements.
  Neighbours along(Value regions, int64_t first, int64_t size, int64_t bins);

private:
  Value column(Value regions, int64_t i) {
    FailureOr<Value> of = node.slice(regions, 1, i, 1);
    Value scaled = failed(of) ? Value() : make<nn::MulOp>(node, {*of, node.scalar(scale)});
    return make<nn::SubOp>(node, {scaled, node.scalar(halfPixel ? 0.5 : 0)});
  }
  Value clip(Value x, int64_t size) { return make<nn::ClipOp>(node, x, {node.real("min", 0), node.real("max", static_cast<double>(size - 1))}); }

  Node &node;
  int64_t samples;
  double scale;
  bool halfPixel;
};

} // namespace

Neighbours Sampler::along(Value regions, int64_t first, int64_t size, int64_t bins) {
  Value begin = column(regions, first), extent = make<nn::SubOp>(node, {column(regions, first + 2), begin});
  if (!halfPixel)
    extent = make<nn::MaxOp>(node, {extent, node.scalar(1)});
  SmallVector<float> shares;
  for (int64_t i = 0; i < bins * samples; ++i)
    shares.push_back(static_cast<float>((static_cast<double>(i) + 0.5) / static_cast<double>(bins * samples)));
  auto type = RankedTensorType::get({1, bins * samples}, node.builder().getF32Type());
  Value share = node.constant(DenseElementsAttr::get(type, ArrayRef<float>(shares)));
  Value at = make<nn::AddOp>(node, {begin, make<nn::MulOp>(node, {extent, share})});
  // Far outside nothing is; near the edge the edge is.
  Value isNear = make<nn::AndOp>(node, {make<nn::GreaterOrEqualOp>(node, {at, node.scalar(-1)}),
                                        make<nn::LessOrEqualOp>(node, {at, node.scalar(static_cast<double>(size))})});
  Value inside = clip(at, size), low = make<nn::FloorOp>(node, inside), high = make<nn::AddOp>(node, {low, node.scalar(1)});
  Value rest = make<nn::SubOp>(node, {inside, low});
  auto weight = [&](Value of) { return make<nn::WhereOp>(node, {isNear, of, node.scalar(0)}); };
  Type i64 = node.builder().getI64Type();
  return {{castTo(node, low, i64), castTo(node, clip(high, size), i64)}, {weight(make<nn::SubOp>(node, {node.scalar(1), rest})), weight(rest)}};
}

static FailureOr<Binding> importRoiAlign(Node &node) {
  Value image = operand(node, 0, Kind::Floats), regions = operand(node, 1, Kind::Floats), batches = operand(node, 2, Kind::Integers);
  StringRef mode = node.string("mode", "avg");
  int64_t height = node.integer("output_height", 1), width = node.integer("output_width", 1), samples = node.integer("sampling_ratio", 0);
  double scale = node.floating("spatial_scale", 1);
  bool halfPixel = false;
  if (node.opset() >= 16) {
    StringRef transformation = node.string("coordinate_transformation_mode", "half_pixel");
    halfPixel = transformation == "half_pixel";
    if (!halfPixel && transformation != "output_half_pixel")
      node.error() << "coordinate_transformation_mode " << quoted(transformation) << " is neither half_pixel nor output_half_pixel";
  }
  if (node.failed())
    return failure();
  if (mode != "avg" && mode != "max")
    return node.error() << "mode " << quoted(mode) << " is neither avg nor max";
  if (samples < 1)
    return node.error() << "sampling_ratio " << samples
                        << " leaves the number of points to the regions' sizes, which are data; export it with a number";
  SmallVector<int64_t> shape(shapeOf(image)), of(shapeOf(regions));
  if (shape.size() != 4 || of.size() != 2 || of[1] != 4 || shapeOf(batches) != ArrayRef<int64_t>{of[0]})
    return node.error() << "takes images [N, C, H, W], regions [R, 4] and their images' numbers [R], not " << nn::formatShape(shape) << ", "
                        << nn::formatShape(of) << " and " << nn::formatShape(shapeOf(batches));
  constexpr int64_t most = 1 << 12;
  if (height < 1 || width < 1 || height > most || width > most || samples > most || shape[2] > (1 << 24) || shape[3] > (1 << 24))
    return node.error() << "output " << height << " x " << width << ", sampling_ratio " << samples << " and an image " << shape[2] << " x "
                        << shape[3] << " are beyond 1 to " << most << ", and 2^24 elements along an axis";
  int64_t lines = height * samples, columns = width * samples;
  if (failed(checkShape({of[0], lines, columns, shape[1]}, [&] { return node.error(); })) || !node.affords(lines + columns))
    return failure();
  Sampler sampler(node, samples, scale, halfPixel);
  Neighbours x = sampler.along(regions, 0, shape[3], width), y = sampler.along(regions, 1, shape[2], height);
  auto reshape = [&](Value value, ArrayRef<int64_t> to) {
    FailureOr<Value> result = value ? node.reshape(value, to) : FailureOr<Value>();
    return failed(result) ? Value() : *result;
  };
  // Rows of channels, one an element of an image.
  Value rows = reshape(make<nn::TransposeOp>(node, image, node.list("permutation", {0, 2, 3, 1})), {shape[0] * shape[2] * shape[3], shape[1]});
  Value first = castTo(node, batches, node.builder().getI64Type());
  first = first ? make<nn::MulOp>(node, {first, number(node, first, shape[2] * shape[3])}) : first;
  first = reshape(first, {of[0], 1, 1});
  Value sum;
  for (unsigned i : {0u, 1u})
    for (unsigned j : {0u, 1u}) {
      Value line = reshape(y.at[i], {of[0], lines, 1}), column = reshape(x.at[j], {of[0], 1, columns});
      if (!line || !column || !first)
        return failure();
      Value place = make<nn::AddOp>(node, {make<nn::AddOp>(node, {make<nn::MulOp>(node, {line, number(node, line, shape[3])}), column}), first});
      Value taken = make<nn::GatherOp>(node, {rows, place}, node.number("axis", 0));
      Value weight = make<nn::MulOp>(node, {reshape(y.weight[i], {of[0], lines, 1, 1}), reshape(x.weight[j], {of[0], 1, columns, 1})});
      taken = make<nn::MulOp>(node, {taken, weight});
      // The maximum is one of weighed elements, not of what lies between them: so ONNX's reference and onnxruntime have it.
      sum = !sum ? taken : mode == "avg" ? make<nn::AddOp>(node, {sum, taken}) : make<nn::MaxOp>(node, {sum, taken});
    }
  Value bins = reshape(sum, {of[0], height, samples, width, samples, shape[1]});
  if (!bins)
    return failure();
  if (mode == "max") {
    FailureOr<Value> most = largest(node, bins, {2, 4});
    bins = failed(most) ? Value() : reshape(*most, {of[0], height, width, shape[1]});
  } else {
    bins = make<nn::ReduceMeanOp>(node, bins, node.list("axes", {2, 4}));
  }
  return given(make<nn::TransposeOp>(node, bins, node.list("permutation", {0, 3, 1, 2})));
}

void dtc::onnximport::addRegionOperators(OperatorTable &table) {
  StringRef becomes = "`nn.gather` of the neighbours and `nn.reduce_mean`, or `nn.max`; with a sampling_ratio";
  table.add({{"RoiAlign", 10, 3, 3, 1, importRoiAlign, becomes}, {"RoiAlign", 16, 3, 3, 1, importRoiAlign, becomes}});
}

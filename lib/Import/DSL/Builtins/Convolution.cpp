// conv1d, conv2d, conv3d.
#include "Builtin.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

namespace {
struct ConvArguments {
  SmallVector<int64_t> kernel, strides, dilations, pads;
  int64_t channels, groups;
};
} // namespace

static FailureOr<ConvArguments> read(const Arguments &arguments,
                                     size_t spatial) {
  auto kernel = arguments.integers("kernel", spatial, 1);
  auto strides = arguments.integers("stride", spatial, 1);
  auto dilations = arguments.integers("dilation", spatial, 1);
  if (failed(kernel) || failed(strides) || failed(dilations))
    return failure();
  auto pads = readPadding(arguments, *kernel, *strides, *dilations);
  if (failed(pads))
    return failure();
  return ConvArguments{*kernel, *strides, *dilations, *pads,
                       arguments.integer("channels"),
                       arguments.integer("groups", 1)};
}

static Datum buildConv(Layer &layer, const Arguments &arguments,
                       size_t spatial) {
  Value x = arguments.tensor("x");
  if (!checkSpatialRank(arguments, x, spatial))
    return Invalid();
  auto conv = read(arguments, spatial);
  if (failed(conv))
    return Invalid();
  int64_t inputs = tensorType(x).getDimSize(1);
  if (inputs % conv->groups || conv->channels % conv->groups) {
    arguments.error("groups")
        << "is " << conv->groups << ", which must divide the " << inputs
        << " input channels and the " << conv->channels << " output channels";
    return Invalid();
  }

  SmallVector<int64_t> shape{conv->channels, inputs / conv->groups};
  llvm::append_range(shape, conv->kernel);
  double fanIn = 1;
  for (int64_t extent : ArrayRef(shape).drop_front())
    fanIn *= extent;
  auto weight = layer.parameter(arguments, "weight", shape, layer.uniform(weightBound(fanIn)));
  if (failed(weight))
    return Invalid();
  auto bias = layer.parameter(arguments, "bias", {conv->channels}, layer.uniform(biasBound(fanIn)));
  if (failed(bias))
    return Invalid();
  SmallVector<Value> operands{x, *weight};
  if (*bias)
    operands.push_back(*bias);

  Builder &builder = layer.graph.getBuilder();
  nn::ConvOp::Properties properties;
  properties.strides = builder.getDenseI64ArrayAttr(conv->strides);
  properties.dilations = builder.getDenseI64ArrayAttr(conv->dilations);
  properties.pads = builder.getDenseI64ArrayAttr(conv->pads);
  properties.groups = builder.getI64IntegerAttr(conv->groups);
  properties.operandSegmentSizes = {1, 1, static_cast<int32_t>(operands.size() - 2), 0};
  return layer.infer<nn::ConvOp>(operands, properties);
}

void dtc::dsl::registerConvolutionLayers(Table<LayerBuiltin> &table) {
  static constexpr StringRef names[] = {"conv1d", "conv2d", "conv3d"};
  for (auto [i, name] : llvm::enumerate(names)) {
    size_t spatial = i + 1;
    table.add({{name,
                {{"x", &kinds::tensor},
                 {"channels", &kinds::positive},
                 {"kernel", &kinds::positives},
                 {"stride", &kinds::positives, Arity::Optional},
                 {"padding", &kinds::padding, Arity::Optional},
                 {"dilation", &kinds::positives, Arity::Optional},
                 {"groups", &kinds::positive, Arity::Optional},
                 {"bias", &kinds::optionalParameter, Arity::Optional},
                 {"weight", &kinds::parameter, Arity::Optional}}},
               [spatial](Layer &layer, const Arguments &arguments) {
                 return buildConv(layer, arguments, spatial);
               }});
  }
}

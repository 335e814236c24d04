// max_pool1d…3d, avg_pool1d…3d, global_avg_pool.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// Fills what both kinds of pooling have; PyTorch's default stride is the
/// kernel.
template <typename Properties>
static LogicalResult readWindow(Layer &layer, const Arguments &arguments,
                                size_t spatial, Properties &properties) {
  if (!checkSpatialRank(arguments, arguments.tensor("x"), spatial))
    return failure();
  auto kernel = arguments.integers("kernel", spatial, 1);
  auto dilations = arguments.integers("dilation", spatial, 1);
  if (failed(kernel) || failed(dilations))
    return failure();
  FailureOr<SmallVector<int64_t>> strides = kernel;
  if (arguments.has("stride"))
    strides = arguments.integers("stride", spatial, 1);
  if (failed(strides))
    return failure();
  auto pads = readPadding(arguments, *kernel, *strides, *dilations);
  if (failed(pads))
    return failure();
  Builder &builder = layer.graph.getBuilder();
  properties.kernel = builder.getDenseI64ArrayAttr(*kernel);
  properties.strides = builder.getDenseI64ArrayAttr(*strides);
  properties.pads = builder.getDenseI64ArrayAttr(*pads);
  properties.dilations = builder.getDenseI64ArrayAttr(*dilations);
  if (arguments.boolean("ceil", false))
    properties.ceil_mode = builder.getUnitAttr();
  return success();
}

static Datum buildMaxPool(Layer &layer, const Arguments &arguments,
                          size_t spatial) {
  nn::MaxPoolOp::Properties properties;
  if (failed(readWindow(layer, arguments, spatial, properties)))
    return Invalid();
  return layer.infer<nn::MaxPoolOp>(arguments.tensor("x"), properties);
}

static Datum buildAvgPool(Layer &layer, const Arguments &arguments,
                          size_t spatial) {
  nn::AvgPoolOp::Properties properties;
  if (failed(readWindow(layer, arguments, spatial, properties)))
    return Invalid();
  if (arguments.boolean("count_include_pad", true))
    properties.count_include_pad = layer.graph.getBuilder().getUnitAttr();
  return layer.infer<nn::AvgPoolOp>(arguments.tensor("x"), properties);
}

/// The mean over all spatial dimensions: [N, C], or [N, C, 1, …] with keep.
static Datum buildGlobalAvgPool(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  int64_t rank = tensorType(x).getRank();
  if (rank < 3 || rank > 5) {
    arguments.error("x") << "must have one to three spatial dimensions, but is "
                         << describe(Datum(x));
    return Invalid();
  }
  Builder &builder = layer.graph.getBuilder();
  SmallVector<int64_t> ones(rank - 2, 1), zeros(2 * (rank - 2), 0);
  nn::AvgPoolOp::Properties properties;
  properties.kernel =
      builder.getDenseI64ArrayAttr(tensorType(x).getShape().drop_front(2));
  properties.strides = builder.getDenseI64ArrayAttr(ones);
  properties.pads = builder.getDenseI64ArrayAttr(zeros);
  properties.dilations = builder.getDenseI64ArrayAttr(ones);
  Datum pooled = layer.infer<nn::AvgPoolOp>(x, properties);
  if (isInvalid(pooled) || arguments.boolean("keep", false))
    return pooled;
  return layer.reshape(std::get<Value>(pooled),
                       tensorType(x).getShape().take_front(2));
}

void dtc::dsl::registerPoolingLayers(Table<LayerBuiltin> &table) {
  struct Names {
    StringRef max, avg;
  };
  static constexpr Names names[] = {{"max_pool1d", "avg_pool1d"},
                                    {"max_pool2d", "avg_pool2d"},
                                    {"max_pool3d", "avg_pool3d"}};
  const std::vector<FormalParameter> window = {
      {"x", &kinds::tensor},
      {"kernel", &kinds::positives},
      {"stride", &kinds::positives, Arity::Optional},
      {"padding", &kinds::padding, Arity::Optional},
      {"dilation", &kinds::positives, Arity::Optional},
      {"ceil", &kinds::boolean, Arity::Optional}};
  for (auto [i, name] : llvm::enumerate(names)) {
    size_t spatial = i + 1;
    table.add({{name.max, window},
               [spatial](Layer &layer, const Arguments &arguments) {
                 return buildMaxPool(layer, arguments, spatial);
               }});
    std::vector<FormalParameter> average = window;
    average.push_back({"count_include_pad", &kinds::boolean, Arity::Optional});
    table.add({{name.avg, average},
               [spatial](Layer &layer, const Arguments &arguments) {
                 return buildAvgPool(layer, arguments, spatial);
               }});
  }
  table.add({{"global_avg_pool",
              {{"x", &kinds::tensor},
               {"keep", &kinds::boolean, Arity::Optional}}},
             buildGlobalAvgPool});
}

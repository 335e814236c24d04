// The tables of builtins, and the pieces that layers share.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

const Builtins &dtc::dsl::builtins() {
  static const Builtins all = [] {
    Builtins tables;
    registerConvolutionLayers(tables.layers);
    registerMatmulLayers(tables.layers);
    registerPoolingLayers(tables.layers);
    registerNormalisationLayers(tables.layers);
    registerRandomLayers(tables.layers);
    registerAttentionLayers(tables.layers);
    registerElementwiseLayers(tables.layers);
    registerReductionLayers(tables.layers);
    registerShapeLayers(tables.layers);
    registerGatherLayers(tables.layers);
    registerInitialValues(tables.initialValues);
    registerLosses(tables.losses);
    registerOptimizers(tables.optimizers);
    return tables;
  }();
  return all;
}

//===----------------------------------------------------------------------===//
// Layer
//===----------------------------------------------------------------------===//

Layer::Layer(Graph &graph, std::string name, Location place)
    : graph(graph), path(std::move(name)), place(place),
      location(
          NameLoc::get(graph.getBuilder().getStringAttr(path), place)) {}

/// `path.suffix`, located where the layer stands.
static Location locationOf(const Layer &layer, StringRef name) {
  return NameLoc::get(layer.graph.getBuilder().getStringAttr(name), layer.place);
}

Attribute Layer::uniform(double bound) const {
  return nn::UniformAttr::get(graph.getBuilder().getContext(), nn::Real(bound));
}

Attribute Layer::normal(double stddev) const {
  return nn::NormalAttr::get(graph.getBuilder().getContext(), nn::Real(0), nn::Real(stddev));
}

Attribute Layer::constant(double value) const {
  return nn::ConstantInitAttr::get(graph.getBuilder().getContext(), nn::Real(value));
}

Value Layer::parameter(StringRef suffix, ArrayRef<int64_t> shape, Attribute init) {
  RankedTensorType type = graph.makeType(shape, location);
  if (!type)
    return {};
  std::string name = path + "." + suffix.str();
  return graph.addParameter(name, type, init, locationOf(*this, name));
}

FailureOr<Value> Layer::parameter(const Arguments &arguments, StringRef name,
                                  ArrayRef<int64_t> shape, Attribute byDefault) {
  Datum given = arguments.has(name) ? arguments.get(name) : Datum(true);
  if (auto *tensor = std::get_if<Value>(&given)) {
    if (tensorType(*tensor).getShape() == shape)
      return *tensor;
    arguments.error(name) << "must have shape " << nn::formatShape(shape)
                          << ", but is " << describe(given);
    return failure();
  }
  if (auto *flag = std::get_if<bool>(&given); flag && !*flag)
    return Value();
  auto *init = std::get_if<InitialValue>(&given);
  Value result = parameter(name, shape, init ? init->attribute : byDefault);
  return result ? FailureOr<Value>(result) : FailureOr<Value>(failure());
}

Value Layer::statistic(StringRef suffix, ArrayRef<int64_t> shape, double value) {
  RankedTensorType type = graph.makeType(shape, location);
  if (!type)
    return {};
  std::string name = path + "." + suffix.str();
  return graph.addStatistic(name, type, constant(value), locationOf(*this, name));
}

Datum Layer::reshape(Value x, ArrayRef<int64_t> shape) {
  RankedTensorType type = graph.makeType(shape, location, tensorType(x).getElementType());
  if (!type)
    return Invalid();
  auto op = graph.create<nn::ReshapeOp>(location, type, x);
  return op ? Datum(op.getY()) : Datum(Invalid());
}

//===----------------------------------------------------------------------===//
// Windows and axes
//===----------------------------------------------------------------------===//

bool dtc::dsl::checkSpatialRank(const Arguments &arguments, Value x,
                                size_t spatial) {
  if (tensorType(x).getRank() == static_cast<int64_t>(spatial) + 2)
    return true;
  arguments.error("x") << "must have rank " << spatial + 2
                       << " (batch, channels, " << spatial
                       << " spatial), but is " << describe(Datum(x));
  return false;
}

FailureOr<SmallVector<int64_t>>
dtc::dsl::readPadding(const Arguments &arguments, ArrayRef<int64_t> kernel,
                      ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations) {
  size_t spatial = kernel.size();
  if (!arguments.has("padding"))
    return SmallVector<int64_t>(2 * spatial, 0);
  SmallVector<int64_t> pads;
  if (std::holds_alternative<Symbol>(arguments.get("padding"))) {
    if (!llvm::all_equal(strides) || strides.front() != 1) {
      arguments.error("padding") << "can be 'same' with stride 1 only";
      return failure();
    }
    for (size_t d = 0; d < spatial; ++d)
      pads.push_back((kernel[d] - 1) * dilations[d] / 2);
    for (size_t d = 0; d < spatial; ++d)
      pads.push_back((kernel[d] - 1) * dilations[d] - pads[d]);
    return pads;
  }
  const auto &list = std::get<IntegerList>(arguments.get("padding"));
  if (list.size() == 1)
    return SmallVector<int64_t>(2 * spatial, list.front());
  if (list.size() != spatial && list.size() != 2 * spatial) {
    arguments.error("padding")
        << "must be one integer, " << spatial << ", or " << 2 * spatial
        << " (all begins, then all ends), not " << list.size();
    return failure();
  }
  pads.assign(list.begin(), list.end());
  if (list.size() == spatial)
    pads.append(list.begin(), list.end());
  return pads;
}

FailureOr<int64_t> dtc::dsl::readAxis(const Arguments &arguments,
                                      StringRef name, int64_t axis,
                                      int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  arguments.error(name) << "is " << axis << " but the tensor has " << rank
                        << (rank == 1 ? " dimension" : " dimensions");
  return failure();
}

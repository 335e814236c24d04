// batch_norm, layer_norm, rms_norm, group_norm, instance_norm.
#include "Builtin.h"

#include <limits>
#include <optional>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// As torch.nn.BatchNorm: scale `weight` and `bias`, trained, and the running
/// statistics, under PyTorch's names.
static Datum buildBatchNorm(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  RankedTensorType type = tensorType(x);
  if (type.getRank() < 2 || type.getRank() > 5) {
    arguments.error("x") << "must have rank 2 to 5 (batch, channels, spatial), but is "
                         << describe(Datum(x));
    return Invalid();
  }
  double epsilon = arguments.real("epsilon", 1e-5), momentum = arguments.real("momentum", 0.1);
  if (!(epsilon > 0)) {
    arguments.error("epsilon") << "is " << epsilon << ", which must be positive";
    return Invalid();
  }
  if (!(momentum >= 0 && momentum <= 1)) {
    arguments.error("momentum") << "is " << momentum << ", which must be from 0 to 1";
    return Invalid();
  }
  int64_t channels = type.getDimSize(1);
  SmallVector<Value> operands{x, layer.parameter("weight", {channels}, layer.constant(1)),
                              layer.parameter("bias", {channels}, layer.constant(0)),
                              layer.statistic("running_mean", {channels}, 0),
                              layer.statistic("running_var", {channels}, 1)};
  if (llvm::is_contained(operands, Value()))
    return Invalid();
  Builder &builder = layer.graph.getBuilder();
  nn::BatchNormOp::Properties properties;
  properties.epsilon = builder.getF64FloatAttr(epsilon);
  properties.momentum = builder.getF64FloatAttr(momentum);
  return layer.infer<nn::BatchNormOp>(operands, properties);
}

/// epsilon, or nothing after a report.
static std::optional<FloatAttr> readEpsilon(Layer &layer, const Arguments &arguments, double byDefault) {
  double epsilon = arguments.real("epsilon", byDefault);
  if (epsilon > 0)
    return layer.graph.getBuilder().getF64FloatAttr(epsilon);
  arguments.error("epsilon") << "is " << epsilon << ", which must be positive";
  return std::nullopt;
}

/// As torch.nn.LayerNorm and torch.nn.RMSNorm over the dimensions from `axis` on.
template <typename OpT>
static Datum buildOverRows(Layer &layer, const Arguments &arguments) {
  constexpr bool centered = std::is_same_v<OpT, nn::LayerNormOp>;
  Value x = arguments.tensor("x");
  ArrayRef<int64_t> shape = tensorType(x).getShape();
  auto axis = readAxis(arguments, "axis", arguments.integer("axis", -1), shape.size());
  if (failed(axis))
    return Invalid();
  // PyTorch's: RMSNorm takes the distance from 1 to the next f32.
  std::optional<FloatAttr> epsilon = readEpsilon(layer, arguments, centered ? 1e-5 : std::numeric_limits<float>::epsilon());
  if (!epsilon)
    return Invalid();
  SmallVector<Value> operands{x};
  auto take = [&](StringRef name, double initial) {
    FailureOr<Value> parameter = layer.parameter(arguments, name, shape.drop_front(*axis), layer.constant(initial));
    if (succeeded(parameter) && *parameter)
      operands.push_back(*parameter);
    return succeeded(parameter);
  };
  if (!take("weight", 1))
    return Invalid();
  bool hasScale = operands.size() > 1;
  if (centered && !take("bias", 0))
    return Invalid();
  typename OpT::Properties properties;
  properties.axis = layer.graph.getBuilder().getI64IntegerAttr(*axis);
  properties.epsilon = *epsilon;
  if constexpr (centered)
    properties.operandSegmentSizes = {1, hasScale, static_cast<int32_t>(operands.size()) - 1 - hasScale};
  return layer.infer<OpT>(operands, properties);
}

/// As torch.nn.GroupNorm and, with a group for each channel, torch.nn.InstanceNorm with affine=True.
static Datum buildOverGroups(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  RankedTensorType type = tensorType(x);
  if (type.getRank() < 2 || type.getRank() > 5) {
    arguments.error("x") << "must have rank 2 to 5 (batch, channels, spatial), but is " << describe(Datum(x));
    return Invalid();
  }
  int64_t channels = type.getDimSize(1), groups = channels;
  if (arguments.has("groups")) {
    groups = arguments.integer("groups");
    if (channels % groups != 0) {
      arguments.error("groups") << "is " << groups << ", which must divide the " << channels << " channels of " << describe(Datum(x));
      return Invalid();
    }
  }
  std::optional<FloatAttr> epsilon = readEpsilon(layer, arguments, 1e-5);
  if (!epsilon)
    return Invalid();
  SmallVector<Value> operands{x, layer.parameter("weight", {channels}, layer.constant(1)), layer.parameter("bias", {channels}, layer.constant(0))};
  if (llvm::is_contained(operands, Value()))
    return Invalid();
  nn::GroupNormOp::Properties properties;
  properties.groups = layer.graph.getBuilder().getI64IntegerAttr(groups);
  properties.epsilon = *epsilon;
  return layer.infer<nn::GroupNormOp>(operands, properties);
}

void dtc::dsl::registerNormalisationLayers(Table<LayerBuiltin> &table) {
  table.add({{"batch_norm",
              {{"x", &kinds::tensor},
               {"epsilon", &kinds::real, Arity::Optional},
               {"momentum", &kinds::real, Arity::Optional}}},
             buildBatchNorm});
  table.add({{"layer_norm",
              {{"x", &kinds::tensor},
               {"axis", &kinds::integer, Arity::Optional},
               {"epsilon", &kinds::real, Arity::Optional},
               {"weight", &kinds::optionalParameter, Arity::Optional},
               {"bias", &kinds::optionalParameter, Arity::Optional}}},
             buildOverRows<nn::LayerNormOp>});
  table.add({{"rms_norm",
              {{"x", &kinds::tensor},
               {"axis", &kinds::integer, Arity::Optional},
               {"epsilon", &kinds::real, Arity::Optional},
               {"weight", &kinds::optionalParameter, Arity::Optional}}},
             buildOverRows<nn::RmsNormOp>});
  table.add({{"group_norm",
              {{"x", &kinds::tensor}, {"groups", &kinds::positive}, {"epsilon", &kinds::real, Arity::Optional}}},
             buildOverGroups});
  table.add({{"instance_norm", {{"x", &kinds::tensor}, {"epsilon", &kinds::real, Arity::Optional}}}, buildOverGroups});
}

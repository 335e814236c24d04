// batch_norm.
#include "Builtin.h"

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
  SmallVector<Value> operands{x, layer.constantParameter("weight", {channels}, 1),
                              layer.constantParameter("bias", {channels}, 0),
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

void dtc::dsl::registerNormalisationLayers(Table<LayerBuiltin> &table) {
  table.add({{"batch_norm",
              {{"x", &kinds::tensor},
               {"epsilon", &kinds::real, Arity::Optional},
               {"momentum", &kinds::real, Arity::Optional}}},
             buildBatchNorm});
}

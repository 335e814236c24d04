// linear and matmul.
#include "Builtin.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// Of two operands: bias and the like are Fusion's.
static nn::MatmulOp::Properties plainProduct() {
  nn::MatmulOp::Properties properties;
  properties.operandSegmentSizes = {1, 1, 0, 0};
  return properties;
}

/// x W^T + b over the last dimension of x; W is [features, inputs] as in
/// torch.nn.Linear.
static Datum buildLinear(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  if (tensorType(x).getRank() < 2) {
    arguments.error("x") << "must have rank 2 or more, but is "
                         << describe(Datum(x));
    return Invalid();
  }
  int64_t features = arguments.integer("features");
  int64_t inputs = tensorType(x).getShape().back();
  auto weight = layer.parameter(arguments, "weight", {features, inputs}, layer.uniform(weightBound(inputs)));
  if (failed(weight))
    return Invalid();
  nn::MatmulOp::Properties properties = plainProduct();
  properties.transpose_b = layer.graph.getBuilder().getUnitAttr();
  Datum product = layer.infer<nn::MatmulOp>({x, *weight}, properties);
  if (isInvalid(product))
    return product;
  auto bias = layer.parameter(arguments, "bias", {features}, layer.uniform(biasBound(inputs)));
  if (failed(bias))
    return Invalid();
  return *bias ? layer.infer<nn::AddOp>({std::get<Value>(product), *bias}) : product;
}

static Datum buildMatmul(Layer &layer, const Arguments &arguments) {
  Builder &builder = layer.graph.getBuilder();
  nn::MatmulOp::Properties properties = plainProduct();
  if (arguments.boolean("transpose_a", false))
    properties.transpose_a = builder.getUnitAttr();
  if (arguments.boolean("transpose_b", false))
    properties.transpose_b = builder.getUnitAttr();
  return layer.infer<nn::MatmulOp>(
      {arguments.tensor("a"), arguments.tensor("b")}, properties);
}

void dtc::dsl::registerMatmulLayers(Table<LayerBuiltin> &table) {
  table.add({{"linear",
              {{"x", &kinds::tensor},
               {"features", &kinds::positive},
               {"bias", &kinds::optionalParameter, Arity::Optional},
               {"weight", &kinds::parameter, Arity::Optional}}},
             buildLinear});
  table.add({{"matmul",
              {{"a", &kinds::tensor},
               {"b", &kinds::tensor},
               {"transpose_a", &kinds::boolean, Arity::Optional},
               {"transpose_b", &kinds::boolean, Arity::Optional}}},
             buildMatmul});
}

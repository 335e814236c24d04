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
  Value weight;
  if (arguments.has("weight")) {
    weight = arguments.tensor("weight");
    if (tensorType(weight).getShape() != ArrayRef<int64_t>{features, inputs}) {
      arguments.error("weight")
          << "must have shape " << nn::formatShape({features, inputs})
          << ", but is " << describe(Datum(weight));
      return Invalid();
    }
  } else {
    weight = layer.uniformParameter("weight", {features, inputs}, weightBound(inputs));
  }
  if (!weight)
    return Invalid();
  nn::MatmulOp::Properties properties = plainProduct();
  properties.transpose_b = layer.graph.getBuilder().getUnitAttr();
  Datum product = layer.infer<nn::MatmulOp>({x, weight}, properties);

  const bool *flag =
      arguments.has("bias") ? std::get_if<bool>(&arguments.get("bias")) : nullptr;
  if (isInvalid(product) || (flag && !*flag))
    return product;
  Value bias = arguments.has("bias") && !flag
                   ? arguments.tensor("bias")
                   : layer.uniformParameter("bias", {features}, biasBound(inputs));
  if (!bias)
    return Invalid();
  if (tensorType(bias).getShape() != ArrayRef(features)) {
    arguments.error("bias") << "must have shape " << nn::formatShape({features})
                            << ", but is " << describe(Datum(bias));
    return Invalid();
  }
  return layer.infer<nn::AddOp>({std::get<Value>(product), bias});
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
               {"bias", &kinds::tensorOrBoolean, Arity::Optional},
               {"weight", &kinds::tensor, Arity::Optional}}},
             buildLinear});
  table.add({{"matmul",
              {{"a", &kinds::tensor},
               {"b", &kinds::tensor},
               {"transpose_a", &kinds::boolean, Arity::Optional},
               {"transpose_b", &kinds::boolean, Arity::Optional}}},
             buildMatmul});
}

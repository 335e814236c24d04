// Activations and functions of one tensor, element by element.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

template <typename OpTy>
static LayerBuiltin unary(StringRef name) {
  return {{name, {{"x", &kinds::tensor}}},
          [](Layer &layer, const Arguments &arguments) {
            return layer.infer<OpTy>(arguments.tensor("x"));
          }};
}

/// With `alpha`, the factor of the negative side.
template <typename OpTy>
static LayerBuiltin withAlpha(StringRef name, double byDefault) {
  return {{name,
           {{"x", &kinds::tensor}, {"alpha", &kinds::real, Arity::Optional}}},
          [byDefault](Layer &layer, const Arguments &arguments) {
            typename OpTy::Properties properties;
            properties.alpha = layer.graph.getBuilder().getF64FloatAttr(
                arguments.real("alpha", byDefault));
            return layer.infer<OpTy>(arguments.tensor("x"), properties);
          }};
}

/// With `approximate: true` by tanh.
static LayerBuiltin gelu() {
  return {{"gelu",
           {{"x", &kinds::tensor}, {"approximate", &kinds::boolean, Arity::Optional}}},
          [](Layer &layer, const Arguments &arguments) {
            nn::GeluOp::Properties properties;
            if (arguments.boolean("approximate", false))
              properties.approximate = layer.graph.getBuilder().getUnitAttr();
            return layer.infer<nn::GeluOp>(arguments.tensor("x"), properties);
          }};
}

void dtc::dsl::registerElementwiseLayers(Table<LayerBuiltin> &table) {
  table.add(unary<nn::ReluOp>("relu"));
  table.add(unary<nn::SigmoidOp>("sigmoid"));
  table.add(unary<nn::TanhOp>("tanh"));
  table.add(unary<nn::ExpOp>("exp"));
  table.add(unary<nn::LogOp>("log"));
  table.add(unary<nn::SqrtOp>("sqrt"));
  table.add(gelu());
  // Defaults: torch.nn.LeakyReLU and torch.nn.ELU.
  table.add(withAlpha<nn::LeakyReluOp>("leaky_relu", 0.01));
  table.add(withAlpha<nn::EluOp>("elu", 1.0));
}

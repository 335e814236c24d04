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

/// Of two tensors, which broadcast.
template <typename OpTy>
static LayerBuiltin binary(StringRef name) {
  return {{name, {{"a", &kinds::tensor}, {"b", &kinds::tensor}}},
          [](Layer &layer, const Arguments &arguments) {
            return layer.infer<OpTy>({arguments.tensor("a"), arguments.tensor("b")});
          }};
}

/// alpha x + beta between 0 and 1. Defaults: torch.nn.Hardsigmoid.
static LayerBuiltin hardSigmoid() {
  return {{"hard_sigmoid",
           {{"x", &kinds::tensor}, {"alpha", &kinds::real, Arity::Optional}, {"beta", &kinds::real, Arity::Optional}}},
          [](Layer &layer, const Arguments &arguments) {
            Builder &builder = layer.graph.getBuilder();
            nn::HardSigmoidOp::Properties properties;
            properties.alpha = builder.getF64FloatAttr(arguments.real("alpha", 1.0 / 6));
            properties.beta = builder.getF64FloatAttr(arguments.real("beta", 0.5));
            return layer.infer<nn::HardSigmoidOp>(arguments.tensor("x"), properties);
          }};
}

/// Between two bounds, of which one may be missing.
static LayerBuiltin clip() {
  return {{"clip",
           {{"x", &kinds::tensor}, {"min", &kinds::real, Arity::Optional}, {"max", &kinds::real, Arity::Optional}}},
          [](Layer &layer, const Arguments &arguments) -> Datum {
            Value x = arguments.tensor("x");
            Builder &builder = layer.graph.getBuilder();
            nn::ClipOp::Properties properties;
            if (arguments.has("min"))
              properties.min = builder.getF64FloatAttr(arguments.real("min", 0));
            if (arguments.has("max"))
              properties.max = builder.getF64FloatAttr(arguments.real("max", 0));
            // Without a bound there is nothing to do.
            if (!properties.min && !properties.max)
              return x;
            return layer.infer<nn::ClipOp>(x, properties);
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
  table.add(unary<nn::AbsOp>("abs"));
  table.add(unary<nn::SinOp>("sin"));
  table.add(unary<nn::CosOp>("cos"));
  table.add(unary<nn::ErfOp>("erf"));
  table.add(unary<nn::SoftplusOp>("softplus"));
  table.add(unary<nn::SiluOp>("silu"));
  table.add(unary<nn::MishOp>("mish"));
  table.add(unary<nn::HardSwishOp>("hard_swish"));
  table.add(hardSigmoid());
  table.add(clip());
  table.add(binary<nn::MinOp>("minimum"));
  table.add(binary<nn::MaxOp>("maximum"));
  table.add(gelu());
  // Defaults: torch.nn.LeakyReLU and torch.nn.ELU.
  table.add(withAlpha<nn::LeakyReluOp>("leaky_relu", 0.01));
  table.add(withAlpha<nn::EluOp>("elu", 1.0));
}

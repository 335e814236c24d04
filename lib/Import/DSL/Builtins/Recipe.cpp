// Losses and optimizers of a `train` block; defaults are PyTorch's.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

template <typename LossAttr>
static AttributeBuiltin loss(StringRef name) {
  return {{name, {}}, [](const Arguments &, MLIRContext *context, EmitError) {
            return LossAttr::get(context);
          }};
}

void dtc::dsl::registerLosses(Table<AttributeBuiltin> &table) {
  table.add(loss<nn::CrossEntropyAttr>("cross_entropy"));
  table.add(loss<nn::MeanSquaredErrorAttr>("mse"));
  table.add(loss<nn::BinaryCrossEntropyAttr>("bce"));
  table.add(loss<nn::BinaryCrossEntropyWithLogitsAttr>("bce_logits"));
}

static Attribute buildSGD(const Arguments &arguments, MLIRContext *context,
                          EmitError emitError) {
  return nn::SGDAttr::getChecked(
      emitError, context, nn::Real(arguments.real("lr", 1e-3)),
      nn::Real(arguments.real("momentum", 0)),
      nn::Real(arguments.real("dampening", 0)),
      nn::Real(arguments.real("weight_decay", 0)),
      arguments.boolean("nesterov", false));
}

static AttributeBuiltin adam(StringRef name, double weightDecay,
                             bool decoupled) {
  return {{name,
           {{"lr", &kinds::real, Arity::Optional},
            {"beta1", &kinds::real, Arity::Optional},
            {"beta2", &kinds::real, Arity::Optional},
            {"epsilon", &kinds::real, Arity::Optional},
            {"weight_decay", &kinds::real, Arity::Optional}}},
          [=](const Arguments &arguments, MLIRContext *context,
              EmitError emitError) -> Attribute {
            return nn::AdamAttr::getChecked(
                emitError, context, nn::Real(arguments.real("lr", 1e-3)),
                nn::Real(arguments.real("beta1", 0.9)),
                nn::Real(arguments.real("beta2", 0.999)),
                nn::Real(arguments.real("epsilon", 1e-8)),
                nn::Real(arguments.real("weight_decay", weightDecay)),
                decoupled);
          }};
}

void dtc::dsl::registerOptimizers(Table<AttributeBuiltin> &table) {
  table.add({{"sgd",
              {{"lr", &kinds::real, Arity::Optional},
               {"momentum", &kinds::real, Arity::Optional},
               {"dampening", &kinds::real, Arity::Optional},
               {"weight_decay", &kinds::real, Arity::Optional},
               {"nesterov", &kinds::boolean, Arity::Optional}}},
             buildSGD});
  table.add(adam("adam", 0, false));
  table.add(adam("adamw", 0.01, true));
}

// Losses and optimizers of a `train` block.
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
  Signature entropy{"cross_entropy",
                    {{"ignore_index", &kinds::integer, Arity::Optional},
                     {"label_smoothing", &kinds::real, Arity::Optional},
                     {"class_axis", &kinds::integer, Arity::Optional}}};
  table.add({entropy, [](const Arguments &arguments, MLIRContext *context, EmitError emitError) -> Attribute {
               std::optional<int64_t> ignored;
               if (arguments.has("ignore_index"))
                 ignored = arguments.integer("ignore_index");
               return nn::CrossEntropyAttr::getChecked(emitError, context, arguments.integer("class_axis", -1), ignored,
                                                       nn::Real(arguments.real("label_smoothing", 0)), ArrayRef<nn::Real>(), false);
             }});
  table.add(loss<nn::MeanSquaredErrorAttr>("mse"));
  table.add(loss<nn::BinaryCrossEntropyAttr>("bce"));
  table.add(loss<nn::BinaryCrossEntropyWithLogitsAttr>("bce_logits"));
}

/// What lib/Optimizers says of an optimizer, as something that can be called.
static AttributeBuiltin call(const Optimizer &optimizer) {
  Signature signature{optimizer.name, {}};
  for (const OptimizerSetting &setting : optimizer.settings)
    signature.parameters.push_back({setting.name, setting.isFlag() ? &kinds::boolean : &kinds::real, Arity::Optional});
  return {signature, [&optimizer](const Arguments &arguments, MLIRContext *context, EmitError emitError) -> Attribute {
            SmallVector<nn::Real> values;
            for (const OptimizerSetting &setting : optimizer.settings)
              values.push_back(nn::Real(setting.isFlag() ? arguments.boolean(setting.name, setting.byDefault != 0)
                                                         : arguments.real(setting.name, setting.byDefault)));
            return nn::OptimizerAttr::getChecked(emitError, context, &optimizer, ArrayRef<nn::Real>(values), nn::Real(1));
          }};
}

void dtc::dsl::registerOptimizers(Table<AttributeBuiltin> &table) {
  for (const Optimizer &optimizer : allOptimizers())
    table.add(call(optimizer));
}

// Initial values of free parameters.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

static AttributeBuiltin constant(StringRef name, double value) {
  return {{name, {}},
          [value](const Arguments &, MLIRContext *context, EmitError) {
            return nn::ConstantInitAttr::get(context, nn::Real(value));
          }};
}

void dtc::dsl::registerInitialValues(Table<AttributeBuiltin> &table) {
  table.add(constant("zeros", 0));
  table.add(constant("ones", 1));
  table.add({{"constant", {{"value", &kinds::real}}},
             [](const Arguments &arguments, MLIRContext *context, EmitError) {
               return nn::ConstantInitAttr::get(
                   context, nn::Real(arguments.real("value", 0)));
             }});
  table.add({{"uniform", {{"bound", &kinds::real}}},
             [](const Arguments &arguments, MLIRContext *context,
                EmitError emitError) -> Attribute {
               return nn::UniformAttr::getChecked(
                   emitError, context, nn::Real(arguments.real("bound", 0)));
             }});
  table.add({{"normal",
              {{"mean", &kinds::real, Arity::Optional},
               {"stddev", &kinds::real, Arity::Optional}}},
             [](const Arguments &arguments, MLIRContext *context,
                EmitError emitError) -> Attribute {
               return nn::NormalAttr::getChecked(
                   emitError, context, nn::Real(arguments.real("mean", 0)),
                   nn::Real(arguments.real("stddev", 1)));
             }});
}

// dropout.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// As torch.nn.Dropout.
static Datum buildDropout(Layer &layer, const Arguments &arguments) {
  double ratio = arguments.real("ratio", 0.5);
  if (!(ratio >= 0 && ratio <= 1)) {
    arguments.error("ratio") << "is " << ratio << ", which must be from 0 to 1";
    return Invalid();
  }
  nn::DropoutOp::Properties properties;
  properties.ratio = layer.graph.getBuilder().getF64FloatAttr(ratio);
  return layer.infer<nn::DropoutOp>(arguments.tensor("x"), properties);
}

void dtc::dsl::registerRandomLayers(Table<LayerBuiltin> &table) {
  table.add({{"dropout", {{"x", &kinds::tensor}, {"ratio", &kinds::real, Arity::Optional}}}, buildDropout});
}

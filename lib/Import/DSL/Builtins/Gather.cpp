// embedding and gather.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

static Datum gatherRows(Layer &layer, Value data, Value ids, int64_t axis) {
  nn::GatherOp::Properties properties;
  properties.axis = layer.graph.getBuilder().getI64IntegerAttr(axis);
  return layer.infer<nn::GatherOp>({data, ids}, properties);
}

/// The rows of a trained table that ids name; it starts as torch.nn.Embedding's does.
static Datum buildEmbedding(Layer &layer, const Arguments &arguments) {
  int64_t rows = arguments.integer("rows"), features = arguments.integer("features");
  Value weight;
  if (arguments.has("weight")) {
    weight = arguments.tensor("weight");
    if (tensorType(weight).getShape() != ArrayRef<int64_t>{rows, features}) {
      arguments.error("weight") << "must have shape " << nn::formatShape({rows, features}) << ", but is " << describe(Datum(weight));
      return Invalid();
    }
  } else {
    weight = layer.normalParameter("weight", {rows, features}, 1);
  }
  return weight ? gatherRows(layer, weight, arguments.tensor("ids"), 0) : Datum(Invalid());
}

static Datum buildGather(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  auto axis = readAxis(arguments, "axis", arguments.integer("axis", 0), tensorType(x).getRank());
  if (failed(axis))
    return Invalid();
  return gatherRows(layer, x, arguments.tensor("ids"), *axis);
}

void dtc::dsl::registerGatherLayers(Table<LayerBuiltin> &table) {
  table.add({{"embedding",
              {{"ids", &kinds::ids},
               {"rows", &kinds::positive},
               {"features", &kinds::positive},
               {"weight", &kinds::tensor, Arity::Optional}}},
             buildEmbedding});
  table.add({{"gather",
              {{"x", &kinds::anyTensor}, {"ids", &kinds::ids}, {"axis", &kinds::integer, Arity::Optional}}},
             buildGather});
}

// embedding, position_embedding and gather.
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
  auto weight = layer.parameter(arguments, "weight", {rows, features}, layer.normal(1));
  return succeeded(weight) ? gatherRows(layer, *weight, arguments.tensor("ids"), 0) : Datum(Invalid());
}

/// x + the rows 0, 1, … of a trained table, one a position; x is [batch, ..., positions, features]. It starts as torch.nn.Embedding's does.
static Datum buildPositionEmbedding(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  ArrayRef<int64_t> shape = tensorType(x).getShape();
  if (shape.size() < 3) {
    arguments.error("x") << "must have rank 3 or more (batch, positions, features), but is " << describe(Datum(x));
    return Invalid();
  }
  int64_t rows = arguments.integer("rows"), positions = shape[shape.size() - 2], features = shape.back();
  if (positions > rows) {
    arguments.error("rows") << "is " << rows << ", but " << describe(Datum(x)) << " has " << positions << " positions";
    return Invalid();
  }
  auto weight = layer.parameter(arguments, "weight", {rows, features}, layer.normal(1));
  if (failed(weight))
    return Invalid();
  Value used = *weight;
  if (positions < rows) {
    RankedTensorType type = layer.graph.makeType({positions, features}, layer.location);
    auto slice = layer.graph.create<nn::SliceOp>(layer.location, type, used, ArrayRef<int64_t>{0, 0});
    if (!slice)
      return Invalid();
    used = slice.getY();
  }
  return layer.infer<nn::AddOp>({x, used});
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
               {"weight", &kinds::parameter, Arity::Optional}}},
             buildEmbedding});
  table.add({{"position_embedding",
              {{"x", &kinds::tensor}, {"rows", &kinds::positive}, {"weight", &kinds::parameter, Arity::Optional}}},
             buildPositionEmbedding});
  table.add({{"gather",
              {{"x", &kinds::anyTensor}, {"ids", &kinds::ids}, {"axis", &kinds::integer, Arity::Optional}}},
             buildGather});
}

// scaled_dot_product_attention.
#include "Builtin.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// As torch.nn.functional's, with `enable_gqa`: heads of k and v may be fewer.
static Datum buildAttention(Layer &layer, const Arguments &arguments) {
  SmallVector<Value> operands = {arguments.tensor("q"), arguments.tensor("k"), arguments.tensor("v")};
  for (auto [name, value] : llvm::zip_equal(ArrayRef<StringRef>{"q", "k", "v"}, operands))
    if (tensorType(value).getRank() != 4) {
      arguments.error(name) << "must have rank 4 (batch, heads, positions, width), but is " << describe(Datum(value));
      return Invalid();
    }
  Builder &builder = layer.graph.getBuilder();
  nn::AttentionOp::Properties properties;
  double width = static_cast<double>(tensorType(operands[0]).getDimSize(3));
  properties.scale = builder.getF64FloatAttr(arguments.real("scale", 1 / std::sqrt(width)));
  if (arguments.boolean("causal", false))
    properties.causal = builder.getUnitAttr();
  if (arguments.boolean("positions_first", false))
    properties.positions_first = builder.getUnitAttr();
  if (arguments.has("mask"))
    operands.push_back(arguments.tensor("mask"));
  return layer.infer<nn::AttentionOp>(operands, properties);
}

void dtc::dsl::registerAttentionLayers(Table<LayerBuiltin> &table) {
  table.add({{"scaled_dot_product_attention",
              {{"q", &kinds::tensor},
               {"k", &kinds::tensor},
               {"v", &kinds::tensor},
               {"mask", &kinds::tensor, Arity::Optional},
               {"causal", &kinds::boolean, Arity::Optional},
               {"scale", &kinds::real, Arity::Optional},
               {"positions_first", &kinds::boolean, Arity::Optional}}},
             buildAttention});
}

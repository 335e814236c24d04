// Elementwise operators.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

template <typename Op> static FailureOr<Binding> importUnary(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  return node.create<Op>(x);
}

template <typename Op> static FailureOr<Binding> importBinary(Node &node) {
  Value a = node.tensor(0), b = node.tensor(1);
  if (node.failed())
    return failure();
  return node.create<Op>({a, b});
}

template <typename Op>
static FailureOr<Binding> importWithAlpha(Node &node, double otherwise) {
  Value x = node.tensor(0);
  double alpha = node.floating("alpha", otherwise);
  if (node.failed())
    return failure();
  return node.create<Op>(x, node.real("alpha", alpha));
}

static FailureOr<Binding> importLeakyRelu(Node &node) {
  return importWithAlpha<nn::LeakyReluOp>(node, 0.01f);
}

static FailureOr<Binding> importElu(Node &node) {
  return importWithAlpha<nn::EluOp>(node, 1);
}

static FailureOr<Binding> importGelu(Node &node) {
  Value x = node.tensor(0);
  StringRef approximate = node.string("approximate", "none");
  if (node.failed())
    return failure();
  if (approximate != "none" && approximate != "tanh")
    return node.error() << "attribute 'approximate' is 'none' or 'tanh', not '" << approximate << "'";
  SmallVector<NamedAttribute, 1> attributes;
  if (approximate == "tanh")
    attributes.push_back(node.builder().getNamedAttr("approximate", node.builder().getUnitAttr()));
  return node.create<nn::GeluOp>(x, attributes);
}

void dtc::onnximport::addElementwiseOperators(OperatorTable &table) {
  table.add({
      {"Add", 13, 2, 2, 1, importBinary<nn::AddOp>, "`nn.add`"},
      {"Sub", 13, 2, 2, 1, importBinary<nn::SubOp>, "`nn.sub`"},
      {"Mul", 13, 2, 2, 1, importBinary<nn::MulOp>, "`nn.mul`"},
      {"Div", 13, 2, 2, 1, importBinary<nn::DivOp>, "`nn.div`"},
      {"Pow", 13, 2, 2, 1, importBinary<nn::PowOp>, "`nn.pow`"},
      {"Neg", 13, 1, 1, 1, importUnary<nn::NegOp>, "`nn.neg`"},
      {"Exp", 13, 1, 1, 1, importUnary<nn::ExpOp>, "`nn.exp`"},
      {"Log", 13, 1, 1, 1, importUnary<nn::LogOp>, "`nn.log`"},
      {"Sqrt", 13, 1, 1, 1, importUnary<nn::SqrtOp>, "`nn.sqrt`"},
      {"Relu", 13, 1, 1, 1, importUnary<nn::ReluOp>, "`nn.relu`"},
      {"LeakyRelu", 6, 1, 1, 1, importLeakyRelu, "`nn.leaky_relu`"},
      {"Elu", 6, 1, 1, 1, importElu, "`nn.elu`"},
      {"Erf", 13, 1, 1, 1, importUnary<nn::ErfOp>, "`nn.erf`"},
      {"Gelu", 20, 1, 1, 1, importGelu, "`nn.gelu`"},
      {"Sigmoid", 13, 1, 1, 1, importUnary<nn::SigmoidOp>, "`nn.sigmoid`"},
      {"Tanh", 13, 1, 1, 1, importUnary<nn::TanhOp>, "`nn.tanh`"},
  });
}

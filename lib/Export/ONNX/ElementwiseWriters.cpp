// Elementwise ops: a table of those that are one node, and the few that are several or have attributes.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

namespace {

/// The node of the op, of the op's operands and with its number attributes of the same names.
template <const char *type, const char *...attributes> LogicalResult writeNode(GraphWriter &writer, Operation *op) {
  ::onnx::NodeProto &node = writer.node(op, type, writer.operands(op));
  for (const char *name : std::initializer_list<const char *>{attributes...})
    GraphWriter::set(node, name, op->getAttrOfType<FloatAttr>(name).getValueAsDouble());
  return success();
}

LogicalResult writeGelu(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "Gelu", writer.operands(op)), "approximate", StringRef(cast<nn::GeluOp>(op).getApproximate() ? "tanh" : "none"));
  return success();
}

/// x times sigmoid(x): Swish is younger than the opset.
LogicalResult writeSilu(GraphWriter &writer, Operation *op) {
  std::string x = writer.nameOf(op->getOperand(0));
  writer.node(op, "Mul", {x, writer.between(op, "Sigmoid", {x})});
  return success();
}

LogicalResult writeClip(GraphWriter &writer, Operation *op) {
  auto clip = cast<nn::ClipOp>(op);
  std::vector<std::string> inputs{writer.nameOf(clip.getX())};
  if (clip.getMin() || clip.getMax())
    inputs.push_back(clip.getMin() ? writer.number(clip.getMin()->convertToDouble()) : "");
  if (clip.getMax())
    inputs.push_back(writer.number(clip.getMax()->convertToDouble()));
  writer.node(op, "Clip", inputs);
  return success();
}

LogicalResult writeCast(GraphWriter &writer, Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  GraphWriter::set(writer.node(op, "Cast", writer.operands(op)), "to", int64_t{elementTypeOf(type)});
  return success();
}

constexpr char alpha[] = "alpha", beta[] = "beta";

} // namespace

void dtc::onnxexport::addElementwiseWriters(OpWriters &writers) {
#define NODE(op, type, ...)                                                                                                                 \
  {                                                                                                                                          \
    static constexpr char name[] = type;                                                                                                     \
    writers["nn." op] = writeNode<name __VA_OPT__(, ) __VA_ARGS__>;                                                                          \
  }
  NODE("neg", "Neg")
  NODE("abs", "Abs")
  NODE("sign", "Sign")
  NODE("floor", "Floor")
  NODE("ceil", "Ceil")
  NODE("round", "Round")
  NODE("exp", "Exp")
  NODE("log", "Log")
  NODE("sqrt", "Sqrt")
  NODE("sin", "Sin")
  NODE("cos", "Cos")
  NODE("tan", "Tan")
  NODE("asin", "Asin")
  NODE("acos", "Acos")
  NODE("atan", "Atan")
  NODE("sinh", "Sinh")
  NODE("cosh", "Cosh")
  NODE("asinh", "Asinh")
  NODE("acosh", "Acosh")
  NODE("atanh", "Atanh")
  NODE("relu", "Relu")
  NODE("sigmoid", "Sigmoid")
  NODE("tanh", "Tanh")
  NODE("leaky_relu", "LeakyRelu", alpha)
  NODE("elu", "Elu", alpha)
  NODE("erf", "Erf")
  NODE("softplus", "Softplus")
  NODE("mish", "Mish")
  NODE("hard_sigmoid", "HardSigmoid", alpha, beta)
  NODE("hard_swish", "HardSwish")
  NODE("add", "Add")
  NODE("sub", "Sub")
  NODE("mul", "Mul")
  NODE("div", "Div")
  NODE("pow", "Pow")
  NODE("min", "Min")
  NODE("max", "Max")
  NODE("equal", "Equal")
  NODE("less", "Less")
  NODE("less_or_equal", "LessOrEqual")
  NODE("greater", "Greater")
  NODE("greater_or_equal", "GreaterOrEqual")
  NODE("where", "Where")
#undef NODE
  writers["nn.gelu"] = writeGelu;
  writers["nn.silu"] = writeSilu;
  writers["nn.clip"] = writeClip;
  writers["nn.cast"] = writeCast;
}

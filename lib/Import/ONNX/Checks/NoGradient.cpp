// Check: nodes that let no gradient through, where parameters have no other way to the outputs.
#include "Checks.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static bool isQuantised(const ::onnx::NodeProto &node) {
  static const llvm::StringSet<> types = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger",
                                          "MatMulInteger",  "QLinearConv",      "QLinearMatMul"};
  bool isRuntimes = node.domain() == "com.microsoft" &&
                    (StringRef(node.op_type()).contains("Integer") || StringRef(node.op_type()).starts_with("QLinear") ||
                     StringRef(node.op_type()).contains("Quantize"));
  return isRuntimes || ((node.domain().empty() || node.domain() == "ai.onnx") && types.contains(node.op_type()));
}

static bool isFloat(int64_t type) {
  using T = ::onnx::TensorProto;
  return type == T::FLOAT || type == T::DOUBLE || type == T::FLOAT16 || type == T::BFLOAT16;
}

/// Whether no gradient passes from any output to operand `i`: what gives integers or truth values, is constant between jumps, or takes it
/// as an index.
static bool blocks(const ::onnx::NodeProto &node, int i) {
  static const llvm::StringSet<> types = {"ArgMax",          "ArgMin", "Round", "Floor", "Ceil",        "Sign",       "Equal",  "Greater",
                                          "GreaterOrEqual",  "Less",   "Not",   "IsNaN", "LessOrEqual", "NonZero",    "Shape",  "Size",
                                          "ConstantOfShape", "And",    "Or",    "Xor",   "IsInf",       "BitwiseAnd", "Hardmax"};
  if (isQuantised(node))
    return true;
  if (!node.domain().empty() && node.domain() != "ai.onnx")
    return false;
  if (node.op_type() == "Cast")
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (attribute.name() == "to")
        return !isFloat(attribute.i());
  if (node.op_type() == "Where")
    return i == 0;
  if (node.op_type() == "OneHot")
    return i != 2;
  if (StringRef(node.op_type()).starts_with("Gather") || StringRef(node.op_type()).starts_with("Scatter"))
    return i == 1;
  return types.contains(node.op_type());
}

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  // Values that gradients of the outputs reach, backwards; those that stop, by the nodes where they do.
  llvm::StringSet<> reached;
  for (const ::onnx::ValueInfoProto &output : checked.graph.output())
    reached.insert(output.name());
  llvm::StringMap<const ::onnx::NodeProto *> stopped;
  for (const ::onnx::NodeProto &node : llvm::reverse(checked.graph.node())) {
    const ::onnx::NodeProto *stopper = nullptr;
    bool passes = llvm::any_of(node.output(), [&](const std::string &output) { return reached.contains(output); });
    for (const std::string &output : node.output())
      if (!stopper)
        stopper = stopped.lookup(output);
    if (!passes && !stopper)
      continue;
    for (auto [i, input] : llvm::enumerate(node.input())) {
      if (input.empty())
        continue;
      // Graphs within a node read what they like: no claim is made of them.
      if (passes && !blocks(node, i))
        reached.insert(input);
      else
        stopped.try_emplace(input, passes ? &node : stopper);
    }
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        for (const ::onnx::NodeProto &inner : attribute.g().node())
          for (const std::string &input : inner.input())
            reached.insert(input);
  }
  llvm::MapVector<const ::onnx::NodeProto *, SmallVector<StringRef>> cutOff;
  for (const GraphImporter::Parameter &parameter : checked.parameters)
    if (const ::onnx::NodeProto *node = stopped.lookup(parameter.initializer); node && !reached.contains(parameter.initializer))
      cutOff[node].push_back(parameter.name);
  for (const ::onnx::NodeProto &node : checked.graph.node()) {
    auto found = cutOff.find(&node);
    if (found == cutOff.end() && !isQuantised(node))
      continue;
    std::string what = isQuantised(node) ? "computes with quantised numbers" : "lets no gradient through";
    if (found != cutOff.end()) {
      const SmallVector<StringRef> &names = found->second;
      what += ", and " + quoted(names.front()) +
              (names.size() == 1 ? std::string(" has") : " and " + std::to_string(names.size() - 1) + " more have") +
              " no other way to an output";
    }
    findings.push_back({placeOf(node), what, true});
  }
  return findings;
}

const Check dtc::onnximport::noGradientCheck = {
    "no-gradient", "integers or quantised numbers stand between parameters and the outputs",
    "parameters behind them stay as they are, and a loss on such an output cannot train the model",
    "the float model before it is quantised; an output in front of the node, as logits in front of ArgMax", find};

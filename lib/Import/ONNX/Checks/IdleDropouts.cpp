// Check: Dropout nodes that drop nothing.
#include "Checks.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

using Tensor = ::onnx::TensorProto;

/// The tensors that initializers and Constants say, by name.
static llvm::StringMap<const Tensor *> constantsOf(const ::onnx::GraphProto &graph) {
  llvm::StringMap<const Tensor *> constants;
  for (const Tensor &tensor : graph.initializer())
    constants[tensor.name()] = &tensor;
  for (const ::onnx::NodeProto &node : graph.node())
    if (isOperator(node, "Constant") && node.output_size() == 1)
      for (const ::onnx::AttributeProto &attribute : node.attribute())
        if (attribute.name() == "value" && attribute.has_t())
          constants[node.output(0)] = &attribute.t();
  return constants;
}

/// Whether all bits of a tensor's one element are 0: false, or the number 0.
static bool isZero(const Tensor &tensor) {
  if (tensor.has_raw_data())
    return llvm::all_of(tensor.raw_data(), [](char byte) { return byte == 0; });
  return (tensor.int32_data_size() == 1 && tensor.int32_data(0) == 0) || (tensor.float_data_size() == 1 && tensor.float_data(0) == 0) ||
         (tensor.double_data_size() == 1 && tensor.double_data(0) == 0);
}

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  llvm::StringMap<const Tensor *> constants = constantsOf(checked.graph);
  for (const ::onnx::NodeProto &node : checked.graph.node()) {
    if (!isOperator(node, "Dropout"))
      continue;
    auto operand = [&](int i) { return i < node.input_size() ? constants.lookup(node.input(i)) : nullptr; };
    bool hasMode = node.input_size() > 2 && !node.input(2).empty();
    const Tensor *ratio = operand(1), *mode = operand(2);
    if (!hasMode || (mode && isZero(*mode)))
      findings.push_back({placeOf(node), "is in evaluation mode", true});
    else if (ratio && isZero(*ratio))
      findings.push_back({placeOf(node), "has the ratio 0", true});
  }
  return findings;
}

const Check dtc::onnximport::idleDropoutCheck = {
    "idle-dropout", "Dropout nodes drop nothing", "the model trains without the regularisation that it had, and overfits sooner",
    "the model in training mode; or give dtc --train-mode, which lets them drop again, with the ratio of --dropout=P if theirs is 0", find};

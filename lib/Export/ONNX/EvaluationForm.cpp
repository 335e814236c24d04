// Graphs that were exported in training mode, as they are evaluated.
#include "EvaluationForm.h"
#include "lib/Import/ONNX/Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

class EvaluationForm {
public:
  EvaluationForm(::onnx::GraphProto &graph, StringRef path, MLIRContext &context) : graph(graph), path(path), context(context) {
    countUses(graph);
  }

  LogicalResult run() {
    if (failed(change(graph)))
      return failure();
    removeUnread();
    return success();
  }

private:
  void countUses(const ::onnx::GraphProto &part) {
    for (const ::onnx::NodeProto &node : part.node()) {
      for (const std::string &input : node.input())
        ++uses[input];
      for (const ::onnx::AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          countUses(attribute.g());
        for (const ::onnx::GraphProto &inner : attribute.graphs())
          countUses(inner);
      }
    }
    for (const ::onnx::ValueInfoProto &output : part.output())
      ++uses[output.name()];
  }

  InFlightDiagnostic error(const ::onnx::NodeProto &node) {
    std::string name = !node.name().empty() ? node.name() : node.output_size() ? node.output(0) : "";
    InFlightDiagnostic diagnostic = emitError(namedLocation(name, path, context));
    diagnostic << node.op_type() << ": ";
    return diagnostic;
  }

  LogicalResult change(::onnx::GraphProto &part) {
    for (::onnx::NodeProto &node : *part.mutable_node()) {
      if (failed(change(node)))
        return failure();
      for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
        if (attribute.has_g() && failed(change(*attribute.mutable_g())))
          return failure();
        for (::onnx::GraphProto &inner : *attribute.mutable_graphs())
          if (failed(change(inner)))
            return failure();
      }
    }
    return success();
  }

  LogicalResult change(::onnx::NodeProto &node) {
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      return success();
    StringRef name = node.op_type();
    if (name == "BatchNormalization")
      return normaliseByRunning(node);
    if (name == "Dropout")
      return dropNothing(node);
    if (name.starts_with("Random") || name == "Bernoulli" || name == "Multinomial")
      return error(node) << "draws random values, which evaluation has not; only Dropout is written as it is evaluated: export the model in "
                            "evaluation mode and write the checkpoint into that file";
    return success();
  }

  /// Moved statistics are outputs of training alone, as is until opset 13 the mode.
  LogicalResult normaliseByRunning(::onnx::NodeProto &node) {
    auto *attributes = node.mutable_attribute();
    for (int i = attributes->size() - 1; i >= 0; --i)
      if (attributes->Get(i).name() == "training_mode")
        attributes->DeleteSubrange(i, 1);
    for (int i = 1; i < node.output_size(); ++i)
      if (!node.output(i).empty()) {
        if (uses.lookup(node.output(i)))
          return error(node) << "output " << quoted(node.output(i)) << " is a statistic of training, which evaluation has not, and is used";
        gone.insert(node.output(i));
      }
    if (node.output_size() > 1)
      node.mutable_output()->DeleteSubrange(1, node.output_size() - 1);
    return success();
  }

  /// The input `training_mode` is false where it is left out; the mask is then true everywhere.
  LogicalResult dropNothing(::onnx::NodeProto &node) {
    constexpr int trainingMode = 2;
    if (node.input_size() <= trainingMode)
      return success();
    leaveOut(node.input(trainingMode));
    node.mutable_input()->RemoveLast();
    return success();
  }

  void leaveOut(const std::string &value) {
    if (!value.empty() && --uses[value] == 0)
      gone.insert(value);
  }

  /// Constants that only the modes have read, and types of what is no longer there.
  void removeUnread() {
    auto isGone = [&](StringRef name) { return gone.contains(name); };
    auto remove = [](auto &fields, auto predicate) { fields.erase(std::remove_if(fields.begin(), fields.end(), predicate), fields.end()); };
    remove(*graph.mutable_node(), [&](const ::onnx::NodeProto &node) {
      return node.op_type() == "Constant" && node.output_size() == 1 && isGone(node.output(0));
    });
    llvm::StringSet<> inputs;
    for (const ::onnx::ValueInfoProto &input : graph.input())
      inputs.insert(input.name());
    remove(*graph.mutable_initializer(), [&](const ::onnx::TensorProto &tensor) { return isGone(tensor.name()) && !inputs.contains(tensor.name()); });
    llvm::StringSet<> defined(inputs);
    for (const ::onnx::NodeProto &node : graph.node())
      for (const std::string &output : node.output())
        defined.insert(output);
    remove(*graph.mutable_value_info(), [&](const ::onnx::ValueInfoProto &info) { return isGone(info.name()) && !defined.contains(info.name()); });
  }

  ::onnx::GraphProto &graph;
  StringRef path;
  MLIRContext &context;
  llvm::StringMap<unsigned> uses;
  /// Values that nobody reads now.
  llvm::StringSet<> gone;
};

} // namespace

LogicalResult dtc::makeEvaluationForm(::onnx::GraphProto &graph, StringRef path, MLIRContext &context) {
  return EvaluationForm(graph, path, context).run();
}

// Functions of a model, put where they are called.
#include "InlineFunctions.h"
#include "Messages.h"

#include "llvm/ADT/StringMap.h"

#include <map>

using namespace mlir;
using namespace dtc::onnximport;

namespace {

using Names = llvm::StringMap<std::string>;

class Inliner {
public:
  Inliner(::onnx::ModelProto &model, StringRef path, MLIRContext &context) : model(model), path(path), context(context) {
    for (const ::onnx::FunctionProto &function : model.functions())
      functions[{domainOf(function.domain()), function.name()}] = &function;
  }

  LogicalResult run() {
    if (functions.empty())
      return success();
    google::protobuf::RepeatedPtrField<::onnx::NodeProto> nodes;
    nodes.Swap(model.mutable_graph()->mutable_node());
    for (::onnx::NodeProto &node : nodes)
      if (failed(place(std::move(node), 0)))
        return failure();
    return success();
  }

private:
  static std::string domainOf(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

  InFlightDiagnostic error(const ::onnx::NodeProto &call) {
    InFlightDiagnostic diagnostic = emitError(fileLocation(path, context));
    diagnostic << "the call of function " << quoted(call.op_type()) << " ";
    return diagnostic;
  }

  /// Adds the node, or what the function that it calls consists of.
  LogicalResult place(::onnx::NodeProto node, unsigned depth) {
    constexpr unsigned deepest = 64;
    constexpr int most = 1 << 20;
    auto found = functions.find({domainOf(node.domain()), node.op_type()});
    if (found == functions.end()) {
      if (model.graph().node_size() >= most)
        return error(node) << "makes more than " << most << " nodes";
      *model.mutable_graph()->add_node() = std::move(node);
      return success();
    }
    if (depth == deepest)
      return error(node) << "is nested more than " << deepest << " deep; functions may not call themselves";
    return expand(node, *found->second, depth);
  }

  LogicalResult checkOpsets(const ::onnx::NodeProto &call, const ::onnx::FunctionProto &function) {
    for (const ::onnx::OperatorSetIdProto &own : function.opset_import())
      for (const ::onnx::OperatorSetIdProto &of : model.opset_import())
        if (domainOf(own.domain()).empty() && domainOf(of.domain()).empty() && own.version() != of.version())
          return error(call) << "leads to opset " << own.version() << ", but the model follows opset " << of.version();
    return success();
  }

  LogicalResult expand(const ::onnx::NodeProto &call, const ::onnx::FunctionProto &function, unsigned depth) {
    if (failed(checkOpsets(call, function)))
      return failure();
    if (call.input_size() > function.input_size() || call.output_size() > function.output_size())
      return error(call) << "has " << call.input_size() << " inputs and " << call.output_size() << " outputs, the function "
                         << function.input_size() << " and " << function.output_size();
    std::string name = !call.name().empty() ? call.name() : call.output_size() ? call.output(0) : call.op_type();
    std::string prefix = name + "/" + std::to_string(calls++) + "/";
    Names names;
    for (int i = 0; i < function.input_size(); ++i)
      names[function.input(i)] = i < call.input_size() ? call.input(i) : "";
    for (int i = 0; i < function.output_size(); ++i) {
      // What is given back as it came in is copied.
      bool isInput = names.contains(function.output(i));
      std::string result = i < call.output_size() && !call.output(i).empty() ? call.output(i) : prefix + function.output(i);
      if (!isInput) {
        names[function.output(i)] = result;
        continue;
      }
      ::onnx::NodeProto copy;
      copy.set_op_type("Identity");
      copy.set_name(prefix + "copy");
      copy.add_input(names[function.output(i)]);
      copy.add_output(result);
      if (failed(place(std::move(copy), depth + 1)))
        return failure();
    }
    for (::onnx::NodeProto node : function.node()) {
      rename(node, names, prefix, call);
      if (failed(place(std::move(node), depth + 1)))
        return failure();
    }
    return success();
  }

  static std::string renamed(const std::string &value, Names &names, const std::string &prefix) {
    if (value.empty())
      return value;
    auto [entry, isNew] = names.try_emplace(value, prefix + value);
    return entry->second;
  }

  static void rename(::onnx::NodeProto &node, Names &names, const std::string &prefix, const ::onnx::NodeProto &call) {
    node.set_name(prefix + node.name());
    for (std::string &input : *node.mutable_input())
      input = renamed(input, names, prefix);
    for (std::string &output : *node.mutable_output())
      output = renamed(output, names, prefix);
    google::protobuf::RepeatedPtrField<::onnx::AttributeProto> attributes;
    for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      if (!attribute.ref_attr_name().empty()) {
        // What the call does not give is absent here too.
        for (const ::onnx::AttributeProto &given : call.attribute())
          if (given.name() == attribute.ref_attr_name()) {
            ::onnx::AttributeProto &copy = *attributes.Add();
            copy = given;
            copy.set_name(attribute.name());
          }
        continue;
      }
      if (attribute.has_g())
        rename(*attribute.mutable_g(), names, prefix, call);
      for (::onnx::GraphProto &graph : *attribute.mutable_graphs())
        rename(graph, names, prefix, call);
      *attributes.Add() = attribute;
    }
    node.mutable_attribute()->Swap(&attributes);
  }

  static void rename(::onnx::GraphProto &graph, Names &names, const std::string &prefix, const ::onnx::NodeProto &call) {
    for (::onnx::ValueInfoProto &input : *graph.mutable_input())
      input.set_name(renamed(input.name(), names, prefix));
    for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
      tensor.set_name(renamed(tensor.name(), names, prefix));
    for (::onnx::NodeProto &node : *graph.mutable_node())
      rename(node, names, prefix, call);
    for (::onnx::ValueInfoProto &output : *graph.mutable_output())
      output.set_name(renamed(output.name(), names, prefix));
  }

  ::onnx::ModelProto &model;
  StringRef path;
  MLIRContext &context;
  std::map<std::pair<std::string, std::string>, const ::onnx::FunctionProto *> functions;
  size_t calls = 0;
};

} // namespace

LogicalResult dtc::onnximport::inlineFunctions(::onnx::ModelProto &model, StringRef path, MLIRContext &context) {
  return Inliner(model, path, context).run();
}

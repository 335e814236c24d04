// Functions of a model, put where they are called.
#include "InlineFunctions.h"
#include "Messages.h"

#include "llvm/ADT/StringMap.h"

#include <google/protobuf/unknown_field_set.h>

#include <map>
#include <optional>

using namespace mlir;
using namespace dtc::onnximport;

namespace {

using Names = llvm::StringMap<std::string>;
using Attributes = llvm::StringMap<const ::onnx::AttributeProto *>;

class Inliner {
public:
  Inliner(::onnx::ModelProto &model, StringRef path, MLIRContext &context) : model(model), path(path), context(context) {}

  LogicalResult run() {
    if (model.functions().empty())
      return success();
    if (failed(readFunctions()))
      return failure();
    return placeAll(*model.mutable_graph()->mutable_node(), 0);
  }

private:
  using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

  /// A function, and what it says of itself.
  struct Function {
    const ::onnx::FunctionProto *proto;
    /// Of the whole message, in bytes: what a call of it costs.
    uint64_t size;
    /// The version of the default domain that it follows, if it says one.
    std::optional<int64_t> opset;
    /// What attributes are that a call leaves out.
    SmallVector<::onnx::AttributeProto, 0> defaults;
  };

  LogicalResult readFunctions() {
    for (const ::onnx::OperatorSetIdProto &of : model.opset_import())
      if (domainOf(of.domain()).empty())
        opset = of.version();
    for (const ::onnx::FunctionProto &proto : model.functions()) {
      Function function{&proto, proto.ByteSizeLong(), std::nullopt, defaultsOf(proto)};
      for (const ::onnx::OperatorSetIdProto &own : proto.opset_import())
        if (domainOf(own.domain()).empty())
          function.opset = own.version();
      if (!functions.try_emplace({domainOf(proto.domain()), proto.name()}, std::move(function)).second)
        return emitError(fileLocation(path, context))
               << "function " << quoted(proto.name()) << " of domain " << quoted(proto.domain()) << " is defined twice";
    }
    return success();
  }

  /// In attribute_proto, a field of onnx.proto since IR version 9, which libonnx 1.12 does not know.
  static SmallVector<::onnx::AttributeProto, 0> defaultsOf(const ::onnx::FunctionProto &function) {
    constexpr int attributeProto = 11;
    SmallVector<::onnx::AttributeProto, 0> defaults;
    const google::protobuf::UnknownFieldSet &fields = function.unknown_fields();
    for (int i = 0; i < fields.field_count(); ++i) {
      const google::protobuf::UnknownField &field = fields.field(i);
      ::onnx::AttributeProto attribute;
      if (field.number() == attributeProto && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
          attribute.ParseFromString(field.length_delimited()))
        defaults.push_back(std::move(attribute));
    }
    return defaults;
  }

  static std::string domainOf(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

  InFlightDiagnostic error(const ::onnx::NodeProto &call) {
    InFlightDiagnostic diagnostic = emitError(fileLocation(path, context));
    diagnostic << "the call of function " << quoted(call.op_type()) << " ";
    return diagnostic;
  }

  /// Puts what the functions that a graph's nodes call consist of in their place.
  LogicalResult placeAll(Nodes &nodes, unsigned depth) {
    Nodes calls;
    calls.Swap(&nodes);
    for (::onnx::NodeProto &node : calls)
      if (failed(place(std::move(node), depth, nodes)))
        return failure();
    return success();
  }

  /// Adds the node, or what the function that it calls consists of.
  LogicalResult place(::onnx::NodeProto node, unsigned depth, Nodes &to) {
    constexpr unsigned deepest = 64;
    constexpr size_t most = 1 << 20;
    auto found = functions.find({domainOf(node.domain()), node.op_type()});
    if (found == functions.end()) {
      if (++placed > most)
        return error(node) << "makes more than " << most << " nodes";
      for (::onnx::AttributeProto &attribute : *node.mutable_attribute())
        if (attribute.has_g() && failed(placeAll(*attribute.mutable_g()->mutable_node(), depth)))
          return failure();
      *to.Add() = std::move(node);
      return success();
    }
    if (depth == deepest)
      return error(node) << "is nested more than " << deepest << " deep; functions may not call themselves";
    return expand(node, found->second, depth, to);
  }

  // Few functions that call each other can make nodes without end, and one function names and attributes without end.
  static constexpr size_t mostCalls = 1 << 20;
  static constexpr uint64_t mostBytes = uint64_t{1} << 30;

  /// Whether there is room for so many bytes more.
  bool affords(uint64_t more) { return (bytes += std::min(more, mostBytes)) <= mostBytes; }

  LogicalResult expand(const ::onnx::NodeProto &call, const Function &of, unsigned depth, Nodes &to) {
    const ::onnx::FunctionProto &function = *of.proto;
    if (of.opset && opset && of.opset != opset)
      return error(call) << "leads to opset " << *of.opset << ", but the model follows opset " << *opset;
    if (call.input_size() > function.input_size() || call.output_size() > function.output_size())
      return error(call) << "has " << call.input_size() << " inputs and " << call.output_size() << " outputs, the function "
                         << function.input_size() << " and " << function.output_size();
    std::string name = !call.name().empty() ? call.name() : call.output_size() ? call.output(0) : call.op_type();
    std::string prefix = name + "/" + std::to_string(calls) + "/";
    if (++calls > mostCalls)
      return error(call) << "is one of more than " << mostCalls << " calls of functions";
    if (!affords(of.size))
      return tooLarge(call);
    Attributes given;
    for (const ::onnx::AttributeProto &attribute : call.attribute())
      if (!given.try_emplace(attribute.name(), &attribute).second)
        return error(call) << "gives attribute " << quoted(attribute.name()) << " twice";
    for (const ::onnx::AttributeProto &attribute : of.defaults)
      given.try_emplace(attribute.name(), &attribute);
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
      if (failed(place(std::move(copy), depth + 1, to)))
        return failure();
    }
    for (::onnx::NodeProto node : function.node()) {
      rename(node, names, prefix, given);
      if (!affords(0))
        return tooLarge(call);
      if (failed(place(std::move(node), depth + 1, to)))
        return failure();
    }
    return success();
  }

  InFlightDiagnostic tooLarge(const ::onnx::NodeProto &call) {
    return error(call) << "makes functions more than " << mostBytes << " bytes when they are put where they are called";
  }

  // What renames leaves names and attributes out from where there is no room on: the caller asks.

  std::string renamed(const std::string &value, Names &names, const std::string &prefix) {
    if (value.empty())
      return value;
    auto found = names.find(value);
    if (!affords(found == names.end() ? prefix.size() + value.size() : found->second.size()))
      return "";
    return found == names.end() ? names.try_emplace(value, prefix + value).first->second : found->second;
  }

  void rename(::onnx::NodeProto &node, Names &names, const std::string &prefix, const Attributes &given) {
    if (!affords(prefix.size()))
      return;
    node.set_name(prefix + node.name());
    for (std::string &input : *node.mutable_input())
      input = renamed(input, names, prefix);
    for (std::string &output : *node.mutable_output())
      output = renamed(output, names, prefix);
    google::protobuf::RepeatedPtrField<::onnx::AttributeProto> attributes;
    for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      if (!attribute.ref_attr_name().empty()) {
        // What the call does not give is absent here too.
        if (auto found = given.find(attribute.ref_attr_name()); found != given.end() && affords(found->second->ByteSizeLong())) {
          ::onnx::AttributeProto &copy = *attributes.Add();
          copy = *found->second;
          copy.set_name(attribute.name());
        }
        continue;
      }
      if (attribute.has_g())
        rename(*attribute.mutable_g(), names, prefix, given);
      for (::onnx::GraphProto &graph : *attribute.mutable_graphs())
        rename(graph, names, prefix, given);
      *attributes.Add() = attribute;
    }
    node.mutable_attribute()->Swap(&attributes);
  }

  void rename(::onnx::GraphProto &graph, Names &names, const std::string &prefix, const Attributes &given) {
    for (::onnx::ValueInfoProto &input : *graph.mutable_input())
      input.set_name(renamed(input.name(), names, prefix));
    for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
      tensor.set_name(renamed(tensor.name(), names, prefix));
    for (::onnx::NodeProto &node : *graph.mutable_node())
      rename(node, names, prefix, given);
    for (::onnx::ValueInfoProto &output : *graph.mutable_output())
      output.set_name(renamed(output.name(), names, prefix));
  }

  ::onnx::ModelProto &model;
  StringRef path;
  MLIRContext &context;
  std::map<std::pair<std::string, std::string>, Function> functions;
  /// The model's version of the default domain.
  std::optional<int64_t> opset;
  /// What has been put in place so far.
  size_t calls = 0, placed = 0;
  uint64_t bytes = 0;
};

} // namespace

LogicalResult dtc::onnximport::inlineFunctions(::onnx::ModelProto &model, StringRef path, MLIRContext &context) {
  return Inliner(model, path, context).run();
}

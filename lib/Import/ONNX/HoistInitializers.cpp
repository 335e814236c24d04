// Initializers of bodies (of If, Loop and Scan) become the graph's own: a body may run many times, and what is trained is an argument of the
// function.
#include "GraphImporter.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

using Names = llvm::StringMap<std::string>;

/// What a graph itself defines but for initializers.
void forEachName(const ::onnx::GraphProto &graph, llvm::function_ref<void(const std::string &)> visit) {
  for (const ::onnx::ValueInfoProto &input : graph.input())
    visit(input.name());
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      visit(output);
}

/// Uses in a graph and in the bodies of it, which may give a name a meaning of their own.
void renameUses(::onnx::GraphProto &graph, Names &names) {
  auto rename = [&](std::string &name) {
    if (auto found = names.find(name); found != names.end())
      name = found->second;
  };
  for (::onnx::NodeProto &node : *graph.mutable_node()) {
    for (std::string &input : *node.mutable_input())
      rename(input);
    for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      if (!attribute.has_g())
        continue;
      std::vector<std::pair<std::string, std::string>> hidden;
      forEachName(attribute.g(), [&](const std::string &name) {
        if (auto found = names.find(name); found != names.end()) {
          hidden.emplace_back(name, found->second);
          names.erase(found);
        }
      });
      renameUses(*attribute.mutable_g(), names);
      for (auto &[name, becomes] : hidden)
        names[name] = becomes;
    }
  }
  for (::onnx::ValueInfoProto &output : *graph.mutable_output())
    rename(*output.mutable_name());
}

class Hoist {
public:
  explicit Hoist(::onnx::GraphProto &graph) : graph(graph) {}

  void run() {
    for (const ::onnx::TensorProto &tensor : graph.initializer())
      taken.insert(tensor.name());
    takeNames(graph);
    visitBodies(graph);
  }

private:
  void takeNames(const ::onnx::GraphProto &of) {
    forEachName(of, [&](const std::string &name) { taken.insert(name); });
    for (const ::onnx::NodeProto &node : of.node())
      for (const ::onnx::AttributeProto &attribute : node.attribute())
        if (attribute.has_g())
          takeNames(attribute.g());
  }

  void visitBodies(::onnx::GraphProto &around) {
    for (::onnx::NodeProto &node : *around.mutable_node())
      for (::onnx::AttributeProto &attribute : *node.mutable_attribute())
        if (attribute.has_g())
          visit(*attribute.mutable_g(), node.name());
  }

  void visit(::onnx::GraphProto &body, const std::string &owner) {
    // The innermost first: what it says of a name holds there.
    visitBodies(body);
    Names names;
    for (::onnx::TensorProto &tensor : *body.mutable_initializer()) {
      std::string name = tensor.name();
      if (!name.empty() && !taken.insert(name).second) {
        std::string wanted = owner.empty() ? name : owner + "/" + name;
        name = wanted;
        for (unsigned &number = next.try_emplace(wanted, 2).first->second; !taken.insert(name).second; ++number)
          name = wanted + "." + std::to_string(number);
        names[tensor.name()] = name;
      }
      tensor.set_name(name);
      graph.add_initializer()->Swap(&tensor);
    }
    body.clear_initializer();
    if (!names.empty())
      renameUses(body, names);
  }

  ::onnx::GraphProto &graph;
  llvm::StringSet<> taken;
  /// The numbers that come next behind names.
  llvm::StringMap<unsigned> next;
};

} // namespace

void GraphImporter::hoistInitializers() { Hoist(graph).run(); }

// Parameters whose names an exporter lost get those of their modules again: what it computed from a weight at export (a transpose, a folded
// normalisation) it calls `onnx::MatMul_1430`.
#include "GraphImporter.h"
#include "Scopes.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
/// What PyTorch's modules call the operands of an operator; "" for what is none of theirs.
struct OperandNames {
  StringRef op;
  SmallVector<StringRef> leaves;
};
} // namespace

static const OperandNames operandNames[] = {
    {"Conv", {"", "weight", "bias"}},
    {"ConvTranspose", {"", "weight", "bias"}},
    {"Gemm", {"", "weight", "bias"}},
    {"MatMul", {"", "weight"}},
    {"Gather", {"weight"}},
    {"PRelu", {"", "weight"}},
    {"BatchNormalization", {"", "weight", "bias", "running_mean", "running_var"}},
    {"InstanceNormalization", {"", "weight", "bias"}},
    {"LayerNormalization", {"", "weight", "bias"}},
    {"RMSNormalization", {"", "weight"}},
    {"GroupNormalization", {"", "weight", "bias"}},
    // Both biases of a layer are one operand in ONNX.
    {"LSTM", {"", "weight_ih_l", "weight_hh_l", "bias_l"}},
    {"GRU", {"", "weight_ih_l", "weight_hh_l", "bias_l"}},
    {"RNN", {"", "weight_ih_l", "weight_hh_l", "bias_l"}},
};

static StringRef leafOf(const ::onnx::NodeProto &node, int operand) {
  for (const OperandNames &row : operandNames)
    if (row.op == node.op_type())
      return operand < static_cast<int>(row.leaves.size()) ? row.leaves[operand] : "";
  return "";
}

static bool isProduct(const ::onnx::NodeProto &node) { return node.op_type() == "MatMul" && node.output_size() == 1; }

/// Names that graphs within nodes use: these may be the outer graph's.
static llvm::StringSet<> namesInSubgraphs(const ::onnx::GraphProto &graph) {
  llvm::StringSet<> names;
  SmallVector<const ::onnx::GraphProto *> worklist{&graph};
  while (!worklist.empty()) {
    const ::onnx::GraphProto *one = worklist.pop_back_val();
    for (const ::onnx::NodeProto &node : one->node()) {
      for (const ::onnx::AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          worklist.push_back(&attribute.g());
        for (const ::onnx::GraphProto &inner : attribute.graphs())
          worklist.push_back(&inner);
      }
      if (one != &graph)
        names.insert_range(node.input());
    }
    if (one != &graph)
      for (const ::onnx::ValueInfoProto &output : one->output())
        names.insert(output.name());
  }
  return names;
}

llvm::StringMap<StringAttr> GraphImporter::findLostNames() {
  llvm::StringMap<size_t> lost;
  for (auto [i, parameter] : llvm::enumerate(parameters))
    if (isMadeUp(parameter.name))
      lost[parameter.name] = i;
  if (lost.empty())
    return {};
  // The bias that is added to a product says whose it is, and how the module calls it: self_attn.in_proj_bias.
  llvm::StringMap<StringRef> biases;
  for (const ::onnx::NodeProto &node : graph.node())
    for (int i = 0; node.op_type() == "Add" && node.input_size() == 2 && i < 2; ++i)
      if (StringRef bias = node.input(i); initializers.contains(bias) && !isMadeUp(bias) && bias.ends_with("bias"))
        biases[node.input(1 - i)] = bias;

  // What each wants to be called by its uses: nothing, where these disagree or one says nothing.
  llvm::MapVector<size_t, std::string> wanted;
  llvm::StringMap<unsigned> layers;
  for (const ::onnx::NodeProto &node : graph.node()) {
    std::string module = modulePath(node), layer;
    bool known = node.domain().empty() || node.domain() == "ai.onnx";
    if (StringRef leaf = known ? leafOf(node, 1) : ""; leaf.ends_with("_l"))
      layer = std::to_string(layers[module]++);
    for (auto [i, input] : llvm::enumerate(node.input())) {
      auto number = lost.find(input);
      if (number == lost.end())
        continue;
      StringRef leaf = known ? leafOf(node, i) : "";
      std::string name;
      if (!leaf.empty() && !module.empty())
        name = module + "." + leaf.str() + layer;
      if (StringRef bias = isProduct(node) ? biases.lookup(node.output(0)) : ""; !leaf.empty() && !bias.empty())
        if (module.empty() || bias.rsplit('.').first == module)
          name = (bias.drop_back(StringRef("bias").size()) + "weight").str();
      auto [entry, isFirst] = wanted.try_emplace(number->second, name);
      if (!isFirst && entry->second != name)
        entry->second.clear();
    }
  }
  llvm::StringMap<unsigned> takers;
  for (const auto &[number, name] : wanted)
    ++takers[name];
  llvm::StringSet<> others = namesInSubgraphs(graph);
  for (const ::onnx::ValueInfoProto &output : graph.output())
    others.insert(output.name());
  llvm::StringSet<> values;
  for (const ::onnx::NodeProto &node : graph.node())
    values.insert_range(node.output());
  for (const ::onnx::ValueInfoProto &input : graph.input())
    values.insert(input.name());

  llvm::StringMap<StringAttr> restored;
  for (const auto &[number, name] : wanted) {
    StringRef initializer = parameters[number].name;
    bool isFree = takers[name] == 1 && !initializers.contains(name) && !values.contains(name);
    if (!name.empty() && llvm::json::isUTF8(name) && isFree && !others.contains(initializer))
      restored[initializer] = builder.getStringAttr(name);
  }
  return restored;
}

void GraphImporter::restoreNames() {
  llvm::StringMap<StringAttr> restored = findLostNames();
  size_t lost = llvm::count_if(parameters, [](const Place &parameter) { return isMadeUp(parameter.name); });
  if (restored.empty())
    return;
  for (Place &place : parameters) {
    StringAttr name = restored.lookup(place.name);
    if (!name)
      continue;
    NamedAttrList attributes(place.attributes);
    attributes.set(nn::names::parameter, name);
    place.name = name;
    place.attributes = attributes.getDictionary(&context);
  }
  renameTied(restored);
  for (::onnx::NodeProto &node : *graph.mutable_node())
    for (std::string &input : *node.mutable_input())
      if (StringAttr name = restored.lookup(input))
        input = name.str();
  emitRemark(fileLocation(state.path, context)) << restored.size() << " of " << lost << (lost == 1 ? " parameter" : " parameters")
                                                << " whose names the exporter lost " << (restored.size() == 1 ? "is" : "are")
                                                << " called by the modules again";
}

void GraphImporter::renameTied(const llvm::StringMap<StringAttr> &restored) {
  for (Tie &tie : ties)
    if (StringAttr name = restored.lookup(tie.original))
      tie.original = name.str();
}

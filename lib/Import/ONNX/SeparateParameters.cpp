// Parameters that an exporter merged because they began equal (new biases are 0, new scales 1) are apart again: trained as one, they would all move
// by the sum of their gradients.
#include "GraphImporter.h"
#include "Scopes.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// The modules around a node, outermost first, where torch.onnx.export(dynamo=True) says them.
static SmallVector<std::string> scopesOf(const ::onnx::NodeProto &node) {
  SmallVector<std::string> scopes = nameScopes(node);
  if (!scopes.empty())
    scopes.pop_back();
  return scopes;
}

/// What batch normalisation calls the operands that it keeps up to date itself; "" for all others.
static StringRef statisticName(const ::onnx::NodeProto &node, int operand) {
  if (node.op_type() != "BatchNormalization")
    return "";
  return operand == 3 ? "running_mean" : operand == 4 ? "running_var" : "";
}

void GraphImporter::separateParameters() {
  llvm::StringMap<size_t> numbers;
  for (auto [i, parameter] : llvm::enumerate(parameters))
    numbers[parameter.name] = i;
  llvm::StringMap<unsigned> uses;
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &input : node.input())
      if (numbers.contains(input))
        ++uses[input];
  /// The numbers that come next behind names.
  llvm::StringMap<unsigned> next;
  auto copy = [&](const std::string &of, const std::string &wanted) {
    std::string name = wanted;
    for (unsigned &number = next.try_emplace(wanted, 2).first->second; initializers.contains(name); ++number)
      name = wanted + "." + std::to_string(number);
    // The message owns the name.
    ::onnx::TensorProto &tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(initializers.lookup(of)->data_type());
    initializers.try_emplace(name, &tensor);
    Place place = parameters[numbers[of]];
    NamedAttrList attributes(place.attributes);
    attributes.set(nn::names::parameter, builder.getStringAttr(name));
    place.name = tensor.name();
    place.attributes = attributes.getDictionary(&context);
    parameters.push_back(place);
    if (state.inputBiases.contains(of))
      state.inputBiases.insert(name);
    --uses[of];
    mergedWith[name] = of;
    return name;
  };
  auto isSplat = [&](const std::string &name) {
    auto init = dyn_cast_if_present<DenseElementsAttr>(parameters[numbers[name]].attributes.get(nn::names::init));
    return init && init.isSplat() && init.getType().getRank() > 0;
  };
  llvm::StringSet<> outputs;
  for (const ::onnx::ValueInfoProto &output : graph.output())
    outputs.insert(output.name());
  for (::onnx::NodeProto &node : *graph.mutable_node()) {
    // torch.onnx.export(dynamo=False) copies the one that it kept, under the name of the one that it took away.
    if (node.op_type() == "Identity" && node.domain().empty() && node.input_size() == 1 && node.output_size() == 1 &&
        numbers.contains(node.input(0)) && !outputs.contains(node.output(0)) && !initializers.contains(node.output(0))) {
      if (uses[node.input(0)] < 2)
        continue;
      std::string name = node.output(0);
      node.set_output(0, name + ".copied");
      copy(node.input(0), name);
      continue;
    }
    SmallVector<std::string> scopes = scopesOf(node);
    for (int i = 0; i < node.input_size(); ++i) {
      std::string &input = *node.mutable_input(i);
      if (!numbers.contains(input) || uses[input] < 2)
        continue;
      if (StringRef statistic = statisticName(node, i); !statistic.empty()) {
        std::string module = scopes.empty() ? (node.name().empty() ? node.output(0) : node.name()) : scopes.back();
        input = copy(input, module + "." + statistic.str());
        continue;
      }
      // Of what began as other numbers, equal parameters are one that two modules share.
      auto [owner, leaf] = StringRef(input).rsplit('.');
      if (scopes.empty() || leaf.empty() || llvm::is_contained(scopes, owner) || !isSplat(input))
        continue;
      input = copy(input, scopes.back() + "." + leaf.str());
    }
  }
  if (size_t separated = mergedWith.size())
    emitWarning(fileLocation(state.path, context))
        << separated << (separated == 1 ? " parameter that began" : " parameters that began")
        << " equal to another one and that the exporter merged with it: each is trained by itself again";
}

FailureOr<std::vector<GraphImporter::Parameter>> GraphImporter::readParameters() {
  if (failed(checkModel()) || failed(readInitializers()))
    return failure();
  separateParameters();
  tieParameters();
  std::vector<Parameter> result;
  llvm::StringMap<StringAttr> restored = findLostNames();
  renameTied(restored);
  for (const Place &parameter : parameters) {
    StringAttr name = restored.lookup(parameter.name);
    result.push_back({(name ? name.getValue() : parameter.name).str(), parameter.name.str(),
                      llvm::to_vector(cast<RankedTensorType>(parameter.type).getShape()), mergedWith.lookup(parameter.name)});
  }
  return result;
}

LogicalResult GraphImporter::takeIn(::onnx::TensorProto &tensor) {
  return tensors.takeIn(tensor, [&] {
    InFlightDiagnostic diagnostic = emitError(namedLocation(tensor.name(), state.path, context));
    diagnostic << "tensor " << quoted(tensor.name()) << ": ";
    return diagnostic;
  });
}

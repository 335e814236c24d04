// Check: weights that the exporter transposed.
#include "Checks.h"
#include "lib/Import/ONNX/Scopes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  if (checked.model.producer_name() != "pytorch")
    return findings;
  for (const GraphImporter::Parameter &parameter : checked.parameters) {
    auto readers = checked.readers.find(parameter.initializer);
    if (!isMadeUp(parameter.initializer) || parameter.shape.size() != 2 || readers == checked.readers.end())
      continue;
    // A linear layer of rank 3 is a MatMul of the weight's transpose, which constant folding computes.
    for (const ::onnx::NodeProto *node : readers->second)
      if (isOperator(*node, "MatMul") && node->input_size() == 2 && node->input(1) == parameter.initializer) {
        findings.push_back({placeOf(*node),
                            "has a weight of " + std::to_string(parameter.shape[0]) + " inputs by " + std::to_string(parameter.shape[1]) +
                                " outputs, the transpose of the module's (" + quoted(parameter.name) + ")",
                            false});
        break;
      }
  }
  return findings;
}

const Check dtc::onnximport::transposedWeightCheck = {
    "transposed-weight", "weights of linear layers are transposed",
    "they train as the module's do; in checkpoints they are the transposes of what the module's state_dict holds",
    "nothing else, unless checkpoints are exchanged with the module: then from PyTorch torch.onnx.export(dynamo=False, "
    "do_constant_folding=False), or "
    "dynamo=True, optimize=False",
    find};

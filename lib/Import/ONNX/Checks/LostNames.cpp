// Check: parameters that the exporter gave names of its own.
#include "Checks.h"
#include "lib/Import/ONNX/Scopes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  for (const GraphImporter::Parameter &parameter : checked.parameters) {
    if (!isMadeUp(parameter.initializer))
      continue;
    auto readers = checked.readers.find(parameter.initializer);
    std::string reader = readers == checked.readers.end() ? "nothing reads it" : "read by " + placeOf(*readers->second.front());
    if (parameter.name != parameter.initializer)
      findings.push_back(
          {placeOfInitializer(parameter.initializer), "is called " + quoted(parameter.name) + " again (" + reader + ")", false});
    else
      findings.push_back(
          {placeOfInitializer(parameter.initializer),
           "keeps that name, since the graph does not say unambiguously whose it is (" + reader + "); it may be no parameter at all",
           true});
  }
  return findings;
}

const Check dtc::onnximport::lostNameCheck = {
    "lost-name", "parameters have names that the exporter made up, since it computed them from the model's own",
    "patterns of --freeze, --lr-scale and --no-decay do not find a parameter by a made-up name, and a constant that the exporter computed "
    "is trained "
    "like a parameter: freeze it by the name that it has",
    "from PyTorch torch.onnx.export(dynamo=False, do_constant_folding=False), or dynamo=True, optimize=False", find};

// Check: tied weights that the exporter wrote twice.
#include "Checks.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  for (const GraphImporter::Tie &copy : checked.ties) {
    auto readers = checked.readers.find(copy.copy);
    std::string reader = readers == checked.readers.end() ? "" : ", which " + placeOf(*readers->second.front()) + " reads";
    findings.push_back({placeOfInitializer(copy.copy),
                        std::string(copy.isTransposed ? "is the transpose of " : "is equal to ") + quoted(copy.original) + reader, true});
  }
  return findings;
}

const Check dtc::onnximport::brokenTieCheck = {
    "broken-tie", "large parameters are equal to others: weights that the model ties are written twice",
    "the copies train apart: each moves by its own gradient alone, and the model has more parameters than it had",
    "the model with the tie in the graph: from PyTorch torch.onnx.export(dynamo=False, do_constant_folding=False), or dynamo=True, "
    "optimize=False; or tie them again with --tie",
    find};

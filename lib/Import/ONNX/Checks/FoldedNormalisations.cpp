// Check: batch normalisations that are folded into the layer before them.
#include "Checks.h"
#include "lib/Import/ONNX/FoldedNormalisation.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  for (const FoldedNormalisation &folded : findFoldedNormalisations(checked.model))
    findings.push_back({placeOf(*folded.node),
                        folded.certain ? "has a batch normalisation in its weight " + quoted(folded.node->input(1))
                                       : "likely has a batch normalisation in its weight " + quoted(folded.node->input(1)) +
                                             ": all convolutions have a bias, and nothing in the graph normalises",
                        /*changesTraining=*/true});
  return findings;
}

const Check dtc::onnximport::foldedNormalisationCheck = {
    "folded-batch-norm", "batch normalisations are folded into the layers before them",
    "nothing normalises by the batch: the layers train as if the model had none, with weights of other sizes and less stable",
    "the model in training mode; from PyTorch torch.onnx.export(dynamo=False, training=TrainingMode.TRAINING, do_constant_folding=False), "
    "or of "
    "model.train() with dynamo=True, optimize=False",
    find};

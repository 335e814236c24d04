// What an evaluation-mode export gets back of training, and what it does not.
#include "FoldedNormalisation.h"
#include "GraphImporter.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

LogicalResult GraphImporter::reportTrainMode() {
  if (options.dropout && state.dropouts == 0)
    return error() << "--dropout gives the ratio of Dropout nodes, and the graph has none: exporters leave them out of a model in "
                      "evaluation mode, so "
                      "export it in training mode";
  if (state.restoredDropouts)
    emitRemark(fileLocation(state.path, context))
        << state.restoredDropouts << " of " << state.dropouts << (state.dropouts == 1 ? " Dropout node" : " Dropout nodes")
        << " that did nothing " << (state.restoredDropouts == 1 ? "drops" : "drop") << " again";
  if (!options.trainMode)
    return success();
  if (state.dropouts == 0)
    emitWarning(fileLocation(state.path, context)) << "--train-mode: the graph has no Dropout node; if the model had some, the exporter "
                                                      "left them out, and only an export in training mode has "
                                                      "them";
  if (foldedNormalisations)
    emitWarning(fileLocation(state.path, context))
        << "--train-mode: the batch normalisation of " << foldedNormalisations << (foldedNormalisations == 1 ? " layer" : " layers")
        << " is folded into its weight and cannot be restored; export the model in training mode, and from torch.onnx.export(dynamo=True) "
           "also with "
           "optimize=False";
  return success();
}

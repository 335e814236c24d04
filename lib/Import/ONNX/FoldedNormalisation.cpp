// Convolutions into which an exporter has folded the batch normalisation behind them.
#include "FoldedNormalisation.h"
#include "Scopes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static bool isConvolution(const ::onnx::NodeProto &node) {
  return (node.domain().empty() || node.domain() == "ai.onnx") && (node.op_type() == "Conv" || node.op_type() == "ConvTranspose");
}

/// PyTorch's newer exporter folds into linear layers, too.
static bool isLayer(const ::onnx::NodeProto &node) {
  return isConvolution(node) || ((node.domain().empty() || node.domain() == "ai.onnx") && node.op_type() == "Gemm");
}

static bool hasBias(const ::onnx::NodeProto &node) { return node.input_size() > 2 && !node.input(2).empty(); }

/// Whether the file itself says that the node was a convolution and a batch normalisation.
static bool saysSo(const ::onnx::NodeProto &node, bool byPyTorch) {
  // torch.onnx.export(dynamo=True): the node has the names of the normalisation, since it gives that one's result.
  SmallVector<std::string> scopes = nameScopes(node);
  if (!scopes.empty())
    return StringRef(scopes.back()).contains("batch_norm");
  // torch.onnx.export(dynamo=False): parameters keep their names, so both are new.
  return byPyTorch && hasBias(node) && isMadeUp(node.input(1)) && isMadeUp(node.input(2));
}

std::vector<FoldedNormalisation> dtc::onnximport::findFoldedNormalisations(const ::onnx::ModelProto &model) {
  constexpr size_t few = 4;
  bool byPyTorch = model.producer_name() == "pytorch", allHaveBiases = true, normalises = false;
  std::vector<FoldedNormalisation> certain, all;
  for (const ::onnx::NodeProto &node : model.graph().node()) {
    normalises |= StringRef(node.op_type()).ends_with("Normalization");
    if (!isLayer(node))
      continue;
    if (saysSo(node, byPyTorch))
      certain.push_back({&node, true});
    if (!isConvolution(node))
      continue;
    allHaveBiases &= hasBias(node);
    all.push_back({&node, false});
  }
  if (!certain.empty())
    return certain;
  if (byPyTorch || normalises || !allHaveBiases || all.size() < few)
    return {};
  return all;
}

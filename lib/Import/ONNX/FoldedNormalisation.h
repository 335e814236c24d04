// Convolutions into which an exporter has folded the batch normalisation behind them.
#ifndef DTC_LIB_IMPORT_ONNX_FOLDEDNORMALISATION_H
#define DTC_LIB_IMPORT_ONNX_FOLDEDNORMALISATION_H

#include "mlir/Support/LLVM.h"
#include "onnx/onnx_pb.h"

#include <vector>

namespace dtc::onnximport {

/// A convolution whose weight and bias are those of the model's convolution times and plus what its batch normalisation had: scale /
/// sqrt(variance + epsilon) and bias - mean * scale / sqrt(variance + epsilon). A file of other numbers than the model's; the normalisation
/// cannot be had back from it.
struct FoldedNormalisation {
  const ::onnx::NodeProto *node;
  /// Whether the file itself says so: PyTorch's newer exporter by the node's scopes (a batch norm's), its older one by the names of the
  /// weight and the bias, which it only computes anew where it folds. Else it is likely: four or more convolutions, all with a bias, and no
  /// normalisation in the graph, from another exporter than PyTorch's.
  bool certain;
};

/// In the graph's order; it must have the names of the file.
std::vector<FoldedNormalisation> findFoldedNormalisations(const ::onnx::ModelProto &model);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_FOLDEDNORMALISATION_H

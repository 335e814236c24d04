// Sliding windows: the attributes that Conv and the poolings share.
#ifndef DTC_LIB_IMPORT_ONNX_WINDOWS_H
#define DTC_LIB_IMPORT_ONNX_WINDOWS_H

#include "Node.h"

namespace dtc::onnximport {

/// A window over the spatial dimensions, with `auto_pad` resolved.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations;
  /// All begins, then all ends.
  llvm::SmallVector<int64_t> pads;
  /// Whether the pads follow from `auto_pad`; the size of the result does then
  /// too, and `ceil_mode` has no say.
  bool autoPadded = false;
};

/// Reads `strides`, `pads`, `auto_pad` and, if the operator has it,
/// `dilations`. `input` and `kernel` are the sizes of the spatial dimensions.
/// Source: ONNX Conv, MaxPool and AveragePool.
llvm::FailureOr<Window> readWindow(Node &node, llvm::ArrayRef<int64_t> input,
                                   llvm::ArrayRef<int64_t> kernel,
                                   bool hasDilations);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_WINDOWS_H

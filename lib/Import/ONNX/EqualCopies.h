// Large tensors that hold the same numbers.
#ifndef DTC_LIB_IMPORT_ONNX_EQUALCOPIES_H
#define DTC_LIB_IMPORT_ONNX_EQUALCOPIES_H

#include "mlir/IR/BuiltinAttributes.h"

namespace dtc::onnximport {

/// Of several tensors, by their numbers: `copy` holds what `original` holds, or, if `isTransposed`, the matrix that is its transpose.
struct EqualCopy {
  size_t copy, original;
  bool isTransposed;
};

/// Copies among float32 tensors (`dense` or `dense_resource`; others, and null, are no copies), in ascending order, each of the first tensor
/// that has its numbers, bit by bit. Only what is equal by no accident: 64 elements at least that are not one number throughout.
/// Reads every such tensor once, and those that agree in a sum over their bits a second time.
llvm::SmallVector<EqualCopy> findEqualCopies(llvm::ArrayRef<mlir::ElementsAttr> tensors);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_EQUALCOPIES_H

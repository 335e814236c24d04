// Reductions that other operators are made of.
#ifndef DTC_LIB_IMPORT_ONNX_REDUCTION_H
#define DTC_LIB_IMPORT_ONNX_REDUCTION_H

#include "Node.h"

namespace dtc::onnximport {

/// The largest and the smallest element along `axes`, counted from the front; they stay, with size 1. NaN if there is one.
llvm::FailureOr<mlir::Value> largest(Node &node, mlir::Value x, llvm::ArrayRef<int64_t> axes);
llvm::FailureOr<mlir::Value> smallest(Node &node, mlir::Value x, llvm::ArrayRef<int64_t> axes);
/// The product of the elements along `axes`, likewise.
llvm::FailureOr<mlir::Value> product(Node &node, mlir::Value x, llvm::ArrayRef<int64_t> axes);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_REDUCTION_H

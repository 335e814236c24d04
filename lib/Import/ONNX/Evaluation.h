// What ops give whose operands are known.
#ifndef DTC_LIB_IMPORT_ONNX_EVALUATION_H
#define DTC_LIB_IMPORT_ONNX_EVALUATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <optional>
#include <vector>

namespace dtc::onnximport {

/// The elements of `op`'s one result, if its operands are all constants and it is one of the ops that exporters write to compute shapes,
/// masks and positions: elementwise arithmetic, comparisons, logic and casts (by numpy's rules; f32 is rounded after each op), and ops that
/// move elements. Null for others, where an integer is divided by zero, and where more than `most` elements would be made.
std::optional<mlir::DenseElementsAttr> evaluate(mlir::Operation *op, int64_t most);

/// Element i is element places[i] of `x` and, counted on, of `y`, which has the same element type and may be null.
mlir::DenseElementsAttr pick(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> places, mlir::DenseElementsAttr x, mlir::DenseElementsAttr y = {});

/// The elements of a tensor of integers or booleans.
std::vector<int64_t> readIntegers(mlir::DenseElementsAttr elements);

/// How far apart neighbours along each dimension of a row-major tensor lie.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_EVALUATION_H

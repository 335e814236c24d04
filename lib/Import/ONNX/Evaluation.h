// What ops give whose operands are known.
#ifndef DTC_LIB_IMPORT_ONNX_EVALUATION_H
#define DTC_LIB_IMPORT_ONNX_EVALUATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace dtc::onnximport {

/// The elements of `op`'s one result, if its operands are all constants and it is one of the ops that exporters write to compute shapes,
/// masks and positions: elementwise arithmetic, comparisons, logic and casts (by numpy's rules; f32 is rounded after each op), and ops that
/// move elements. Null for others, where an integer is divided by zero, and where more than `most` elements would be made.
std::optional<mlir::DenseElementsAttr> evaluate(mlir::Operation *op, int64_t most);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_EVALUATION_H

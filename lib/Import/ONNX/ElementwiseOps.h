// What functions that import elementwise operators build with: an error anywhere leaves null values behind it.
#ifndef DTC_LIB_IMPORT_ONNX_ELEMENTWISEOPS_H
#define DTC_LIB_IMPORT_ONNX_ELEMENTWISEOPS_H

#include "Node.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

namespace dtc::onnximport {

/// Which elements an operator takes.
enum class Kind { Floats, Numbers, Integers, Booleans, Any };

/// Operand `i`; null, with an error, if it is missing or its elements are of another kind.
mlir::Value operand(Node &node, unsigned i, Kind kind);

/// A constant of rank 0 with the element type of `like`, which holds floating-point numbers unless `value` is whole.
mlir::Value numberLike(Node &node, mlir::Value like, double value);

/// `x` in another element type, folded if it is a constant; null if `x` is.
mlir::Value castTo(Node &node, mlir::Value x, mlir::Type element);

/// The result of an op whose types are inferred; null if an operand is, or, with an error, if they do not fit together.
template <typename Op>
mlir::Value make(Node &node, mlir::ValueRange operands, llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
  if (node.failed() || llvm::is_contained(operands, mlir::Value()))
    return {};
  llvm::FailureOr<mlir::Value> result = node.create<Op>(operands, attributes);
  return llvm::succeeded(result) ? *result : mlir::Value();
}

/// What an operator's function returns: a failure for a null value, whose error has been reported.
inline llvm::FailureOr<Binding> given(mlir::Value value) {
  if (!value)
    return llvm::failure();
  return Binding(value);
}

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_ELEMENTWISEOPS_H

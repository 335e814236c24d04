// Reverse-mode differentiation of straight-line code.
#ifndef DTC_AUTODIFF_GRADIENTS_H
#define DTC_AUTODIFF_GRADIENTS_H

#include "mlir/IR/Builders.h"

namespace dtc {

/// Builds, at the builder's insertion point (in the block of `output`, behind
/// it), the gradients of sum(output * outputGradient) with respect to the values
/// of `wrt`. `outputGradient` has the type of `output`.
///
/// Returns one gradient for each value, of its type; null where `output` does not depend on
/// it. Contributions of several uses are summed. Only ops between `wrt` and
/// `output` are differentiated, and the new ops are ordered so that the
/// gradient that can be finished first is finished first, with nothing before
/// it that it does not need. Fails with a diagnostic at an op that lies between
/// and has no adjoint.
llvm::FailureOr<llvm::SmallVector<mlir::Value>>
buildGradients(mlir::OpBuilder &builder, mlir::Value output,
               mlir::Value outputGradient, llvm::ArrayRef<mlir::Value> wrt);

/// The same for a scalar output: d scalar / d wrt.
llvm::FailureOr<llvm::SmallVector<mlir::Value>>
buildGradients(mlir::OpBuilder &builder, mlir::Value scalar,
               llvm::ArrayRef<mlir::Value> wrt);

/// The location of what was made for `forward`'s adjoint:
/// `loc(fused<"adjoint">["conv1"])`.
mlir::Location getAdjointLoc(mlir::Location forward);

} // namespace dtc

#endif // DTC_AUTODIFF_GRADIENTS_H

// The adjoint of numpy's broadcasting.
#ifndef DTC_LIB_AUTODIFF_UNBROADCAST_H
#define DTC_LIB_AUTODIFF_UNBROADCAST_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace dtc {

/// Sums `gradient` over every dimension along which a tensor of `type` was
/// repeated, so that the result has `type`.
mlir::Value sumToType(mlir::ImplicitLocOpBuilder &builder, mlir::Value gradient,
                      mlir::RankedTensorType type);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_UNBROADCAST_H

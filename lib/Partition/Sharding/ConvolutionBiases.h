// A convolution's bias and its gradient apart from the convolution: with it no rank could have a part of the sum over input channels.
#ifndef DTC_LIB_PARTITION_SHARDING_CONVOLUTIONBIASES_H
#define DTC_LIB_PARTITION_SHARDING_CONVOLUTIONBIASES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::partition {

/// A bias is added behind its convolution, and its gradient summed beside that of the weight.
void splitBiases(mlir::func::FuncOp step);
/// A bias' gradient is made by the call that makes the weight's again, where both are of one value. Of biases the Fusion stage does the same.
void joinBiasGradients(mlir::func::FuncOp step);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_SHARDING_CONVOLUTIONBIASES_H

// Versions of a step for ranks with unequal shares of the batch.
#ifndef DTC_LIB_PARTITION_TIMELINES_STEPVERSION_H
#define DTC_LIB_PARTITION_TIMELINES_STEPVERSION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::partition {

/// "data1" for the step of the ranks at {data = 1}; empty for that of all ranks.
std::string roleSuffix(mlir::func::FuncOp step);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_STEPVERSION_H

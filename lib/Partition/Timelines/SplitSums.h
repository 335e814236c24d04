// A gradient to which several devices contribute: each sums up its own part.
#ifndef DTC_LIB_PARTITION_TIMELINES_SPLITSUMS_H
#define DTC_LIB_PARTITION_TIMELINES_SPLITSUMS_H

#include "dtc/Partition/Timelines/Schedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::partition {

/// Of a step whose ops carry `dist.stage`: where terms from several of the
/// pipeline's devices are added and then summed over the batch, each device's
/// terms are summed over the batch first and added once a step. What devices
/// then exchange is a sum, not a term of each microbatch.
void splitSums(mlir::func::FuncOp step, const PipelineShape &shape);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_SPLITSUMS_H

// The Partition stage as one pass pipeline.
#ifndef DTC_PARTITION_PASSORDER_H
#define DTC_PARTITION_PASSORDER_H

#include "dtc/Partition/PartitionOptions.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

/// From a step on the global batch (dtc-differentiate-graph's result) to
/// verified fragments and timelines of each rank.
void buildPartitionPipeline(mlir::OpPassManager &manager,
                            const PartitionOptions &options);

/// Makes the pipeline known as `dtc-partition`.
void registerPartitionPipeline();

} // namespace dtc

#endif // DTC_PARTITION_PASSORDER_H

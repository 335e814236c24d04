// The order of the Partition stage's passes, for data parallelism.
#ifndef DTC_PARTITION_PIPELINE_H
#define DTC_PARTITION_PIPELINE_H

#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

struct PartitionOptions : mlir::PassPipelineOptions<PartitionOptions> {
  Option<int64_t> devices{*this, "devices",
                          llvm::cl::desc("ranks that share each batch"),
                          llvm::cl::init(1)};
  Option<int64_t> bucketBytes{
      *this, "bucket-bytes",
      llvm::cl::desc("size in bytes at which a bucket of gradients starts to travel"),
      llvm::cl::init(512 * 1024)};
};

/// From a step on the global batch (dtc-differentiate-graph's result) to
/// verified fragments and timelines on one rank's share.
void buildPartitionPipeline(mlir::OpPassManager &manager,
                            const PartitionOptions &options);

/// Makes the pipeline known as `dtc-partition-data`.
void registerPartitionPipeline();

} // namespace dtc

#endif // DTC_PARTITION_PIPELINE_H

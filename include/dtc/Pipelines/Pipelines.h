// The order of the passes from an imported model to the runtime level.
#ifndef DTC_PIPELINES_PIPELINES_H
#define DTC_PIPELINES_PIPELINES_H

#include "dtc/Autodiff/BatchStatistics.h"
#include "dtc/Partition/PartitionOptions.h"
#include "dtc/Precision/Precision.h"
#include "dtc/Target/Target.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

/// The levels of the compiler, in the order in which a model passes them.
enum class Level { NN, Grad, Dist, RT };

struct PipelineOptions {
  PartitionOptions partition;
  /// The model's output that the loss takes, where it has several.
  std::string output;
  /// Over which samples batch normalisation takes its statistics.
  BatchStatistics batchStatistics = BatchStatistics::Share;
  /// What matrix products and convolutions round their operands to.
  Precision precision = Precision::F32;
  /// What the program runs on.
  const Target *target = &Target::cpu();
};

/// Adds the passes that take an imported model with its recipe to `level`.
/// What holds there is verified by the last pass of each stage.
void buildPipelineTo(Level level, mlir::OpPassManager &manager,
                     const PipelineOptions &options);

/// Makes the pipelines known as `dtc-to-grad`, `dtc-to-dist` and `dtc-to-rt`.
void registerPipelines();

} // namespace dtc

#endif // DTC_PIPELINES_PIPELINES_H

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

/// The levels of the compiler, in the order in which a model passes them. Fused is still dist, of kernels and of ops with epilogues:
/// what a step takes is known there.
enum class Level { NN, Grad, Dist, Fused, RT };

/// Which of its forms a step has behind Dist.
enum class StepForm {
  /// Op by op, as the planner prices it.
  Unfused,
  /// With its kernels and epilogues, as it runs.
  Fused,
};

struct PipelineOptions {
  PartitionOptions partition;
  /// The model's output that the loss takes, where it has several.
  std::string output;
  /// Over which samples batch normalisation takes its statistics.
  BatchStatistics batchStatistics = BatchStatistics::Share;
  /// What matrix products and convolutions round their operands to.
  Precision precision = Precision::F32;
  /// Whether what exporters took apart becomes one op again; dropout does in any case.
  bool recognise = true;
  /// What the program runs on.
  const Target *target = &Target::cpu();
  /// For measuring: a step in another form, whose calls say of which op they are (plan::opAttribute).
  StepForm form = StepForm::Fused;
  bool markOps = false;
};

/// Adds the passes that take a module from one level to another that is not before it; at NN it is an imported model with its
/// recipe. What holds at a level is verified by the last pass of its stage.
void buildPipeline(Level from, Level to, mlir::OpPassManager &manager, const PipelineOptions &options);

/// From an imported model to `level`.
inline void buildPipelineTo(Level level, mlir::OpPassManager &manager, const PipelineOptions &options) {
  buildPipeline(Level::NN, level, manager, options);
}

/// Makes the pipelines known as `dtc-to-grad`, `dtc-to-dist`, `dtc-to-fused` and `dtc-to-rt`.
void registerPipelines();

} // namespace dtc

#endif // DTC_PIPELINES_PIPELINES_H

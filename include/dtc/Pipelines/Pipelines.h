// The order of the passes from an imported model to the runtime level.
#ifndef DTC_PIPELINES_PIPELINES_H
#define DTC_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

/// The levels of the compiler, in the order in which a model passes them.
enum class Level { NN, Grad, Dist, RT };

struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<int64_t> devices{*this, "devices",
                          llvm::cl::desc("devices that share each batch"),
                          llvm::cl::init(1)};
  Option<std::string> output{
      *this, "output",
      llvm::cl::desc("the model's output that the loss takes, where it has several"),
      llvm::cl::init("")};
};

/// Adds the passes that take an imported model with its recipe to `level`.
/// What holds there is verified by the last pass of each stage.
void buildPipelineTo(Level level, mlir::OpPassManager &manager,
                     const PipelineOptions &options);

/// Makes the pipelines known as `dtc-to-grad`, `dtc-to-dist` and `dtc-to-rt`.
void registerPipelines();

} // namespace dtc

#endif // DTC_PIPELINES_PIPELINES_H

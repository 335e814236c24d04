// The order of the stages, and why each stands where it stands.
#include "dtc/Pipelines/Pipelines.h"

#include "dtc/Autodiff/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// A model becomes its training step.
static void addAutodiff(OpPassManager &manager, const dtc::PipelineOptions &options) {
  // Before differentiation: what the forward graph does not hold needs no
  // adjoint, and some rewrites (relu behind max_pool) would change the meaning
  // of a gradient that is already there.
  manager.addNestedPass<func::FuncOp>(dtc::createSimplifyGraphPass());

  dtc::DifferentiateGraphPassOptions differentiate;
  differentiate.output = options.output.getValue();
  manager.addPass(dtc::createDifferentiateGraphPass(differentiate));

  // Adjoints are written without looking at their neighbours; what they repeat
  // or leave unused goes here, while the step is still one function.
  manager.addNestedPass<func::FuncOp>(dtc::createSimplifyGraphPass());
  manager.addPass(createCSEPass());
  manager.addPass(dtc::createVerifyStepPass());
}

void dtc::buildPipelineTo(Level level, OpPassManager &manager,
                          const PipelineOptions &options) {
  if (level >= Level::Grad)
    addAutodiff(manager, options);
}

void dtc::registerPipelines() {
  static PassPipelineRegistration<PipelineOptions> grad(
      "dtc-to-grad", "From an imported model to its training step",
      [](OpPassManager &manager, const PipelineOptions &options) {
        buildPipelineTo(Level::Grad, manager, options);
      });
}

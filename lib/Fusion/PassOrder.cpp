// The order of the Fusion stage's passes, and why each stands where it stands.
#include "dtc/Fusion/Passes.h"
#include "lib/Fusion/ExternalModels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void dtc::registerFusionExternalModels(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, linalg::LinalgDialect,
                  math::MathDialect, tensor::TensorDialect>();
  fusion::registerEpilogueExternalModels(registry);
  fusion::registerScalarBodies(registry);
}

void dtc::buildFusionPipeline(OpPassManager &manager) {
  // First, so that a value computed twice does not end up in two kernels.
  manager.addPass(createCSEPass());
  // Before the kernels: what a library call does for nothing needs none.
  manager.addPass(createFuseEpiloguesPass());
  // Last. No canonicalizer follows: it would move the constants of the kernel
  // bodies out of them.
  manager.addPass(createFuseElementwisePass());
}

void dtc::buildUnfusedPipeline(OpPassManager &manager) {
  manager.addPass(createCSEPass());
  FuseElementwisePassOptions options;
  options.apart = true;
  manager.addPass(createFuseElementwisePass(options));
}

void dtc::registerFusionPipeline() {
  PassPipelineRegistration<>(
      "dtc-fuse",
      "the Fusion stage: epilogues of library calls, then fused kernels",
      buildFusionPipeline);
}

// The order of the Recognition stage's passes, and why each stands where it stands.
#include "dtc/Recognition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void dtc::buildRecognitionPipeline(OpPassManager &manager) {
  OpPassManager &model = manager.nest<func::FuncOp>();
  // First: a dropout in parts between others would hide that they belong together, or that they do not.
  model.addPass(createRecogniseDropoutPass());
  model.addPass(createRecogniseActivationsPass());
  model.addPass(createRecogniseNormalisationsPass());
  model.addPass(createRecogniseAttentionPass());
  // Last: attention knows its operands by the transposes before it, and what has become one op has fewer edges to cut.
  model.addPass(createCancelTransposesPass());
}

void dtc::registerRecognitionPipeline() {
  PassPipelineRegistration<>("dtc-recognise", "the Recognition stage: activations, normalisations, attention and dropout from their parts",
                             buildRecognitionPipeline);
}

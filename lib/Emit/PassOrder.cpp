// The order of the Emit stage's passes.
#include "dtc/Emit/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

void dtc::buildEmitPipeline(mlir::OpPassManager &manager) {
  manager.addNestedPass<rt::ProgramOp>(createRollRepetitionPass());
}

void dtc::registerEmitPipeline() {
  mlir::PassPipelineRegistration<>(
      "dtc-emit", "Planned programs as a person would write them",
      [](mlir::OpPassManager &manager) { buildEmitPipeline(manager); });
}

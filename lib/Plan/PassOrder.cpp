// The order of the Plan stage's passes.
#include "dtc/Plan/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

void dtc::buildPlanPipeline(mlir::OpPassManager &manager, int64_t deviceMemory,
                                  const LowerToRuntimePassOptions &lowering, const Target &target) {
  PlanMemoryPassOptions memory;
  memory.deviceMemory = deviceMemory;
  manager.addPass(createLowerToRuntimePass(lowering));
  mlir::OpPassManager &program = manager.nest<rt::ProgramOp>();
  // First: it makes temporaries unnecessary.
  program.addPass(createAccumulateInCallsPass());
  program.addPass(createSumInProductsPass());
  if (target.keepsReluMasks)
    program.addPass(createKeepReluMasksPass());
  program.addPass(createJoinUpdatesPass());
  program.addPass(createLayOutInputsPass());
  // How many microbatches are under way at once is seen in the timelines alone.
  program.addPass(createShareSlotsPass());
  // Before offsets are given out: afterwards there is one buffer less to place.
  program.addPass(createReuseBuffersPass());
  program.addPass(createPlanMemoryPass(memory));
  program.addPass(createVerifyMemoryPass());
}

void dtc::registerPlanPipeline() {
  mlir::PassPipelineRegistration<>(
      "dtc-plan", "dist to rt: buffers, calls and a memory plan",
      [](mlir::OpPassManager &manager) { buildPlanPipeline(manager); });
}

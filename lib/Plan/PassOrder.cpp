// The order of the Plan stage's passes.
#include "dtc/Plan/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

void dtc::plan::buildPlanPipeline(mlir::OpPassManager &manager, int64_t deviceMemory,
                                  const LowerToRuntimeOptions &lowering, const Target &target) {
  PlanMemoryOptions memory;
  memory.deviceMemory = deviceMemory;
  manager.addPass(createLowerToRuntime(lowering));
  mlir::OpPassManager &program = manager.nest<rt::ProgramOp>();
  // First: it makes temporaries unnecessary.
  program.addPass(createAccumulateInCalls());
  program.addPass(createSumInProducts());
  if (target.keepsReluMasks)
    program.addPass(createKeepReluMasks());
  program.addPass(createJoinUpdates());
  program.addPass(createLayOutInputs());
  // How many microbatches are under way at once is seen in the timelines alone.
  program.addPass(createShareSlots());
  // Before offsets are given out: afterwards there is one buffer less to place.
  program.addPass(createReuseBuffers());
  program.addPass(createPlanMemory(memory));
  program.addPass(createVerifyMemory());
}

void dtc::plan::registerPlanPipeline() {
  mlir::PassPipelineRegistration<>(
      "dtc-plan", "dist to rt: buffers, calls and a memory plan",
      [](mlir::OpPassManager &manager) { buildPlanPipeline(manager); });
}

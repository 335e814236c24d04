// Every schedule communicates safely, as the verifier and the oracle say.
#include "CompiledPipelines.h"
#include "HappensBefore.h"

#include "dtc/Partition/Timelines/Schedule.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;

TEST(Schedules, EveryPipelineIsProved) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> step = test::makeStep(context, 17);
  ASSERT_TRUE(step);
  for (const partition::Schedule &schedule : partition::allSchedules())
    for (int64_t devices = 2; devices <= 8; ++devices)
      for (int64_t microbatches = 1; microbatches <= 16; ++microbatches) {
        OwningOpRef<ModuleOp> module = test::compilePipeline(
            *step, {schedule.name.str(), microbatches % 2 + 1, devices, microbatches});
        ASSERT_TRUE(module) << schedule.name.str() << " " << devices << " " << microbatches;
        EXPECT_EQ(test::judge(*module), test::Verdict::Safe)
            << schedule.name.str() << " " << devices << " " << microbatches;
      }
}

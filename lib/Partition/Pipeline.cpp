// dtc-partition-data: the Partition stage for data parallelism.
#include "dtc/Partition/Pipeline.h"
#include "dtc/Partition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

void dtc::buildPartitionPipeline(mlir::OpPassManager &manager,
                                 const PartitionOptions &options) {
  // On the whole step, so that any graph that keeps samples apart is right,
  // whatever autodiff made of it.
  ShardBatchPassOptions shard;
  shard.devices = options.devices;
  manager.addPass(createShardBatchPass(shard));

  // Sharding makes constants and broadcasts again at the local size; equal ones
  // become one before the cut decides what is kept from fragment to fragment.
  manager.addNestedPass<mlir::func::FuncOp>(mlir::createCSEPass());
  manager.addNestedPass<mlir::func::FuncOp>(mlir::createCanonicalizerPass());

  // Only now are the local sizes known that fill the buckets.
  FormTimelinesPassOptions form;
  form.bucketBytes = options.bucketBytes;
  manager.addPass(createFormTimelinesPass(form));

  // Ends the stage: what follows may rely on communication that cannot hang.
  manager.addPass(createVerifyCommunicationPass());
}

void dtc::registerPartitionPipeline() {
  mlir::PassPipelineRegistration<PartitionOptions>(
      "dtc-partition-data",
      "share a step out over devices: fragments, timelines, verified communication",
      buildPartitionPipeline);
}

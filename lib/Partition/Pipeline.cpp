// dtc-partition: the Partition stage, for data parallelism, pipelines and both.
#include "dtc/Partition/Pipeline.h"
#include "dtc/Partition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace dtc;

/// The mean speed of the ranks at each coordinate of an axis; none if nobody
/// says how fast they are.
static llvm::SmallVector<double> speedsAlong(const PartitionOptions &options,
                                             llvm::StringRef axis) {
  int64_t size = 1, inner = 1;
  bool found = false;
  for (llvm::StringRef entry : options.mesh) {
    auto [name, text] = entry.split(':');
    int64_t ranks = 1;
    text.getAsInteger(10, ranks);
    if (found)
      inner *= ranks;
    if (name == axis) {
      size = ranks;
      found = true;
    }
  }
  if (options.mesh.empty())
    size = options.devices;
  llvm::SmallVector<double> sums(size);
  for (auto [rank, speed] : llvm::enumerate(options.deviceSpeeds))
    sums[rank / inner % size] += speed * size / options.deviceSpeeds.size();
  return options.deviceSpeeds.empty() ? llvm::SmallVector<double>() : sums;
}

/// Stages of the pipeline.
static int64_t countStages(const PartitionOptions &options) {
  int64_t devices = 1;
  for (llvm::StringRef axis : options.mesh)
    if (axis.consume_front("pipe:"))
      axis.getAsInteger(10, devices);
  return devices * options.stagesPerDevice;
}

/// The layers of a pipeline are on different ranks: which, and in what order
/// the ranks work on microbatches.
static void addStages(OpPassManager &manager, const PartitionOptions &options) {
  AssignStagesPassOptions assign;
  assign.stagesPerDevice = options.stagesPerDevice;
  assign.schedule = options.schedule;
  assign.cluster = options.cluster;
  assign.deviceMemory = options.deviceMemory;
  llvm::SmallVector<double> speeds = speedsAlong(options, "pipe");
  assign.deviceSpeeds.append(speeds.begin(), speeds.end());
  assign.cutAfter.append(options.cutAfter.begin(), options.cutAfter.end());
  manager.addPass(createAssignStagesPass(assign));

  FormPipelinePassOptions form;
  form.schedule = options.schedule;
  form.recompute = options.recompute;
  form.bucketBytes = options.bucketBytes;
  manager.addPass(createFormPipelinePass(form));
}

void dtc::buildPartitionPipeline(OpPassManager &manager, const PartitionOptions &options) {
  // On the whole step, so that any graph that keeps samples apart is right,
  // whatever autodiff made of it. Microbatches are shares like those of ranks.
  ShardBatchPassOptions shard;
  shard.devices = options.devices;
  // Twice the stages: a bubble of at most a third under GPipe and 1F1B, and
  // microbatches that are still large enough to compute well.
  shard.fewer = options.microbatches == 0;
  shard.microbatches = shard.fewer ? 2 * countStages(options) : options.microbatches;
  shard.markSums = options.isPipeline();
  llvm::SmallVector<double> speeds = speedsAlong(options, "data");
  shard.speeds.append(speeds.begin(), speeds.end());
  shard.mesh.append(options.mesh.begin(), options.mesh.end());
  manager.addPass(createShardBatchPass(shard));

  // Sharding makes constants and broadcasts again at the local size; equal ones
  // become one before the cut decides what is kept from fragment to fragment.
  manager.addNestedPass<func::FuncOp>(createCSEPass());
  manager.addNestedPass<func::FuncOp>(createCanonicalizerPass());

  if (options.isPipeline()) {
    addStages(manager, options);
  } else {
    // Only now are the local sizes known that fill the buckets.
    FormTimelinesPassOptions form;
    form.bucketBytes = options.bucketBytes;
    manager.addPass(createFormTimelinesPass(form));
  }

  // Ends the stage: what follows may rely on communication that cannot hang.
  manager.addPass(createVerifyCommunicationPass());
}

void dtc::registerPartitionPipeline() {
  struct Options : PartitionPassOptions<Options> {};
  registerPartitioningPipeline<Options>(
      "dtc-partition",
      "spread a step over devices: fragments, timelines, verified communication",
      [](OpPassManager &manager, const Options &options) {
        buildPartitionPipeline(manager, options.get());
      });
}

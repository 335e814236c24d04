// dtc-partition: the Partition stage, for data parallelism, pipelines and both.
#include "dtc/Partition/PassOrder.h"
#include "dtc/Partition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace dtc;

/// The mean speed of the ranks at each coordinate of an axis; none if nobody
/// says how fast they are.
static llvm::SmallVector<double> speedsAlong(const PartitionOptions &options, llvm::StringRef name) {
  std::optional<unsigned> axis = options.mesh.axisNamed(name);
  if (!axis || options.deviceSpeeds.empty())
    return {};
  int64_t size = options.mesh.axes[*axis].size;
  llvm::SmallVector<double> sums(size);
  for (auto [rank, speed] : llvm::enumerate(options.deviceSpeeds))
    sums[options.mesh.coordinate(rank, *axis)] += speed * size / options.deviceSpeeds.size();
  return sums;
}

/// The layers of a pipeline are on different ranks: which.
static void assignStages(OpPassManager &manager, const PartitionOptions &options) {
  AssignStagesPassOptions assign;
  assign.stagesPerDevice = options.stagesPerDevice;
  assign.schedule = options.schedule;
  assign.cluster = options.cluster;
  assign.deviceMemory = options.deviceMemory;
  llvm::SmallVector<double> speeds = speedsAlong(options, Mesh::pipe);
  assign.deviceSpeeds.append(speeds.begin(), speeds.end());
  assign.cutAfter.append(options.cutAfter.begin(), options.cutAfter.end());
  manager.addPass(createAssignStagesPass(assign));
}

void dtc::buildPartitionPipeline(OpPassManager &manager, const PartitionOptions &options) {
  // On the whole step, so that any graph that keeps samples apart is right,
  // whatever autodiff made of it. Microbatches are shares like those of ranks.
  ShardBatchPassOptions shard;
  // Twice the stages: a bubble of at most a third under GPipe and 1F1B, and
  // microbatches that are still large enough to compute well.
  shard.fewer = options.microbatches == 0;
  shard.microbatches = shard.fewer ? 2 * options.mesh.size(Mesh::pipe) * options.stagesPerDevice : options.microbatches;
  shard.markSums = options.isPipeline();
  llvm::SmallVector<double> speeds = speedsAlong(options, Mesh::data);
  shard.speeds.append(speeds.begin(), speeds.end());
  for (const Mesh::Axis &axis : options.mesh.axes)
    shard.mesh.push_back(axis.str());
  manager.addPass(createShardBatchPass(shard));

  // Sharding makes constants and broadcasts again at the local size; equal ones
  // become one before the cut decides what is kept from fragment to fragment.
  if (options.mesh.ranks() > 1 || shard.microbatches > 1) {
    manager.addNestedPass<func::FuncOp>(createCSEPass());
    manager.addNestedPass<func::FuncOp>(createCanonicalizerPass());
  }

  if (options.mesh.size(Mesh::tensor) > 1) {
    ShardTensorPassOptions spread;
    spread.cluster = options.cluster;
    manager.addPass(createShardTensorPass(spread));
  }

  if (options.isPipeline())
    assignStages(manager, options);

  // Behind the stages, which are planned by what a device computes, not by what it keeps.
  if (options.zero)
    manager.addPass(createShardStatePass());

  // Only now are the local sizes known that fill the buckets, and the stages.
  FormTimelinesPassOptions form;
  form.schedule = options.schedule;
  form.recompute = options.recompute;
  form.bucketBytes = options.bucketBytes;
  manager.addPass(createFormTimelinesPass(form));

  // Ends the stage: what follows may rely on communication that cannot hang.
  manager.addPass(createVerifyCommunicationPass());
}

void dtc::registerPartitionPipeline() {
  struct Options : PartitionPassOptions<Options> {};
  registerPartitioningPipeline<Options>(
      "dtc-partition",
      "spread a step over devices: fragments, timelines, verified communication",
      [](OpPassManager &manager, const PartitionOptions &partition, const Options &) {
        buildPartitionPipeline(manager, partition);
      });
}

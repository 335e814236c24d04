// What a partitioning is asked for: from C++, and as options of a pass pipeline.
#ifndef DTC_PARTITION_PARTITIONOPTIONS_H
#define DTC_PARTITION_PARTITIONOPTIONS_H

#include "dtc/Mesh/Mesh.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/Error.h"

namespace dtc {

/// How a step is spread over devices.
struct PartitionOptions {
  /// More than any device has; a product with the ranks is far from overflow.
  static constexpr int64_t mostStagesPerDevice = 1024;

  /// One rank, unless it is said.
  Mesh mesh = Mesh::line(Mesh::data, 1);
  /// Bytes at which a bucket of gradients starts to travel.
  int64_t bucketBytes = 512 * 1024;

  /// What of the training state the ranks that share the batch share out: 0 nothing, 1 the optimizer's state (Rajbhandari et al., "ZeRO", 2020).
  int64_t zero = 0;

  /// Relative speed of each rank; empty: all alike. Along "data" a faster rank
  /// gets more rows, along "pipe" a larger stage.
  std::vector<double> deviceSpeeds;

  /// Parts into which a rank's share of the batch is cut: under way at once in a pipeline, else one after the other. 0, in a
  /// pipeline alone: twice the stages, or what the batch allows.
  int64_t microbatches = 1;

  // What follows is for pipelines, that is, a mesh with the axis "pipe".

  std::string schedule = "1f1b";
  int64_t stagesPerDevice = 1;
  /// Nodes of the model behind which it is cut; empty: the planner decides.
  std::vector<std::string> cutAfter;
  /// A file that describes the devices; empty: a CPU core each.
  std::string cluster;
  /// Bytes a device; 0: any.
  int64_t deviceMemory = 0;
  bool recompute = false;

  bool isPipeline() const { return mesh.has(Mesh::pipe); }
  /// The first option that is out of its range, that names what there is not, or that disagrees with another, in one line.
  llvm::Error check() const;
};

/// The same as options of a pass pipeline.
template <typename Derived>
struct PartitionPassOptions : mlir::PassPipelineOptions<Derived> {
  template <typename T>
  using Option = typename mlir::PassPipelineOptions<Derived>::template Option<T>;
  template <typename T>
  using ListOption = typename mlir::PassPipelineOptions<Derived>::template ListOption<T>;
  using Desc = llvm::cl::desc;

  Option<int64_t> devices{*this, "devices", Desc("ranks that share each batch; mesh=data:N says the same"),
                          llvm::cl::init(1)};
  ListOption<std::string> mesh{*this, "mesh", Desc("axes as NAME:SIZE, data and pipe")};
  Option<int64_t> bucketBytes{
      *this, "bucket-bytes",
      Desc("size in bytes at which a bucket of gradients starts to travel"),
      llvm::cl::init(512 * 1024)};
  Option<int64_t> zero{*this, "zero", Desc("1: share the optimizer's state out over data"), llvm::cl::init(0)};
  Option<int64_t> microbatches{*this, "microbatches", Desc("parts of a rank's share"),
                               llvm::cl::init(1)};
  Option<std::string> schedule{*this, "schedule", Desc("of a pipeline"),
                               llvm::cl::init("1f1b")};
  Option<int64_t> stagesPerDevice{*this, "stages-per-device", Desc("stages of each device"),
                                  llvm::cl::init(1)};
  ListOption<std::string> cutAfter{*this, "cut-after", Desc("the last node of each stage")};
  Option<std::string> cluster{*this, "cluster", Desc("file that describes the devices")};
  ListOption<double> deviceSpeeds{*this, "device-speeds", Desc("relative speeds")};
  Option<int64_t> deviceMemory{*this, "device-memory", Desc("bytes; 0: any"),
                               llvm::cl::init(0)};
  Option<bool> recompute{*this, "recompute", Desc("run forward again before backward"),
                         llvm::cl::init(false)};

  /// The options, if the mesh is one; the rest is PartitionOptions::check()'s.
  llvm::Expected<PartitionOptions> get() const {
    PartitionOptions options;
    llvm::Expected<Mesh> axes = Mesh::parse(llvm::ArrayRef<std::string>(mesh), devices);
    if (!axes)
      return axes.takeError();
    options.mesh = *axes;
    options.bucketBytes = bucketBytes;
    options.zero = zero;
    options.microbatches = microbatches;
    options.schedule = schedule;
    options.stagesPerDevice = stagesPerDevice;
    options.cutAfter.assign(cutAfter.begin(), cutAfter.end());
    options.cluster = cluster;
    options.deviceSpeeds.assign(deviceSpeeds.begin(), deviceSpeeds.end());
    options.deviceMemory = deviceMemory;
    options.recompute = recompute;
    return options;
  }
};

/// Makes a pipeline known whose options `Options` are or extend PartitionPassOptions: what they say is checked before anything is built.
template <typename Options>
void registerPartitioningPipeline(llvm::StringRef name, llvm::StringRef description,
                                  std::function<void(mlir::OpPassManager &, const PartitionOptions &, const Options &)> build) {
  mlir::registerPassPipeline(
      name, description,
      [build](mlir::OpPassManager &manager, llvm::StringRef text,
              llvm::function_ref<llvm::LogicalResult(const llvm::Twine &)> emitError) -> llvm::LogicalResult {
        Options options;
        if (failed(options.parseFromString(text)))
          return llvm::failure();
        llvm::Expected<PartitionOptions> partition = options.get();
        if (!partition)
          return emitError(llvm::toString(partition.takeError()));
        if (llvm::Error error = partition->check())
          return emitError(llvm::toString(std::move(error)));
        build(manager, *partition, options);
        return llvm::success();
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> describe) { describe(Options()); });
}

} // namespace dtc

#endif // DTC_PARTITION_PARTITIONOPTIONS_H

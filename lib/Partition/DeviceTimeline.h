// Writes the timeline of one device of a pipeline.
#ifndef DTC_LIB_PARTITION_DEVICETIMELINE_H
#define DTC_LIB_PARTITION_DEVICETIMELINE_H

#include "PipelineTimeline.h"

namespace dtc::partition {

///   zeros for the sums
///   for each task of the schedule:
///     start the receives of the NEXT task   (in the order of their sends)
///     wait for what this task needs
///     run it
///     start to send what it made; behind the last microbatch, start the buckets
///   wait for buckets; exchange sums; update; wait for what is still being sent
class DeviceTimeline {
public:
  DeviceTimeline(PipelineTimelines &pipeline, int64_t device);
  void build();

private:
  using Action = PipelineTimelines::Action;

  void createTimeline();
  void createZeros();
  void prepare();
  void startReceives(size_t action);
  void startReceive(unsigned message);
  mlir::Value await(unsigned message);
  void awaitSends(const Action &next);
  void runPiece(const Action &action);
  void startSend(const Message &message, mlir::Value value);
  void startBuckets(const Piece &piece);
  void awaitBuckets();
  void exchangeSums();
  void update();

  mlir::Value valueFor(mlir::Value value, const Action &action);
  mlir::Value rowsOf(mlir::BlockArgument argument, int64_t microbatch);
  std::string nameOfSum(mlir::Value value);
  mlir::Location named(const llvm::Twine &name);
  mlir::IntegerAttr numberOf(int64_t microbatch);

  PipelineTimelines &pipeline;
  const PipelinePlan &plan;
  mlir::func::FuncOp step;
  int64_t device;
  dist::TimelineOp timeline;
  mlir::OpBuilder builder;

  llvm::DenseMap<unsigned, mlir::Value> arguments;
  /// By value, microbatch and the stage that reads.
  llvm::DenseMap<std::tuple<void *, int64_t, int64_t>, mlir::Value> live;
  llvm::DenseMap<std::pair<unsigned, int64_t>, mlir::Value> rows;
  llvm::DenseMap<mlir::Value, mlir::Value> sums, prepared;
  /// Receives that are under way, by message.
  llvm::DenseMap<unsigned, mlir::Value> receiving;
  llvm::DenseMap<int64_t, size_t> nextFrom;
  llvm::SmallVector<llvm::SmallVector<unsigned>> incoming;
  struct Sending {
    mlir::Value pending;
    const Piece *piece;
    int64_t microbatch, takenAt;
  };
  llvm::SmallVector<Sending> sending;
  struct Bucket {
    dist::AllReduceStartOp start;
    llvm::SmallVector<mlir::Value> values;
  };
  llvm::SmallVector<Bucket> buckets;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_DEVICETIMELINE_H

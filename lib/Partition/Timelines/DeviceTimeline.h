// Writes the timeline of one device.
#ifndef DTC_LIB_PARTITION_TIMELINES_DEVICETIMELINE_H
#define DTC_LIB_PARTITION_TIMELINES_DEVICETIMELINE_H

#include "lib/Partition/Timelines/StepTimelines.h"

namespace dtc::partition {

///   zeros for the sums
///   for each task of the schedule:
///     start the receives of the NEXT task   (in the order of their sends)
///     wait for what this task needs
///     run it
///     start to send what it made; behind the last microbatch, start the buckets,
///     and wait for those that the next task needs
///   wait for buckets; exchange sums; update; wait for what is still being sent
class DeviceTimeline {
public:
  DeviceTimeline(StepTimelines &made, int64_t device);
  dist::TimelineOp build();
  unsigned bucketsMade() const { return started.size(); }

private:
  using Action = StepTimelines::Action;

  void createTimeline();
  void createZeros();
  void prepare();
  void startReceives(size_t action);
  void startReceive(unsigned message);
  mlir::Value await(unsigned message);
  void awaitSends(const Action &next);
  void runPiece(const Action &action);
  void startSend(const Message &message, mlir::Value value);
  void startBucket(const Bucket &bucket);
  void awaitBuckets(size_t count);
  void startGathers(mlir::ArrayRef<dist::AllGatherOp> gathers);
  void awaitGathers();
  void exchangeSums();
  void update();

  mlir::Value valueFor(mlir::Value value, const Action &action);
  mlir::Value rowsOf(mlir::BlockArgument argument, int64_t microbatch);
  std::string nameOfSum(mlir::Value value, llvm::StringRef ofParameter = "");
  std::string nameOfPart(mlir::Value value) { return nameOfSum(value, ".gradient"); }
  std::string nameOfBucket() const;
  /// The name of a parameter that the step gives back.
  std::string nameOfResult(mlir::Value value);
  /// The type of a value's sum over the batch.
  mlir::Type typeOfSum(mlir::Value value) const;
  mlir::Type typeOf(const Message &message) const;
  /// True if devices exchange sums behind the schedule.
  bool exchanges() const;
  mlir::Location named(const llvm::Twine &name);
  mlir::IntegerAttr numberOf(int64_t microbatch);

  StepTimelines &made;
  const StepPlan &plan;
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
  /// Sums under way, in the order in which they started, and how many were awaited.
  struct Started {
    mlir::Value pending;
    std::string name;
    mlir::ArrayRef<mlir::Value> values;
  };
  llvm::SmallVector<Started> started;
  size_t awaited = 0;
  /// What is gathered meanwhile.
  struct Gathering {
    mlir::Value pending;
    std::string name;
    llvm::SmallVector<mlir::Value> values;
  };
  llvm::SmallVector<Gathering> gathering;
  size_t gathered = 0;
  /// What updates make.
  llvm::DenseMap<mlir::Value, mlir::Value> updated;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_DEVICETIMELINE_H

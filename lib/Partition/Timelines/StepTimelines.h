// Builds the fragments and the timelines of a planned step.
#ifndef DTC_LIB_PARTITION_TIMELINES_STEPTIMELINES_H
#define DTC_LIB_PARTITION_TIMELINES_STEPTIMELINES_H

#include "lib/Partition/Timelines/StepPlan.h"

#include "mlir/IR/IRMapping.h"

#include <vector>

namespace dtc::partition {

/// A value under way from one device to another: of a microbatch, or (-1) of
/// the step.
struct Message {
  mlir::Value value;
  int64_t from, to, toStage, microbatch;
  std::string name;
  /// The round of the action that takes it; of sums: behind all.
  int64_t takenAt = INT64_MAX;
};

/// Puts fragments and one timeline a device in the step's place.
class StepTimelines {
public:
  /// `axis` is the mesh axis of the stages, if there are any, `batchAxis` that of the batch.
  StepTimelines(const StepPlan &plan, llvm::StringRef axis,
                    mlir::StringAttr batchAxis, mlir::SymbolTable &symbols);

  /// Gives how many were made.
  unsigned makeFragments();
  void makeTimelines();
  /// For the step's place in the module, once it is gone: they may have its name.
  llvm::ArrayRef<dist::TimelineOp> getTimelines() const { return timelines; }
  /// How many values the ranks of one pipeline exchange, and how many sums over the batch travel.
  unsigned messagesMade() const { return messages.size(); }
  unsigned bucketsMade() const { return buckets; }

private:
  /// What a device does, before receives are put between.
  struct Action {
    const Piece *piece;
    /// One of the microbatches; in a step that has one, 0.
    int64_t microbatch;
    /// Indices into `messages` that are sent behind it, in order.
    llvm::SmallVector<unsigned> sends;
    /// Indices into `messages` that it needs.
    llvm::SmallVector<unsigned> needs;
    /// Later than that of every action that it needs; none if it can never run.
    int64_t round = INT64_MAX;
  };
  /// Ops behind the sums that run once the first `buckets` of them are there, and the parts of new parameters that they make, which
  /// all ranks gather then. Without such gathers a device has one of these.
  struct Update {
    llvm::SmallVector<mlir::Operation *> ops;
    llvm::SmallVector<dist::AllGatherOp> gathers;
    size_t buckets = 0;
    /// Takes what others give to be gathered.
    bool isBehindGathers = false;
    std::string name;
    llvm::SetVector<mlir::Value> inputs, outputs;
    dist::FragmentOp fragment;
  };
  friend class DeviceTimeline;

  dist::FragmentOp makeFragment(const Piece &piece);
  /// The results of its fragment: what is summed (over the microbatches so far,
  /// where there are several), then what other pieces take.
  llvm::SmallVector<mlir::Value> summedIn(const Piece &piece) const;
  llvm::SmallVector<mlir::Value> handedOnBy(const Piece &piece) const;
  void listUpdates(int64_t device);
  void makeUpdate(int64_t device, Update &update);
  dist::FragmentOp makePreparation(int64_t device);
  int64_t onlyStageOf(int64_t device) const;
  std::string nameOnDevice(int64_t device, llvm::StringRef what) const;
  void listActions();
  void orderActions();
  void listSumMessages();
  std::string roleOf(int64_t device) const;
  std::string timelineName(int64_t device);

  const StepPlan &plan;
  mlir::func::FuncOp step;
  llvm::StringRef phase;
  std::string axis;
  mlir::StringAttr batchAxis;
  mlir::SymbolTable &symbols;
  /// Of the ranks of this version of the step: "data1"; empty: all.
  std::string suffix;
  int64_t microbatches;

  llvm::DenseMap<const Piece *, dist::FragmentOp> fragments;
  llvm::SmallVector<dist::FragmentOp> preparations;
  /// Of each device, in the order in which they run.
  std::vector<std::vector<Update>> updates;
  /// What its preparation takes and gives.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> preparedFrom, preparedValues;
  llvm::SmallVector<llvm::SmallVector<Action>> actions;
  /// All messages; those between two devices in the order in which they are sent.
  llvm::SmallVector<Message> messages;
  /// Sums that devices exchange behind the schedule, by sender.
  llvm::SmallVector<llvm::SmallVector<unsigned>> sumMessages;
  llvm::SmallVector<dist::TimelineOp> timelines;
  unsigned buckets = 0;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_STEPTIMELINES_H

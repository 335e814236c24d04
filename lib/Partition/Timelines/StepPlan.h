// Which fragments a step is cut into, what travels between stages, and which
// sums over the batch start where.
#ifndef DTC_LIB_PARTITION_TIMELINES_STEPPLAN_H
#define DTC_LIB_PARTITION_TIMELINES_STEPPLAN_H

#include "lib/Partition/StepGraph.h"

#include "dtc/Partition/Timelines/Schedule.h"

#include "llvm/ADT/SetVector.h"

#include <map>

namespace dtc::partition {

/// Sums over the batch that travel as one message.
struct Bucket {
  llvm::SmallVector<mlir::Value> values;
  int64_t bytes = 0;
  /// What follows needs them: they are awaited at once.
  bool immediate = false;
  /// Each rank gets its part of the sums alone.
  bool parts = false;
};

/// Ops of one stage that run together on one microbatch: a fragment.
struct Piece {
  /// The task that it is a part of, and what it is for.
  Task::Kind task;
  dist::FragmentKind kind;
  int64_t stage;
  std::string name;
  /// In program order; `recomputed` are forward ops that run again before them.
  /// Constants are made where they are used.
  llvm::SmallVector<mlir::Operation *> ops, recomputed;
  /// What comes from other pieces, from sums or from the step's arguments, and
  /// what other pieces take; in program order.
  llvm::SetVector<mlir::Value> inputs, outputs;
  /// Values that are summed over the microbatches, and then over the ranks.
  llvm::SetVector<mlir::Value> sums;
  /// What starts to travel behind its last run.
  llvm::SmallVector<Bucket> buckets;
};

/// A value that a stage makes for another one, once a microbatch.
struct Transfer {
  mlir::Value value;
  int64_t to;
  std::string name;
};

struct StagingOptions {
  PipelineShape shape;
  Schedule schedule;
  bool recompute = false;
  /// Weight gradients travel over the axis of the batch in messages of so many
  /// bytes; with 0 the ranks of a stage share no batch.
  int64_t bucketBytes = 0;
  /// The mesh has an axis of stages; without, there is one stage, and names do not say its number.
  bool staged = false;

  /// One stage, one microbatch: forward and backward need not be apart.
  bool runsAsOne() const { return shape.stages() == 1 && shape.microbatches == 1; }
};

/// In stages:
///
///            stage 0                 stage 1
///   F0: conv1, pool1 ──pool1──▶ F1: conv2, fc, loss
///   B0: conv1's gradient ◀─ pool1.gradient ── B1: fc's and conv2's gradients
///   U0: conv1's update          U1: conv2's and fc's updates
/// Before all, once a step, what is prepared from parameters alone (their bf16 copies).
///
/// Data parallel, which is one stage and one microbatch:
///
///   ops in program order   | forward, loss, dfc2, dfc1 | dconv2, dconv1 | updates |
///   pieces                 | head                      | tail           | update  |
///   timeline               | run head, start bucket 0  | run tail, start bucket 1 | wait 0, wait 1, run update
///
/// A sum that another one waits for (of a mean over the batch, say) is a bucket
/// of its own and a cut, and is awaited before the next piece.
class StepPlan {
public:
  /// Plans a step whose ops carry `dist.stage`, if there are several. Fails with
  /// a diagnostic if an op needs what no stage can give it.
  static llvm::FailureOr<StepPlan> of(const StepGraph &graph, const StagingOptions &options);

  int64_t stageOf(mlir::Operation *op) const;
  int64_t deviceOf(int64_t stage) const { return options.shape.deviceOf(stage); }
  /// The pieces of a task, in the order in which they run.
  llvm::ArrayRef<Piece> piecesOf(Task::Kind kind, int64_t stage) const;
  /// To which other stages a value goes.
  llvm::ArrayRef<Transfer> transfersOf(mlir::Value value) const;
  /// The stage whose ranks hold the sum of a value.
  int64_t homeOfSum(mlir::Value value) const { return homes.lookup(value); }
  /// The step's arguments that the ranks of a device take, and the results that
  /// they give, by number.
  llvm::ArrayRef<unsigned> argumentsOf(int64_t device) const { return arguments[device]; }
  llvm::ArrayRef<unsigned> resultsOf(int64_t device) const { return results[device]; }
  /// The ops behind the sums that a device runs, in program order, and the sums
  /// that they or the results take.
  llvm::ArrayRef<mlir::Operation *> updateOf(int64_t device) const { return updates[device]; }
  /// The ops that make of parameters what a device's microbatches use.
  llvm::ArrayRef<mlir::Operation *> preparedOn(int64_t device) const { return prepared[device]; }
  llvm::ArrayRef<mlir::Value> sumsNeededBy(int64_t device) const { return neededSums[device]; }

  /// Arguments of the step first, then what ops make, in program order.
  void sort(llvm::SetVector<mlir::Value> &values) const;

  const StepGraph *graph;
  StagingOptions options;

private:
  void formPieces();
  void cut(llvm::ArrayRef<mlir::Operation *> ops, Task::Kind task, int64_t stage);
  void nameAlone(llvm::MutableArrayRef<Piece> list, size_t loss);
  void nameByStage(llvm::MutableArrayRef<Piece> list);
  bool makesLoss(mlir::Value value) const;
  void recompute(int64_t stage);
  void connect(Piece &piece);
  void connectResults();
  llvm::LogicalResult connectRows();
  void sortExchanged();
  Piece *definerOf(mlir::Value value, const Piece &reader) const;
  std::string nameOf(mlir::Value value);
  void findPrepared();
  void takeAll();
  llvm::LogicalResult shareOut();

  using Key = std::pair<Task::Kind, int64_t>;
  std::map<Key, llvm::SmallVector<Piece, 1>> pieces;
  llvm::DenseMap<mlir::Operation *, unsigned> order;
  /// The piece of an op, and the one that runs it again.
  llvm::DenseMap<mlir::Operation *, Piece *> makers, remakers;
  /// Sums of what the step is given, until a piece takes them.
  llvm::SmallVector<mlir::Value> givenSums;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Transfer, 1>> transfers;
  /// Values that travel, by name.
  llvm::StringMap<mlir::Value> named;
  llvm::DenseMap<mlir::Value, int64_t> homes;
  llvm::SmallVector<llvm::SmallVector<unsigned>> arguments, results;
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> updates, prepared;
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> neededSums;
};

/// A constant is made where it is used.
bool isConstant(mlir::Value value);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_TIMELINES_STEPPLAN_H

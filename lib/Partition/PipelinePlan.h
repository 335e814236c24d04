// Which fragments the stages of a step have, and what travels between them.
#ifndef DTC_LIB_PARTITION_PIPELINEPLAN_H
#define DTC_LIB_PARTITION_PIPELINEPLAN_H

#include "StepGraph.h"

#include "dtc/Partition/Schedule.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <map>

namespace dtc::partition {

/// Ops of one stage that run together on one microbatch: a fragment.
struct Piece {
  Task::Kind kind;
  int64_t stage;
  std::string name;
  /// In program order; `recomputed` are forward ops that run again before them.
  llvm::SmallVector<mlir::Operation *> ops, recomputed;
  /// What comes from other pieces or from the step's arguments, and what other
  /// pieces take.
  llvm::SetVector<mlir::Value> inputs, outputs;
  /// Values that are summed over the microbatches, and then over the ranks.
  llvm::SetVector<mlir::Value> sums;

  mlir::ArrayRef<mlir::Value> getSums() const { return sums.getArrayRef(); }
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
};

///            stage 0                 stage 1
///   F0: conv1, pool1 ──pool1──▶ F1: conv2, fc, loss
///   B0: conv1's gradient ◀─ pool1.gradient ── B1: fc's and conv2's gradients
///   U0: conv1's update          U1: conv2's and fc's updates
/// Before all, once a step, what is prepared from parameters alone (their bf16 copies).
class PipelinePlan {
public:
  /// Plans a step whose ops carry `dist.stage`. Fails with a diagnostic if an op
  /// needs what no stage can give it.
  static llvm::FailureOr<PipelinePlan> of(const StepGraph &graph, const StagingOptions &options);

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

  const StepGraph *graph;
  StagingOptions options;

private:
  void formPieces();
  void splitByBuckets(llvm::ArrayRef<mlir::Operation *> ops, Task::Kind kind, int64_t stage);
  void recompute(int64_t stage);
  void connect(Piece &piece);
  const Piece *definerOf(mlir::Value value, const Piece &reader) const;
  std::string nameOf(mlir::Value value);
  void findPrepared();
  llvm::LogicalResult shareOut();

  using Key = std::pair<Task::Kind, int64_t>;
  std::map<Key, llvm::SmallVector<Piece, 1>> pieces;
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

#endif // DTC_LIB_PARTITION_PIPELINEPLAN_H

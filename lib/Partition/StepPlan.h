// How a rank's step is cut: buckets of sums over the batch, and the fragment of each op.
#ifndef DTC_LIB_PARTITION_STEPPLAN_H
#define DTC_LIB_PARTITION_STEPPLAN_H

#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dtc::partition {

/// Sums over the batch that travel as one message.
struct Bucket {
  /// What one message must have in common: axis, element type.
  mlir::StringAttr axis;
  mlir::Type elementType;
  llvm::SmallVector<dist::BatchSumOp> members;
  int64_t bytes = 0;
  /// The fragment behind which it starts.
  unsigned fragment = 0;
  /// The next fragment needs its values: it is awaited at once.
  bool immediate = false;
};

/// The cut of one step.
///
///   ops in program order   | forward, loss, dfc2, dfc1 | dconv2, dconv1 | updates |
///   fragments              | 0                         | 1              | last    |
///   timeline               | run 0, start bucket 0     | run 1, start 1 | wait 0, wait 1, run last
///
/// A sum that another one waits for (of a mean over the batch, say) is
/// a bucket of its own and a cut, and is awaited before the next fragment.
struct StepPlan {
  /// Plans `function`. A bucket closes with `bucketBytes` bytes.
  StepPlan(mlir::func::FuncOp function, int64_t bucketBytes);

  /// The name of what a sum adds up: "loss", the model's name of the
  /// parameter that is updated with it, or the layer in the middle of the step.
  std::string nameOf(dist::BatchSumOp reduce);

  mlir::func::FuncOp function;
  /// In the order in which they start.
  llvm::SmallVector<Bucket> buckets;
  /// Ops in program order; the first or the last fragment may have none.
  /// Constants are made where they are used instead, unless the timeline itself
  /// needs them.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> fragments;
  /// What runs behind the waits.
  llvm::SmallVector<mlir::Operation *> update;
  /// The fragment that makes the loss.
  unsigned lossFragment = 0;

private:
  void findImmediate();
  llvm::DenseSet<mlir::Operation *> findUpdate();
  bool neededByTimeline(mlir::Operation *op);
  bool makesLoss(mlir::Value value);
  void cut(int64_t bucketBytes, const llvm::DenseSet<mlir::Operation *> &updates);

  /// Sums that other sums wait for.
  llvm::DenseSet<mlir::Operation *> immediate;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_STEPPLAN_H

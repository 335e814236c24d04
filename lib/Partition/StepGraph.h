// A training step as it is cut: layers, their adjoints, and the sums over the
// batch behind them.
#ifndef DTC_LIB_PARTITION_STEPGRAPH_H
#define DTC_LIB_PARTITION_STEPGRAPH_H

#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dtc::partition {

/// What an op of a step belongs to.
enum class Part {
  /// Leads to the loss (or to another result of an evaluation).
  Forward,
  /// Works on each microbatch, but nothing of the loss needs it.
  Backward,
  /// `dist.batch_sum`: what all samples contribute becomes one value.
  Sum,
  /// A sum that another one waits for: in the middle of the step.
  Middle,
  /// Works once a step, on sums.
  Update,
  /// Made again wherever it is used.
  Constant,
  /// Made of parameters alone, for what runs apart to use: works once a step on each device that needs it.
  Prepared,
};

/// One layer: the forward ops that the model's source calls by one name, and
/// the ops of their adjoints.
struct Layer {
  mlir::Location location;
  llvm::SmallVector<mlir::Operation *> forward, backward;

  /// The model's name of it: "conv1", "relu_2"; "loss" for the loss.
  std::string name() const;
};

/// Reads a step that dtc-shard-batch has left, with its sums marked.
class StepGraph {
public:
  /// Fails with a diagnostic if microbatches or stages cannot be apart: an op in
  /// the middle of the step needs a sum over all of them.
  static llvm::FailureOr<StepGraph> of(mlir::func::FuncOp step, int64_t stages, int64_t microbatches);

  Part partOf(mlir::Operation *op) const { return parts.lookup(op); }
  /// Layers in an order that respects the data flow.
  llvm::ArrayRef<Layer> getLayers() const { return layers; }
  /// The index of the layer of a forward or backward op.
  unsigned layerOf(mlir::Operation *op) const { return layerOfOp.lookup(op); }

  bool isPrepared(mlir::Value value) const {
    mlir::Operation *op = value.getDefiningOp();
    return op && partOf(op) == Part::Prepared;
  }
  /// The step's arguments that `value` is, or is prepared from.
  llvm::SmallVector<mlir::BlockArgument> argumentsBehind(mlir::Value value) const;

  mlir::func::FuncOp getStep() const { return step; }

private:
  explicit StepGraph(mlir::func::FuncOp step) : step(step) {}
  bool isMadeOfParameters(mlir::Operation *op) const;
  bool isViewOfParameters(mlir::Operation *op) const;
  llvm::LogicalResult findParts(int64_t stages, int64_t microbatches);
  void findUpdate();
  void findPrepared();
  void findForward();
  void findLayers();
  void findAdjoints();

  mlir::func::FuncOp step;
  llvm::DenseMap<mlir::Operation *, Part> parts;
  llvm::SmallVector<Layer> layers;
  llvm::DenseMap<mlir::Operation *, unsigned> layerOfOp;
};

/// Where the model's source has the op, without what later stages add.
mlir::Location sourceLocation(mlir::Location location);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_STEPGRAPH_H

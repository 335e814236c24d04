// How a shared-out batch runs through a step: in which versions each op is
// needed, decided before anything is rewritten.
#ifndef DTC_LIB_PARTITION_SHARDING_BATCHPROPAGATION_H
#define DTC_LIB_PARTITION_SHARDING_BATCHPROPAGATION_H

#include "lib/Partition/Sharding/OpVersion.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <algorithm>

namespace dtc::partition {

/// A batch of `size` samples over ranks, each of which works on `microbatches`
/// shares of `local` rows, one after the other.
struct BatchShares {
  /// As even as can be.
  static BatchShares even(int64_t size, int64_t devices, int64_t microbatches) {
    int64_t rows = (size + devices - 1) / devices;
    BatchShares shares = ofRank(size, rows, devices, microbatches, size % devices != 0);
    // The last rank that has any may have fewer.
    if (int64_t last = size % rows)
      shares.fewest = std::min(shares.fewest, fewestOf(last, shares.local));
    return shares;
  }
  /// For a rank with `rows` of them. `others`: some ranks have rows beyond the batch.
  static BatchShares ofRank(int64_t size, int64_t rows, int64_t devices, int64_t microbatches,
                            bool others = false) {
    int64_t local = (rows + microbatches - 1) / microbatches;
    return {size, devices * microbatches, local, others || local * microbatches != rows,
            fewestOf(rows, local)};
  }
  /// The shape of one rank's part of a tensor that lies so.
  llvm::SmallVector<int64_t> localShape(llvm::ArrayRef<int64_t> shape,
                                        Placement placement) const;

  int64_t size, shares, local;
  /// Some shares have rows beyond the batch.
  bool padded;
  /// Samples of the smallest share of a whole batch that has any.
  int64_t fewest;

private:
  /// Of the microbatches of a rank.
  static int64_t fewestOf(int64_t rows, int64_t local) {
    return rows % local ? rows % local : local;
  }
};

/// Follows the batch forward through a function. A value lies as its operands
/// make it lie; a whole one that an op needs shared out (a constant or a
/// broadcast with a row for each sample) is made again at the local size.
class BatchPropagation {
public:
  BatchPropagation(mlir::FunctionOpInterface function, BatchShares batch)
      : function(function), batch(batch) {}

  /// Fails with a diagnostic at the op that cannot work on a share.
  llvm::LogicalResult run();

  /// The versions in which `op` is needed.
  llvm::ArrayRef<OpVersion> versionsOf(mlir::Operation *op) const {
    return versions.find(op)->second;
  }
  /// How operand or result `index` of `op` lies in that version.
  Placement operandPlacement(mlir::Operation *op, unsigned index, const OpVersion &version) const {
    return version.operandPlacement(ruleOf(op), index);
  }
  Placement resultPlacement(mlir::Operation *op, unsigned index, const OpVersion &version) const {
    return version.resultPlacement(ruleOf(op), index);
  }
  /// How the function gives a result back: rows of a model's output, all else whole.
  Placement returnPlacement(unsigned index) const;
  /// How a value lies where it is made from its operands as they lie.
  Placement naturalPlacement(mlir::Value value) const {
    return placements.lookup(value);
  }

private:
  const ShardingRule &ruleOf(mlir::Operation *op) const {
    return *rules.find(op)->second;
  }
  llvm::LogicalResult visit(mlir::Operation *op);
  llvm::LogicalResult visitReturn(mlir::Operation *op);
  llvm::FailureOr<OpVersion> chooseVersion(mlir::Operation *op);
  llvm::LogicalResult requireOperands(mlir::Operation *op, const OpVersion &version);
  llvm::LogicalResult checkPadding(mlir::Operation *op, const OpVersion &version);
  bool vanishes(mlir::Operation *op, bool everywhere) const;
  llvm::LogicalResult shareOutDemanded();
  mlir::InFlightDiagnostic mixesSamples(mlir::Operation *op, unsigned operand);
  mlir::InFlightDiagnostic mixesShares(mlir::Operation *op, unsigned operand);

  /// A value that is not shared out, but `user` needs it so.
  struct Demand {
    mlir::Value value;
    Placement placement;
    mlir::Operation *user;
  };

  mlir::FunctionOpInterface function;
  BatchShares batch;
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<ShardingRule>> rules;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<OpVersion, 1>> versions;
  llvm::DenseMap<mlir::Value, Placement> placements;
  /// Values that are 0 in the rows that pad the batch.
  llvm::DenseSet<mlir::Value> vanishing;
  /// Partial sums that some op needs whole.
  llvm::DenseSet<mlir::Value> summed;
  llvm::SmallVector<Demand> demands;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_SHARDING_BATCHPROPAGATION_H

// Where the samples of the batch lie in the values of a model.
#ifndef DTC_LIB_AUTODIFF_SAMPLEPLACES_H
#define DTC_LIB_AUTODIFF_SAMPLEPLACES_H

#include "dtc/Sharding/ShardingRule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dtc {

/// Follows the samples from the model's inputs by the ops' sharding rules.
class SamplePlaces {
public:
  /// `model` has one block; of its inputs, and of constants with one value, dimension 0 is the batch where it has its size.
  SamplePlaces(mlir::func::FuncOp model, int64_t batch);

  /// How often the batch repeats in `value`, read in row-major order as outer x batch x the rest. None if samples were added up,
  /// met each other, or never came in.
  std::optional<int64_t> outerOf(mlir::Value value) const;

private:
  void visit(mlir::Operation *op);

  int64_t batch;
  llvm::DenseMap<mlir::Value, sharding::Placement> places;
};

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_SAMPLEPLACES_H

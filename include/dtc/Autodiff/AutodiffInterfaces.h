// Interfaces of ops and losses that training needs.
#ifndef DTC_AUTODIFF_AUTODIFFINTERFACES_H
#define DTC_AUTODIFF_AUTODIFFINTERFACES_H

#include "dtc/Autodiff/BatchStatistics.h"

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"

#include <string>

namespace dtc {

/// A loss (scalar) and its gradient with respect to the prediction.
struct LossAndGradient {
  mlir::Value loss, gradient;
};

/// How much the labels of a loss count against each other.
struct LabelCounts {
  /// Labels that are this count nothing.
  std::optional<int64_t> ignored;
  /// What a label of each class counts; empty: 1.
  llvm::SmallVector<double> ofClasses;
  /// The loss is the sum over labels, not their mean.
  bool isSum = false;

  /// Whether the mean over positions of the mean over samples is the loss.
  bool areAlike() const { return !ignored && ofClasses.empty() && !isSum; }
};

/// What an op with state became in a training step.
struct TrainedOp {
  /// In the place of the op's results.
  llvm::SmallVector<mlir::Value> results;
  /// One for each of getStateOperands().
  llvm::SmallVector<mlir::Value> newStates;
};

/// What a random op of a training step draws by.
struct Draw {
  /// The number of the step, a scalar.
  mlir::Value step;
  /// [N]: where each sample stands in the whole batch. Null if operand 0 belongs to no sample, or to none alone.
  mlir::Value sample;
  /// Operand 0 in row-major order is outer x N x the rest.
  int64_t outer = 1;
  /// The number of the op among the model's that draw.
  int64_t stream = 0;
};

} // namespace dtc

#include "dtc/Autodiff/AutodiffAttrInterfaces.h.inc"
#include "dtc/Autodiff/AutodiffOpInterfaces.h.inc"

namespace mlir {
class DialectRegistry;
}

namespace dtc {

/// Attaches these interfaces to the ops and losses of nn.
void registerAutodiffExternalModels(mlir::DialectRegistry &registry);

} // namespace dtc

#endif // DTC_AUTODIFF_AUTODIFFINTERFACES_H

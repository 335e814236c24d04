// What a step of an optimizer costs.
#ifndef DTC_OPTIMIZERS_FORMULA_SIZE_H
#define DTC_OPTIMIZERS_FORMULA_SIZE_H

#include "dtc/Optimizers/Optimizer.h"

#include <cstdint>

namespace mlir {
class MLIRContext;
}

namespace dtc {

/// What a formula costs.
struct FormulaSize {
  int64_t flopsPerElement = 0;
  /// Sums over all elements: with them each element is computed twice.
  int64_t sums = 0;
};
/// Loads arith and math into the context.
FormulaSize sizeOf(const OptimizerSettings &settings, mlir::MLIRContext &context);

} // namespace dtc

#endif // DTC_OPTIMIZERS_FORMULA_SIZE_H

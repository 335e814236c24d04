// Folding of constants that are one value throughout.
#ifndef DTC_LIB_AUTODIFF_CONSTANTFOLDING_H
#define DTC_LIB_AUTODIFF_CONSTANTFOLDING_H

#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace dtc {

/// The value that all elements of a constant floating-point tensor have, if
/// `tensor` is one.
std::optional<double> getSplat(mlir::Value tensor);

/// Adds the patterns that compute an op whose operands are all such constants.
void populateConstantFoldingPatterns(mlir::RewritePatternSet &patterns);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_CONSTANTFOLDING_H

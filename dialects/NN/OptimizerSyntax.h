// The text of an optimizer with its settings, in attributes (`#nn.adam<lr = 0.001>`) and in updates (`by adam<lr = 0.001>`).
#ifndef DTC_DIALECTS_NN_OPTIMIZERSYNTAX_H
#define DTC_DIALECTS_NN_OPTIMIZERSYNTAX_H

#include "dialects/NN/NN.h"

namespace dtc::nn {

/// What stands behind the optimizer's name; null, with an error, if that is wrong.
OptimizerAttr parseSettings(mlir::AsmParser &parser, const Optimizer &optimizer);
/// The optimizer with its settings.
void printSettings(mlir::AsmPrinter &printer, OptimizerAttr optimizer);

} // namespace dtc::nn

#endif // DTC_DIALECTS_NN_OPTIMIZERSYNTAX_H

// Which parameters are not trained, or not as the others are.
#ifndef DTC_TOOLS_DTC_FREEZE_H
#define DTC_TOOLS_DTC_FREEZE_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <utility>

namespace dtc {

/// Gives the parameters of the module's model that one of the patterns matches `nn.frozen`. A pattern is a name, with `*` for any
/// characters, `?` for one and `[a-z]` for one of these. One that matches nothing is an error, reported as a diagnostic that names
/// what it may have meant.
llvm::LogicalResult freezeParameters(mlir::ModuleOp module, llvm::ArrayRef<std::string> patterns);

/// Gives the parameters that a pattern matches `nn.rate_scale` and `nn.no_decay`, by patterns of the same kind; of several scales that
/// match, the last counts. A pattern that matches nothing is an error, and so is one of `noDecay` where the recipe has no weight decay.
llvm::LogicalResult groupParameters(mlir::ModuleOp module, llvm::ArrayRef<std::pair<std::string, double>> rateScales,
                                    llvm::ArrayRef<std::string> noDecay);

/// Warns, in one line, of parameters that look like constants (`nn.constant_use`) and are trained nevertheless. Takes the marks away.
void warnOfTrainedConstants(mlir::ModuleOp module);

} // namespace dtc

#endif // DTC_TOOLS_DTC_FREEZE_H

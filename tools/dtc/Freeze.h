// Which parameters are not trained.
#ifndef DTC_TOOLS_DTC_FREEZE_H
#define DTC_TOOLS_DTC_FREEZE_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace dtc {

/// Gives the parameters of the module's model that one of the patterns matches `nn.frozen`. A pattern is a name, with `*` for any
/// characters, `?` for one and `[a-z]` for one of these. One that matches nothing is an error, reported as a diagnostic that names
/// what it may have meant.
llvm::LogicalResult freezeParameters(mlir::ModuleOp module, llvm::ArrayRef<std::string> patterns);

/// Warns, in one line, of parameters that look like constants (`nn.constant_use`) and are trained nevertheless. Takes the marks away.
void warnOfTrainedConstants(mlir::ModuleOp module);

} // namespace dtc

#endif // DTC_TOOLS_DTC_FREEZE_H

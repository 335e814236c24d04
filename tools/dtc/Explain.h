// What --explain prints.
#ifndef DTC_TOOLS_DTC_EXPLAIN_H
#define DTC_TOOLS_DTC_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"

namespace dtc {

/// Says of every planned program of the module (level rt) what was decided, and
/// what a step costs one rank: floating-point operations, memory, messages.
void printExplanation(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace dtc

#endif // DTC_TOOLS_DTC_EXPLAIN_H

// What --explain prints.
#ifndef DTC_TOOLS_DTC_EXPLAIN_H
#define DTC_TOOLS_DTC_EXPLAIN_H

#include "dialects/RT/RT.h"
#include "dtc/Timeline/Timetable.h"

#include "mlir/IR/BuiltinOps.h"

namespace dtc {

/// Says of every planned program of the module (level rt) what was decided, and
/// what a step costs one rank: floating-point operations, memory, messages, and
/// the predicted time.
void printExplanation(mlir::ModuleOp module, const Timetable &predicted,
                      llvm::raw_ostream &os);

/// The same for a pipeline: how it was cut, and each stage.
void printPipeline(mlir::ModuleOp module, const Timetable &predicted,
                   llvm::raw_ostream &os);

/// The number of microbatches of a training step.
int64_t microbatchesOf(rt::ProgramOp program);

} // namespace dtc

#endif // DTC_TOOLS_DTC_EXPLAIN_H

// The pictures that dtc draws of a compilation.
#ifndef DTC_TOOLS_DTC_PICTURES_H
#define DTC_TOOLS_DTC_PICTURES_H

#include "Options.h"
#include "Predict.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace dtc {

/// Draws the training step to `options.timetable`, as it is predicted, and
/// below it as `options.trace` measured it where that is given; says the numbers
/// on stderr.
llvm::Error writeTimetable(const Prediction &prediction, const Options &options,
                           const PartitionOptions &partition);

/// Draws the partitioned graph of the training step to `options.dot`. A
/// diagnostic that has been given already is an error without a text.
llvm::Error writePartitionGraph(mlir::ModuleOp module, const Options &options);

} // namespace dtc

#endif // DTC_TOOLS_DTC_PICTURES_H

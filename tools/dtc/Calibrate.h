// --calibrate: a cluster file of measured times.
#ifndef DTC_TOOLS_DTC_CALIBRATE_H
#define DTC_TOOLS_DTC_CALIBRATE_H

#include "Options.h"

#include "mlir/IR/BuiltinOps.h"

namespace dtc {

/// Measures this machine and, if `step` is given (a model at the dist level), the ops
/// of that step; writes the cluster to `options.out`. With --cluster the result begins
/// with that file; a model then adds its ops and leaves the rest as it is.
/// Errors are for one line on stderr.
llvm::Error calibrate(const Options &options, mlir::MLIRContext &context, mlir::ModuleOp step,
                      const char *argv0);

} // namespace dtc

#endif // DTC_TOOLS_DTC_CALIBRATE_H

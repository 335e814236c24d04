// --check: what in a model file changes what is trained.
#ifndef DTC_TOOLS_DTC_CHECK_H
#define DTC_TOOLS_DTC_CHECK_H

#include "Options.h"

#include "mlir/IR/MLIRContext.h"

namespace dtc {

/// Prints what the checks find in the model to standard output, and says how to export it better. The status that the process is to end
/// with: 0 where nothing changes what is trained, 3 where something does, 1 after an error: there is no such model.
int checkModel(const Options &options, mlir::MLIRContext &context);

} // namespace dtc

#endif // DTC_TOOLS_DTC_CHECK_H

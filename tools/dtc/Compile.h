// One compilation, from the model file to the result that the options ask for.
#ifndef DTC_TOOLS_DTC_COMPILE_H
#define DTC_TOOLS_DTC_COMPILE_H

#include "Options.h"

namespace dtc {

/// Registers MLIR's own options (--mlir-…). Called once, before compile().
void registerMLIROptions();

/// Compiles. Returns the exit status: 0, 1 after a mistake in the model or an
/// output that failed, 2 after a wrong option or an output in a wrong place. Mistakes are one line
/// each on stderr; nothing is then left behind.
int compile(const Options &options, const char *argv0);

} // namespace dtc

#endif // DTC_TOOLS_DTC_COMPILE_H

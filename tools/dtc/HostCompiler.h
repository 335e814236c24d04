// From emitted source to the program: the host's C++ compiler and the runtime.
#ifndef DTC_TOOLS_DTC_HOSTCOMPILER_H
#define DTC_TOOLS_DTC_HOSTCOMPILER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace dtc {

/// Compiles `source` (a file) to the executable `out`, with the runtime that
/// lies beside dtc (`../include`, `../lib`) or under DTC_RUNTIME_DIR, and the
/// compiler that CXX names, that dtc was built with, or `c++`. No shell is used. The
/// compiler's own messages go to standard error.
llvm::Error compileProgram(llvm::StringRef source, llvm::StringRef out,
                           const char *argv0);

} // namespace dtc

#endif // DTC_TOOLS_DTC_HOSTCOMPILER_H

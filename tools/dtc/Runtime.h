// Where the runtime lies: beside dtc, or where DTC_RUNTIME_DIR says.
#ifndef DTC_TOOLS_DTC_RUNTIME_H
#define DTC_TOOLS_DTC_RUNTIME_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"

#include <string>

namespace dtc {

/// The headers, and a library with the file of compiler arguments beside it that
/// says how to use both.
struct RuntimeLibrary {
  llvm::SmallString<128> include, library, arguments;
};

/// The library of this name, "dtcrt_cpu" or "dtcrt_cuda". Fails in one line.
llvm::Expected<RuntimeLibrary> findRuntimeLibrary(llvm::StringRef name, const char *argv0);

/// The folder of the runtime's sources. Fails in one line.
llvm::Expected<std::string> findRuntimeSources(const char *argv0);

} // namespace dtc

#endif // DTC_TOOLS_DTC_RUNTIME_H

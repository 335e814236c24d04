// From emitted source to a program for GPUs: nvcc and the runtime.
#ifndef DTC_TOOLS_DTC_DEVICECOMPILER_H
#define DTC_TOOLS_DTC_DEVICECOMPILER_H

#include "Runtime.h"

#include "llvm/ADT/ArrayRef.h"

namespace dtc {

/// Compiles `source` (a file) to the executable `out` for these compute capabilities,
/// with dtcrt_cuda and the nvcc that NVCC or CUDACXX names, that lies in the toolkit of
/// CUDA_HOME or CUDA_PATH, on the path, or in /usr/local/cuda. nvcc's own
/// messages go to standard error.
llvm::Error compileForGPUs(llvm::StringRef source, llvm::StringRef out,
                           llvm::ArrayRef<std::string> architectures, const char *argv0);

} // namespace dtc

#endif // DTC_TOOLS_DTC_DEVICECOMPILER_H

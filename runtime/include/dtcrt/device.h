// What device code of programs and of the runtime shares: the stream of a context, checked calls, launches. CUDA alone.
#pragma once

#include "dtcrt/context.h"

#include <cuda_runtime.h>

#include <source_location>
#include <type_traits>

namespace dtcrt::device {

/// The stream on which the step computes.
cudaStream_t stream(Context &ctx);
/// Multiprocessors of the GPU: what a grid needs to fill it.
int multiprocessors(Context &ctx);

/// Memory of a call for its own intermediate values; the next call overwrites it.
void *scratch(Context &ctx, std::size_t bytes);

/// Throws Error for a failed call: what, why, in which fragment of the program, and where in the source it was called.
[[noreturn]] void fail(cudaError_t status, const char *what, const std::source_location &where);
inline void check(cudaError_t status, const char *what, const std::source_location &where = std::source_location::current()) {
  if (status != cudaSuccess) [[unlikely]]
    fail(status, what, where);
}

/// Where an array lies that a program declares `__device__`.
template <class T, std::size_t count> T *address(T (&array)[count]) {
  void *address = nullptr;
  check(cudaGetSymbolAddress(&address, array), "find a constant");
  return static_cast<T *>(address);
}

/// A context, and where in the source it was handed to a call: for messages.
struct CallSite {
  Context &ctx;
  std::source_location where;
  CallSite(Context &context, const std::source_location &here = std::source_location::current()) : ctx(context), where(here) {}
};

/// Starts `kernel` on the context's stream. Throws Error when it cannot start.
template <class... P>
void launch(const CallSite &site, void (*kernel)(P...), dim3 blocks, dim3 threads, std::type_identity_t<P>... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.stream = stream(site.ctx);
  check(cudaLaunchKernelEx(&config, kernel, arguments...), "launch a kernel", site.where);
}

} // namespace dtcrt::device

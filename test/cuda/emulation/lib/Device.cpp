// Devices and their properties, versions, errors.
#include "Faults.h"
#include "Memory.h"
#include "Settings.h"
#include "Stream.h"

#include <cstdio>
#include <cstring>

using namespace cuda_emulation;

namespace cuda_emulation {

namespace {
cudaError_t sticky = cudaSuccess;
thread_local cudaError_t last = cudaSuccess;
std::string failure;
Counts counted;
thread_local int current_device = 0;
} // namespace

cudaError_t ready() {
  if (settings().driver < CUDART_VERSION / 1000 * 1000)
    return cudaErrorInsufficientDriver;
  if (settings().devices == 0)
    return cudaErrorNoDevice;
  return sticky;
}

void set_failed(cudaError_t error, const std::string &message) {
  std::fprintf(stderr, "cuda emulation: %s\n", message.c_str());
  sticky = error;
  failure = message;
}
cudaError_t failed() { return sticky; }
const std::string &last_failure() { return failure; }

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady)
    last = error;
  return error;
}

void count(Kind kind) {
  switch (kind) {
  case Kind::kernel:
    ++counted.kernels;
    kernel_ended();
    break;
  case Kind::copy: ++counted.copies; break;
  case Kind::fill: ++counted.fills; break;
  default: break;
  }
}
const Counts &counts() { return counted; }

} // namespace cuda_emulation

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 0;
  const cudaError_t error = ready();
  if (error == cudaSuccess)
    *count = settings().devices;
  return remember(error);
}

cudaError_t cudaGetDevice(int *device) {
  *device = current_device;
  return remember(ready());
}
cudaError_t cudaSetDevice(int device) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (device < 0 || device >= settings().devices)
    return remember(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (device < 0 || device >= settings().devices)
    return remember(cudaErrorInvalidDevice);
  *p = {};
  std::strcpy(p->name, "CUDA emulation");
  p->uuid.bytes[0] = static_cast<char>(device);
  p->totalGlobalMem = settings().memory;
  p->sharedMemPerBlock = 48 * 1024;
  p->regsPerBlock = 65536;
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
  p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 0x7fffffff;
  p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  p->major = 9;
  p->multiProcessorCount = settings().multiprocessors;
  p->maxThreadsPerMultiProcessor = 2048;
  p->l2CacheSize = 50 << 20;
  p->pciBusID = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device))
    return error;
  switch (attribute) {
  case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
  case cudaDevAttrWarpSize: *value = p.warpSize; break;
  case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
  case cudaDevAttrMaxThreadsPerMultiProcessor: *value = p.maxThreadsPerMultiProcessor; break;
  case cudaDevAttrL2CacheSize: *value = p.l2CacheSize; break;
  case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
  case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
  default: return remember(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  *least = 0;
  *greatest = -5;
  return remember(ready());
}

cudaError_t cudaDeviceReset() {
  sticky = last = cudaSuccess;
  failure.clear();
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = settings().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaPeekAtLastError() { return sticky ? sticky : last; }
cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last = cudaSuccess;
  return error;
}

#define EMULATION_ERRORS(X)                                                                                                            \
  X(cudaSuccess, "no error")                                                                                                           \
  X(cudaErrorInvalidValue, "invalid argument")                                                                                         \
  X(cudaErrorMemoryAllocation, "out of memory")                                                                                        \
  X(cudaErrorInitializationError, "initialization error")                                                                              \
  X(cudaErrorInvalidConfiguration, "invalid configuration argument")                                                                   \
  X(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")                                                              \
  X(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version")                                       \
  X(cudaErrorNoDevice, "no CUDA-capable device is detected")                                                                           \
  X(cudaErrorInvalidDevice, "invalid device ordinal")                                                                                  \
  X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                                                         \
  X(cudaErrorNotReady, "device not ready")                                                                                             \
  X(cudaErrorIllegalAddress, "an illegal memory access was encountered")                                                               \
  X(cudaErrorHostMemoryAlreadyRegistered, "part or all of the requested memory range is already mapped")                               \
  X(cudaErrorHostMemoryNotRegistered, "pointer does not correspond to a registered memory region")                                     \
  X(cudaErrorLaunchFailure, "unspecified launch failure")                                                                              \
  X(cudaErrorNotSupported, "operation not supported")                                                                                  \
  X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")                                             \
  X(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture")                                      \
  X(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate capture sequences")                                    \
  X(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began")                                           \
  X(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work")                                                              \
  X(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream")                                        \
  X(cudaErrorStreamCaptureImplicit, "operation would make the legacy stream depend on a capturing blocking stream")                    \
  X(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream")                                 \
  X(cudaErrorGraphExecUpdateFailure, "the graph update was not performed because it included changes which violated constraints "      \
                                     "specific to instantiated graph update")                                                          \
  X(cudaErrorUnknown, "unknown error")

const char *cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define X(name, text)                                                                                                                  \
  case name: return #name;
    EMULATION_ERRORS(X)
#undef X
  }
  return "unrecognized error code";
}
const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define X(name, text)                                                                                                                  \
  case name: return text;
    EMULATION_ERRORS(X)
#undef X
  }
  return "unrecognized error code";
}

// The functions of the CUDA runtime under the names that NVIDIA's headers give them, for files that are compiled against those. The
// emulation's own are functions of C++. What cudnn-frontend names and never calls here fails.
#include <cuda_runtime_api.h>

#define FORWARD(name, parameters, ...)                                                                                                 \
  extern "C" cudaError_t c_##name parameters asm(#name);                                                                               \
  extern "C" cudaError_t c_##name parameters { return name(__VA_ARGS__); }

FORWARD(cudaEventCreate, (cudaEvent_t * event), event)
FORWARD(cudaEventCreateWithFlags, (cudaEvent_t * event, unsigned flags), event, flags)
FORWARD(cudaEventDestroy, (cudaEvent_t event), event)
FORWARD(cudaEventRecord, (cudaEvent_t event, cudaStream_t stream), event, stream)
FORWARD(cudaEventSynchronize, (cudaEvent_t event), event)
FORWARD(cudaEventElapsedTime, (float *milliseconds, cudaEvent_t begin, cudaEvent_t end), milliseconds, begin, end)
FORWARD(cudaEventQuery, (cudaEvent_t event), event)
FORWARD(cudaStreamCreateWithFlags, (cudaStream_t * stream, unsigned flags), stream, flags)
FORWARD(cudaStreamDestroy, (cudaStream_t stream), stream)
FORWARD(cudaStreamQuery, (cudaStream_t stream), stream)
FORWARD(cudaStreamWaitEvent, (cudaStream_t stream, cudaEvent_t event, unsigned flags), stream, event, flags)
FORWARD(cudaDeviceSynchronize, (), )
FORWARD(cudaStreamSynchronize, (cudaStream_t stream), stream)
FORWARD(cudaStreamBeginCapture, (cudaStream_t stream, cudaStreamCaptureMode mode), stream, mode)
FORWARD(cudaStreamEndCapture, (cudaStream_t stream, cudaGraph_t *graph), stream, graph)
FORWARD(cudaGraphInstantiate, (cudaGraphExec_t * exec, cudaGraph_t graph, unsigned long long flags), exec, graph, flags)
FORWARD(cudaGraphLaunch, (cudaGraphExec_t exec, cudaStream_t stream), exec, stream)
FORWARD(cudaGraphDestroy, (cudaGraph_t graph), graph)
FORWARD(cudaGraphExecDestroy, (cudaGraphExec_t exec), exec)
FORWARD(cudaSetDevice, (int device), device)
FORWARD(cudaGetDevice, (int *device), device)
FORWARD(cudaGetLastError, (), )
FORWARD(cudaMemsetAsync, (void *address, int value, std::size_t bytes, cudaStream_t stream), address, value, bytes, stream)
FORWARD(cudaMalloc, (void **address, std::size_t bytes), address, bytes)
FORWARD(cudaFree, (void *address), address)
FORWARD(cudaMallocHost, (void **address, std::size_t bytes), address, bytes)
FORWARD(cudaFreeHost, (void *address), address)
FORWARD(cudaMemcpy, (void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind), to, from, bytes, kind)
FORWARD(cudaMemcpyAsync, (void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream), to, from, bytes, kind, stream)
FORWARD(cudaDeviceGetAttribute, (int *value, cudaDeviceAttr attribute, int device), value, attribute, device)
FORWARD(cudaThreadExchangeStreamCaptureMode, (cudaStreamCaptureMode * mode), mode)

extern "C" const char *c_cudaGetErrorString(cudaError_t error) asm("cudaGetErrorString");
extern "C" const char *c_cudaGetErrorString(cudaError_t error) { return cudaGetErrorString(error); }

#define ABSENT(name)                                                                                                                   \
  extern "C" int absent_##name() asm(#name);                                                                                           \
  extern "C" int absent_##name() { return cudaErrorNotSupported; }

ABSENT(cudaGetDriverEntryPointByVersion)
ABSENT(cudaGraphRetainUserObject)
ABSENT(cudaKernelSetAttributeForDevice)
ABSENT(cudaLaunchKernel)
ABSENT(cudaLibraryGetKernel)
ABSENT(cudaLibraryLoadData)
ABSENT(cudaLibraryUnload)
ABSENT(cudaPointerGetAttributes)
ABSENT(cudaStreamGetCaptureInfo)
ABSENT(cudaUserObjectCreate)
ABSENT(cudaUserObjectRelease)
ABSENT(nvrtcCompileProgram)
ABSENT(nvrtcCreateProgram)
ABSENT(nvrtcDestroyProgram)
ABSENT(nvrtcGetCUBIN)
ABSENT(nvrtcGetCUBINSize)
ABSENT(nvrtcGetProgramLog)
ABSENT(nvrtcGetProgramLogSize)

// Finding the GPU of a rank, streams, the workspace, failures as one line.
#include "cuda/Backend.h"
#include "cuda/Network.h"
#include "math/Workspace.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace dtcrt {

namespace {

/// For messages from where there is no context: one rank computes on one thread.
thread_local const std::vector<const char *> *open_fragments = nullptr;

std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

/// GPUs that this process may use. Error when there is none, with what to do.
int count_devices() {
  int driver = 0, toolkit = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    throw Error("no NVIDIA driver on this machine: this program computes on a GPU (dtc --target=cpu makes one that does not)");
  device::check(cudaRuntimeGetVersion(&toolkit), "tell its version");
  // Within a major version an older driver will do.
  if (driver / 1000 < toolkit / 1000)
    throw Error("the NVIDIA driver knows CUDA " + version(driver) + ", this program was built with CUDA " + version(toolkit) +
                ": install a newer driver, or build the program with an older toolkit");
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0))
    throw Error("no GPU on this machine" +
                std::string(std::getenv("CUDA_VISIBLE_DEVICES") ? " that CUDA_VISIBLE_DEVICES lets it use" : ""));
  device::check(status, "count the GPUs");
  return count;
}

} // namespace

void device::fail(cudaError_t status, const char *what, const std::source_location &where) {
  std::string message = std::string("CUDA could not ") + what + ": " + cudaGetErrorString(status);
  if (open_fragments && !open_fragments->empty())
    message += ", in fragment '" + std::string(open_fragments->back()) + "'";
  const std::string file = where.file_name();
  throw Error(message + " (" + file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line()) + ")");
}

Context::Backend::Backend(int local_rank, int local_ranks) {
  // Messages of a pipeline wait on streams of their own: none may wait behind another in a hardware queue.
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
  const int count = count_devices();
  device = local_rank % count;
  sharers = (local_ranks - device + count - 1) / count;
  device::check(cudaSetDevice(device), "take a GPU");
  device::check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "describe the GPU");
  device::check(cudaStreamCreateWithFlags(&compute, cudaStreamNonBlocking), "make a stream");
  device::check(cudaMalloc(reinterpret_cast<void **>(&bad_operand), sizeof(BadOperand)), "allocate memory");
  device::check(cudaMemset(bad_operand, 0xFF, sizeof(BadOperand)), "clear memory");
  device::check(cudaMalloc(reinterpret_cast<void **>(&arrivals), sizeof *arrivals), "allocate memory");
  device::check(cudaMemset(arrivals, 0, sizeof *arrivals), "clear memory");
  open_fragments = &fragments;
}

Context::Backend::~Backend() {
  open_fragments = nullptr;
  // A failure here has been told, or the process ends anyway.
  static_cast<void>(cudaStreamSynchronize(compute));
  static_cast<void>(cudaFree(workspace_));
  for (void *block : outgrown_)
    static_cast<void>(cudaFree(block));
  static_cast<void>(cudaFree(bad_operand));
  static_cast<void>(cudaFree(arrivals));
  static_cast<void>(cudaStreamDestroy(compute));
}

void *Context::Backend::workspace(std::size_t bytes) {
  if (bytes <= workspace_bytes_)
    return workspace_;
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  device::check(cudaStreamIsCapturing(compute, &capture), "look at a stream");
  if (capture != cudaStreamCaptureStatusNone)
    throw std::logic_error("a call wants a larger workspace than in the first step");
  constexpr std::size_t unit = std::size_t(1) << 20;
  const std::size_t rounded = (std::max(bytes, workspace_bytes_ * 2) + unit - 1) / unit * unit;
  void *larger = nullptr;
  device::check(cudaMalloc(&larger, rounded), "allocate a workspace");
  if (workspace_)
    outgrown_.push_back(workspace_);
  workspace_ = larger;
  workspace_bytes_ = rounded;
  return workspace_;
}

void *workspace(Context &ctx, std::size_t bytes) { return ctx.backend().workspace(bytes); }
void *device::scratch(Context &ctx, std::size_t bytes) { return ctx.backend().workspace(bytes); }

} // namespace dtcrt

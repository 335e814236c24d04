// The GPU as the device: batches travel on a stream of their own while the step before computes, steps are replayed as CUDA graphs,
// results come back one step late.
//
//   host       fill batch 2   start 2 │ fill batch 3        start 3 │ finish 2 …
//   copies                    batch 2 ⇢                     batch 3 ⇢
//   computes   step 1 ─────────────── [batch 2 into place] step 2 ────────── …
#include "comm/Agreement.h"
#include "core/Device.h"
#include "core/Probe.h"
#include "cuda/Backend.h"
#include "cuda/Network.h"
#include "dtcrt/world.h"

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <string>

namespace dtcrt {

namespace {

using device::check;

constexpr std::size_t alignment = 256;
std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

/// A CUDA graph that was captured from a step.
class Graph {
public:
  Graph() = default;
  ~Graph() {
    if (executable_)
      static_cast<void>(cudaGraphExecDestroy(executable_));
  }
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;

  explicit operator bool() const { return executable_ != nullptr; }

  void capture(cudaStream_t stream, const std::function<void()> &work) {
    cudaGraph_t graph = nullptr;
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture a step");
    try {
      work();
    } catch (...) {
      // The capture is of no use; what went wrong is what to tell.
      static_cast<void>(cudaStreamEndCapture(stream, &graph));
      if (graph)
        static_cast<void>(cudaGraphDestroy(graph));
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "capture a step");
    const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check(status, "make a graph of a step");
  }
  void launch(cudaStream_t stream) const { check(cudaGraphLaunch(executable_, stream), "launch the graph of a step"); }

private:
  cudaGraphExec_t executable_ = nullptr;
};

/// A tensor that the host fills: where it lies in the arena, and in the blocks through which its values come.
struct Piece {
  void *tensor;
  std::size_t offset, bytes;
};

/// The tensors of a binding that the host fills before each step, always in this order.
template <class Each> void for_filled(Binding &binding, Each each) {
  const auto visit = [&](auto &tensor) {
    if (tensor)
      each(tensor);
  };
  for (InputBinding &input : binding.inputs)
    std::visit(visit, input.tensor);
  std::visit(visit, binding.label);
  visit(binding.weight);
  visit(binding.loss_weight);
  visit(binding.sample_index);
  visit(binding.step);
  visit(binding.learning_rate);
}

class GpuDevice final : public Device {
public:
  GpuDevice(Context &ctx, const Plan &plan, const DeviceOptions &options)
      : ctx_(ctx), gpu_(ctx.backend()), plan_(plan), options_(options) {
    check(cudaStreamCreateWithFlags(&copies_, cudaStreamNonBlocking), "make a stream");
    check(cudaMallocHost(&results_, sizeof(Result) * slots_.size()), "allocate host memory");
    for (Slot &slot : slots_)
      for (cudaEvent_t *event : {&slot.arrived, &slot.finished})
        check(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "make an event");
  }
  ~GpuDevice() override;

  Arena allocate(std::size_t bytes, std::size_t shared_bytes) override;
  void bind(const Binding &binding) override;
  void write(const Tensor<f32> &tensor, const Access &fill) override;
  void read(const Tensor<f32> &tensor, const Access &use) override;
  const Binding &batch() override;
  void start(Phase phase, const std::function<void()> &work) override;
  Outcome finish() override;
  int depth() const override { return static_cast<int>(slots_.size()); }

private:
  struct Result {
    f32 loss, correct;
    BadOperand bad_operand;
  };
  /// What a step under way holds: its batch on the host and on the device, its results.
  struct Slot {
    std::byte *host = nullptr, *device = nullptr;
    Binding batch;
    cudaEvent_t arrived = nullptr, finished = nullptr;
  };

  void run(Phase phase, const std::function<void()> &work);

  Context &ctx_;
  Context::Backend &gpu_;
  const Plan &plan_;
  DeviceOptions options_;
  cudaStream_t copies_ = nullptr;
  void *arena_ = nullptr;
  Binding binding_;
  std::vector<Piece> pieces_;
  std::size_t batch_bytes_ = 0;
  std::array<Slot, 2> slots_;
  Result *results_ = nullptr;
  std::uint64_t started_ = 0, finished_ = 0;
  int uncaught_ = std::uncaught_exceptions();
  struct Phases {
    bool ran = false; ///< once, so that everything is allocated
    Graph graph;
  };
  std::map<Phase, Phases> phases_;
};

GpuDevice::~GpuDevice() {
  // Failures have been told before. Communication that another rank will never answer must not be waited for.
  if (gpu_.network && std::uncaught_exceptions() > uncaught_)
    gpu_.network->abandon();
  static_cast<void>(cudaDeviceSynchronize());
  for (Slot &slot : slots_) {
    for (cudaEvent_t event : {slot.arrived, slot.finished})
      static_cast<void>(cudaEventDestroy(event));
    static_cast<void>(cudaFreeHost(slot.host));
    static_cast<void>(cudaFree(slot.device));
  }
  static_cast<void>(cudaFreeHost(results_));
  phases_.clear();
  gpu_.network.reset();
  static_cast<void>(cudaFree(arena_));
  static_cast<void>(cudaStreamDestroy(copies_));
}

Arena GpuDevice::allocate(std::size_t bytes, std::size_t shared_bytes) {
  const auto take = [&] {
    const std::size_t rounded = std::max(aligned(bytes), alignment);
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "tell its memory");
    const auto mebibytes = [](std::size_t amount) { return std::to_string(amount >> 20) + " MiB"; };
    if (rounded > free)
      throw Error("the program needs " + mebibytes(rounded) + " of GPU memory, " + mebibytes(free) + " of " + mebibytes(total) +
                  " are free: use a smaller batch, more devices, or --device-memory with --strategy=model");
    check(cudaMalloc(&arena_, rounded), "allocate the arena");
    check(cudaMemset(arena_, 0, rounded), "clear the arena");
  };
  if (ctx_.world())
    together(*ctx_.world(), take);
  else
    take();
  const Arena arena(arena_, bytes);
  if (ctx_.ranks() > 1)
    gpu_.network = make_network(ctx_, plan_, arena, std::min(bytes, shared_bytes));
  return arena;
}

void GpuDevice::bind(const Binding &binding) {
  binding_ = binding;
  for_filled(binding_, [&](const auto &tensor) {
    require(tensor.is_dense(), "bind", "what the host fills is dense");
    pieces_.push_back({tensor.data(), batch_bytes_, tensor.bytes()});
    batch_bytes_ += aligned(tensor.bytes());
  });
  for (Slot &slot : slots_) {
    check(cudaMallocHost(reinterpret_cast<void **>(&slot.host), std::max(batch_bytes_, alignment)), "allocate host memory");
    check(cudaMalloc(reinterpret_cast<void **>(&slot.device), std::max(batch_bytes_, alignment)), "allocate memory for batches");
    slot.batch = binding;
    auto piece = pieces_.begin();
    for_filled(slot.batch, [&]<class T>(Tensor<T> &tensor) { tensor = tensor.at(reinterpret_cast<T *>(slot.host + (piece++)->offset)); });
  }
}

void GpuDevice::write(const Tensor<f32> &tensor, const Access &fill) {
  require(tensor.is_dense(), "write", "what the host writes is dense");
  std::vector<f32> values(static_cast<std::size_t>(tensor.size()));
  fill(tensor.at(values.data()));
  check(cudaMemcpy(tensor.data(), values.data(), tensor.bytes(), cudaMemcpyHostToDevice), "copy to the GPU");
}

void GpuDevice::read(const Tensor<f32> &tensor, const Access &use) {
  require(tensor.is_dense(), "read", "what the host reads is dense");
  std::vector<f32> values(static_cast<std::size_t>(tensor.size()));
  check(cudaStreamSynchronize(gpu_.compute), "compute a step");
  check(cudaMemcpy(values.data(), tensor.data(), tensor.bytes(), cudaMemcpyDeviceToHost), "copy from the GPU");
  use(tensor.at(values.data()));
}

const Binding &GpuDevice::batch() {
  // The step that had this slot is finished: nothing reads its blocks any more.
  require(started_ - finished_ < slots_.size(), "batch", "no more steps than slots are under way");
  return slots_[started_ % slots_.size()].batch;
}

void GpuDevice::start(Phase phase, const std::function<void()> &work) {
  require(started_ - finished_ < slots_.size(), "start", "no more steps than slots are under way");
  const std::size_t number = started_++ % slots_.size();
  Slot &slot = slots_[number];
  check(cudaMemcpyAsync(slot.device, slot.host, batch_bytes_, cudaMemcpyHostToDevice, copies_), "copy a batch to the GPU");
  check(cudaEventRecord(slot.arrived, copies_), "record an event");
  check(cudaStreamWaitEvent(gpu_.compute, slot.arrived, 0), "order its streams");
  for (const Piece &piece : pieces_)
    check(cudaMemcpyAsync(piece.tensor, slot.device + piece.offset, piece.bytes, cudaMemcpyDeviceToDevice, gpu_.compute),
          "put a batch into place");
  run(phase, work);
  Result &result = results_[number];
  result = {};
  const auto fetch = [&](void *to, const void *from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, gpu_.compute), "fetch the results of a step");
  };
  if (binding_.loss)
    fetch(&result.loss, binding_.loss.data(), sizeof(f32));
  if (binding_.correct)
    fetch(&result.correct, binding_.correct.data(), sizeof(f32));
  fetch(&result.bad_operand, gpu_.bad_operand, sizeof(BadOperand));
  check(cudaEventRecord(slot.finished, gpu_.compute), "record an event");
}

void GpuDevice::run(Phase phase, const std::function<void()> &work) {
  // A trace watches every fragment by itself, and what waits on the host cannot be captured.
  const bool captures = options_.graph && !ctx_.probe() && (!gpu_.network || gpu_.network->can_be_captured());
  Phases &state = phases_[phase];
  // What is replayed tells nobody that it changes parameters: every phase converts for itself what it needs converted.
  if (!state.graph)
    ctx_.parameter_changed(nullptr);
  if (gpu_.network)
    gpu_.network->begin_step(static_cast<int>(phase));
  if (!captures || !state.ran) {
    work();
    state.ran = true;
    return;
  }
  if (!state.graph)
    state.graph.capture(gpu_.compute, work);
  state.graph.launch(gpu_.compute);
}

Outcome GpuDevice::finish() {
  require(finished_ < started_, "finish", "a step is under way");
  const std::size_t number = finished_++ % slots_.size();
  if (gpu_.network)
    gpu_.network->wait_for(slots_[number].finished);
  else
    check(cudaEventSynchronize(slots_[number].finished), "compute a step");
  const Result &result = results_[number];
  if (result.bad_operand.sample >= 0)
    throw Error(describe(result.bad_operand, ctx_.rank()));
  return {result.loss, result.correct};
}

} // namespace

bool take_device_option(std::string_view argument, DeviceOptions &options) {
  if (argument == "--no-graph")
    options.graph = false;
  else if (argument == "--autotune")
    options.autotune = true;
  else if (argument == "--share-gpu")
    options.share = true;
  else
    return false;
  return true;
}

const char *device_help() {
  return R"(
GPU
  --no-graph              make the calls of every step one by one instead of replaying a CUDA graph
  --autotune              time the libraries' implementations of each call in the first step, and take the fastest;
                          kept in $XDG_CACHE_HOME/dtc or ~/.cache/dtc
  --share-gpu             several ranks may compute on one GPU; they then communicate through the host's memory
)";
}

std::unique_ptr<Device> make_device(Context &ctx, const Plan &plan, const DeviceOptions &options) {
  Context::Backend &gpu = ctx.backend();
  if (gpu.sharers > 1 && !options.share)
    throw Error(std::to_string(ctx.world()->local_ranks()) + " ranks on this host, and fewer GPUs: start one rank a GPU, or let ranks "
                "share one with --share-gpu");
  gpu.autotune = options.autotune;
  gpu.tf32 = plan.precision == Precision::tf32;
  return std::make_unique<GpuDevice>(ctx, plan, options);
}

} // namespace dtcrt

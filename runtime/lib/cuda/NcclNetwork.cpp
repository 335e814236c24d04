// Communication by NCCL, ordered against the step by events:
//
//   compute stream   ... gradient ─event─┐                          ┌─ wait(): update ...
//   a line's stream                      └ all-reduce ─ progress ─event
#ifdef DTCRT_NCCL

#include "comm/Clock.h"
#include "comm/Operation.h"
#include "comm/WorldImpl.h"
#include "core/Require.h"
#include "cuda/Backend.h"
#include "cuda/NcclLines.h"
#include "cuda/Network.h"

#include <sched.h>

#include <deque>

namespace dtcrt {

namespace {

using device::check;

constexpr i64 patience = 2'000'000;         ///< nanoseconds for which a wait looks without leaving its core
constexpr i64 between_checks = 5'000'000;   ///< nanoseconds between two looks at what may have gone wrong

std::string line_of(const Group &group) {
  return "axis " + group.axis + " " + std::to_string(group.first) + " " + std::to_string(group.stride) + " " + std::to_string(group.size);
}
std::string line_of(const std::string &axis, int from_rank, int to_rank) {
  return "message " + axis + " " + std::to_string(from_rank) + " " + std::to_string(to_rank);
}

class NcclNetwork final : public Network {
public:
  NcclNetwork(Context &ctx, const Plan &plan);
  ~NcclNetwork() override {
    for (cudaEvent_t event : events_)
      static_cast<void>(cudaEventDestroy(event));
  }

  Pending all_reduce_start(const Tensor<f32> &tensor, const AllReduceOptions &options) override;
  Pending send_start(const void *data, std::size_t bytes, const MessageOptions &options) override;
  Pending recv_start(void *data, std::size_t bytes, const MessageOptions &options) override;
  bool can_be_captured() const override { return true; }
  void begin_step(int phase, bool replays) override {
    next_event_ = 0;
    for (auto &[key, line] : lines_)
      line->begin_step(phase, replays);
  }
  void wait_for(cudaEvent_t event) override;
  void abandon() override {
    for (auto &[key, line] : lines_)
      line->abort();
  }

private:
  class Operation;

  NcclLine &line(const std::string &key, const char *name) {
    const auto found = lines_.find(key);
    if (found == lines_.end())
      throw std::logic_error("'" + std::string(name) + "' goes along the line '" + key + "', which the plan does not name");
    return *found->second;
  }
  NcclLine &message_line(const MessageOptions &options, bool sends);
  /// Lets the line wait for the step, runs `operation` on it, and gives the event at its end.
  template <class Run> cudaEvent_t put(NcclLine &line, const std::string &name, Run run);
  /// An event of this step: none is used twice in one, so that a graph's edges are those of its own operations.
  cudaEvent_t event();
  Pending watched(cudaEvent_t end, TraceEvent event);
  void look_for_faults();

  Context &ctx_;
  World::Impl &world_;
  std::map<std::string, std::unique_ptr<NcclLine>> lines_;
  std::deque<cudaEvent_t> events_;
  std::size_t next_event_ = 0;
};

class NcclNetwork::Operation final : public Pending::Operation {
public:
  Operation(NcclNetwork &network, cudaEvent_t end) : Pending::Operation(network.world_.progress), network_(network), end_(end) {}
  void finish() override {
    check(cudaStreamWaitEvent(device::stream(network_.ctx_), end_, 0), "order its streams");
    // A trace shows when it really ended.
    if (Probe *probe = network_.ctx_.probe(); probe && probe->records())
      network_.wait_for(end_);
  }

private:
  NcclNetwork &network_;
  cudaEvent_t end_;
};

NcclNetwork::NcclNetwork(Context &ctx, const Plan &plan) : ctx_(ctx), world_(ctx.world()->impl()) {
  std::map<std::string, LineKey> keys;
  for (const Group &group : world_.groups)
    if (group.size > 1)
      keys.emplace(line_of(group), LineKey{line_of(group), NcclLine::Use::collectives, group.size, group.coordinate});
  for (const MessageChannel &channel : plan.channels) {
    const Group &group = world_.group(channel.axis.c_str());
    if (group.coordinate != channel.from && group.coordinate != channel.to)
      continue;
    const std::string key = line_of(channel.axis, group.first + channel.from * group.stride, group.first + channel.to * group.stride);
    keys.emplace(key, LineKey{key, NcclLine::Use::messages, 2, group.coordinate == channel.from ? 0 : 1});
  }
  std::vector<LineKey> all;
  for (const auto &[key, line] : keys)
    all.push_back(line);
  lines_ = make_lines(*ctx.world(), all);
}

cudaEvent_t NcclNetwork::event() {
  if (next_event_ == events_.size()) {
    cudaEvent_t made = nullptr;
    check(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), "make an event");
    events_.push_back(made);
  }
  return events_[next_event_++];
}

template <class Run> cudaEvent_t NcclNetwork::put(NcclLine &line, const std::string &name, Run run) {
  const cudaEvent_t ready = event(), end = event();
  check(cudaEventRecord(ready, device::stream(ctx_)), "record an event");
  check(cudaStreamWaitEvent(line.stream(), ready, 0), "order its streams");
  check_nccl(run(), ("start " + name).c_str());
  line.mark(name);
  check(cudaEventRecord(end, line.stream()), "record an event");
  return end;
}

Pending NcclNetwork::watched(cudaEvent_t end, TraceEvent event) {
  auto operation = std::make_unique<Operation>(*this, end);
  operation->watch(ctx_.probe(), event);
  return Pending(operation.release());
}

Pending NcclNetwork::all_reduce_start(const Tensor<f32> &tensor, const AllReduceOptions &options) {
  const Group &group = world_.group(options.axis);
  if (group.size == 1)
    return Pending();
  const ncclRedOp_t reduction = options.reduction == Reduction::sum ? ncclSum : options.reduction == Reduction::mean ? ncclAvg : ncclMax;
  NcclLine &line = this->line(line_of(group), options.name);
  const cudaEvent_t end = put(line, "all-reduce of '" + std::string(options.name) + "'", [&] {
    return ncclAllReduce(tensor.data(), tensor.data(), static_cast<std::size_t>(tensor.size()), ncclFloat, reduction, line.comm(), line.stream());
  });
  return watched(end, {.kind = TraceEvent::Kind::all_reduce, .name = options.name, .axis = options.axis, .bytes = tensor.bytes()});
}

NcclLine &NcclNetwork::message_line(const MessageOptions &options, bool sends) {
  const Group &group = world_.group(options.axis);
  const int own = world_.rank, peer = group.first + options.peer * group.stride;
  return line(sends ? line_of(options.axis, own, peer) : line_of(options.axis, peer, own), options.name);
}

namespace {
std::string described(const char *verb, const MessageOptions &options) {
  return std::string(verb) + " '" + options.name + "'" +
         (options.microbatch >= 0 ? " of microbatch " + std::to_string(options.microbatch) : "");
}
} // namespace

Pending NcclNetwork::send_start(const void *data, std::size_t bytes, const MessageOptions &options) {
  NcclLine &line = message_line(options, true);
  const cudaEvent_t end = put(line, described("the sending of", options),
                              [&] { return ncclSend(data, bytes, ncclUint8, 1, line.comm(), line.stream()); });
  return watched(end, {.kind = TraceEvent::Kind::send, .peer = options.peer, .name = options.name, .axis = options.axis,
                       .microbatch = options.microbatch, .bytes = bytes});
}

Pending NcclNetwork::recv_start(void *data, std::size_t bytes, const MessageOptions &options) {
  NcclLine &line = message_line(options, false);
  const cudaEvent_t end = put(line, described("the receiving of", options),
                              [&] { return ncclRecv(data, bytes, ncclUint8, 0, line.comm(), line.stream()); });
  return watched(end, {.kind = TraceEvent::Kind::receive, .peer = options.peer, .name = options.name, .axis = options.axis,
                       .microbatch = options.microbatch, .bytes = bytes});
}

void NcclNetwork::look_for_faults() {
  for (auto &[key, line] : lines_)
    if (const std::string fault = line->fault(); !fault.empty()) {
      const std::string operation = line->under_way();
      throw Error("NCCL: " + fault + (operation.empty() ? "" : ", in " + operation) + " (" + key + ")");
    }
  if (world_.control->failed.load())
    throw PeerFailure();
}

void NcclNetwork::wait_for(cudaEvent_t event) {
  const i64 start = steady_nanoseconds();
  i64 checked = start;
  for (;;) {
    const cudaError_t status = cudaEventQuery(event);
    if (status == cudaSuccess)
      break;
    if (status != cudaErrorNotReady)
      check(status, "compute a step");
    const i64 now = steady_nanoseconds();
    if (now - checked > between_checks) {
      checked = now;
      look_for_faults();
    }
    if (now - start > patience)
      sched_yield();
  }
  if (world_.measures_waits)
    world_.blocked_nanoseconds += steady_nanoseconds() - start;
}

} // namespace

std::unique_ptr<Network> make_nccl_network(Context &ctx, const Plan &plan) { return std::make_unique<NcclNetwork>(ctx, plan); }

} // namespace dtcrt

#endif

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
#include "cuda/NcclCalls.h"
#include "cuda/Network.h"

#include <deque>

namespace dtcrt {

namespace {

using device::check;

// The lines' keys, which also say to a user what they join.
std::string line_of(const Group &group) {
  std::string text = "among ranks ";
  for (int member = 0; member < group.size; ++member)
    text += (member > 0 ? ", " : "") + std::to_string(group.first + member * group.stride);
  return text + (group.axis.empty() ? "" : " along '" + group.axis + "'");
}
std::string line_of(std::string_view axis, int from_rank, int to_rank) {
  return "from rank " + std::to_string(from_rank) + " to rank " + std::to_string(to_rank) + " along '" + std::string(axis) + "'";
}

class NcclNetwork final : public Network {
public:
  NcclNetwork(Context &ctx, const Plan &plan);
  ~NcclNetwork() override {
    for (cudaEvent_t event : events_)
      static_cast<void>(cudaEventDestroy(event));
  }

  Pending collective_start(const CollectiveCall &call) override;
  Pending send_start(const void *data, std::size_t bytes, const MessageOptions &options) override;
  Pending recv_start(void *data, std::size_t bytes, const MessageOptions &options) override;
  bool can_be_captured() const override { return true; }
  void begin_step(int phase) override {
    next_event_ = 0;
    for (auto &[key, line] : lines_)
      line->begin_step(phase);
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
  Pending message(TraceEvent::Kind kind, void *data, std::size_t bytes, const MessageOptions &options);
  /// Lets the line wait for the step, runs `operation` on it, and gives the event at its end.
  template <class Run> cudaEvent_t put(NcclLine &line, const std::string &name, Run run);
  /// An event of this step: none is used twice in one, so that a graph's edges are those of its own operations.
  cudaEvent_t event();
  Pending watched(cudaEvent_t end, std::string name, TraceEvent event);
  /// Throws when NCCL has found a fault, or another rank has failed or died.
  void look_for_faults();

  Context &ctx_;
  World::Impl &world_;
  std::map<std::string, std::unique_ptr<NcclLine>> lines_;
  std::deque<cudaEvent_t> events_;
  std::size_t next_event_ = 0;
  static constexpr int most_silent_looks = 100; ///< half a second
  int silent_looks_ = 0;                        ///< since a rank died that nothing here waits for
};

class NcclNetwork::Operation final : public Pending::Operation {
public:
  Operation(NcclNetwork &network, cudaEvent_t end, std::string name)
      : Pending::Operation(network.world_.progress), network_(network), end_(end), name_(std::move(name)) {}
  std::string describe() const override { return name_; }
  void finish() override {
    check(cudaStreamWaitEvent(device::stream(network_.ctx_), end_, 0), "order its streams");
    // A trace shows when it really ended.
    if (Probe *probe = network_.ctx_.probe(); probe && probe->records())
      network_.wait_for(end_);
  }

private:
  NcclNetwork &network_;
  cudaEvent_t end_;
  std::string name_;
};

NcclNetwork::NcclNetwork(Context &ctx, const Plan &plan) : ctx_(ctx), world_(ctx.world()->impl()) {
  std::map<std::string, LineKey> keys;
  const auto add = [&](LineKey key) { keys.emplace(key.key, key); };
  for (const Group &group : world_.groups)
    if (group.size > 1) {
      std::vector<int> members;
      for (int member = 0; member < group.size; ++member)
        members.push_back(group.first + member * group.stride);
      add({line_of(group), LineKey::Use::collectives, members, group.coordinate});
    }
  for (const MessageChannel &channel : plan.channels) {
    const Group &group = world_.group(channel.axis);
    if (group.coordinate != channel.from && group.coordinate != channel.to)
      continue;
    const int from = group.first + channel.from * group.stride, to = group.first + channel.to * group.stride;
    add({line_of(channel.axis, from, to), LineKey::Use::messages, {from, to}, group.coordinate == channel.from ? 0 : 1});
  }
  std::vector<LineKey> all;
  for (const auto &[key, line] : keys)
    all.push_back(line);
  lines_ = make_lines(*ctx.world(), all, [this] { world_.check_peers(); });
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
  line.run(name, run, [this] { look_for_faults(); });
  check(cudaEventRecord(end, line.stream()), "record an event");
  return end;
}

Pending NcclNetwork::watched(cudaEvent_t end, std::string name, TraceEvent event) {
  auto operation = std::make_unique<Operation>(*this, end, std::move(name));
  operation->watch(ctx_.probe(), event);
  return Pending(operation.release());
}

Pending NcclNetwork::collective_start(const CollectiveCall &call) {
  const Group &group = world_.group(call.axis);
  NcclLine &line = this->line(line_of(group), call.name);
  const cudaEvent_t end = put(line, call.describe(), [&] { return call_nccl(call, group, line.comm(), line.stream()); });
  for (const Transfer &tensor : call.tensors) {
    // What a part has behind the whole's end.
    if (const std::size_t bytes = tensor.part_bytes(group.coordinate);
        call.kind == TraceEvent::Kind::reduce_scatter && bytes < tensor.part_bytes())
      check(cudaMemsetAsync(tensor.to + bytes, 0, tensor.part_bytes() - bytes, device::stream(ctx_)), "clear on the GPU");
    if (call.kind != TraceEvent::Kind::all_reduce && call.kind != TraceEvent::Kind::reduce_scatter)
      ctx_.parameter_changed(tensor.to);
  }
  return watched(end, call.describe(), {.kind = call.kind, .name = call.name, .axis = call.axis, .bytes = call.bytes()});
}

Pending NcclNetwork::message(TraceEvent::Kind kind, void *data, std::size_t bytes, const MessageOptions &options) {
  const Group &group = world_.group(options.axis);
  const bool sends = kind == TraceEvent::Kind::send;
  const int own = world_.rank, peer = group.first + options.peer * group.stride;
  NcclLine &line = this->line(sends ? line_of(options.axis, own, peer) : line_of(options.axis, peer, own), options.name);
  const std::string name = std::string(sends ? "sending '" : "receiving '") + options.name + "'" +
                           (options.microbatch >= 0 ? " (microbatch " + std::to_string(options.microbatch) + ")" : "");
  const cudaEvent_t end = put(line, name, [&] {
    return sends ? ncclSend(data, bytes, ncclUint8, 1, line.comm(), line.stream()) : ncclRecv(data, bytes, ncclUint8, 0, line.comm(), line.stream());
  });
  return watched(end, name, {.kind = kind, .peer = options.peer, .peer_rank = peer, .name = options.name, .axis = options.axis,
                             .microbatch = options.microbatch, .bytes = bytes});
}

Pending NcclNetwork::send_start(const void *data, std::size_t bytes, const MessageOptions &options) {
  return message(TraceEvent::Kind::send, const_cast<void *>(data), bytes, options);
}

Pending NcclNetwork::recv_start(void *data, std::size_t bytes, const MessageOptions &options) {
  return message(TraceEvent::Kind::receive, data, bytes, options);
}

void NcclNetwork::look_for_faults() {
  for (auto &[key, line] : lines_)
    line->check_fault();
  try {
    world_.check_peers();
  } catch (const RankDied &death) {
    std::string other;
    for (auto &[key, line] : lines_) {
      const std::string operation = line->under_way();
      if (!operation.empty() && line->has_member(death.rank))
        throw death.during(operation);
      if (!operation.empty())
        other = operation;
    }
    // A rank that waits for the dead one itself has more to tell.
    if (++silent_looks_ < most_silent_looks)
      return;
    if (!other.empty())
      throw death.during(other);
    throw;
  }
}

void NcclNetwork::wait_for(cudaEvent_t event) {
  const i64 start = steady_nanoseconds();
  const auto is_over = [&] {
    const cudaError_t status = cudaEventQuery(event);
    if (status != cudaErrorNotReady)
      check(status, "compute a step");
    return status == cudaSuccess;
  };
  wait_watchfully(is_over, [this] { look_for_faults(); });
  if (world_.measures_waits)
    world_.blocked_nanoseconds += steady_nanoseconds() - start;
}

} // namespace

std::unique_ptr<Network> make_nccl_network(Context &ctx, const Plan &plan) { return std::make_unique<NcclNetwork>(ctx, plan); }

} // namespace dtcrt

#endif

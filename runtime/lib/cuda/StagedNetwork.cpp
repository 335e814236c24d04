// Communication through the host's memory: what the arena holds for it lies there in the same layout, where the ranks of a host share it.
//
//   start   the GPU's values are copied to their place in the host's arena, and the host's communication starts
//   wait    it ends; the result is copied back to the GPU
#include "comm/HostComm.h"
#include "comm/Operation.h"
#include "comm/WorldImpl.h"
#include "cuda/Backend.h"
#include "cuda/Network.h"

#include <memory>
#include <utility>
#include <vector>

namespace dtcrt {

namespace {

using device::check;

class StagedNetwork;

/// A part of the result: where it goes, and where the host has it.
struct Arrived {
  void *device;
  const void *staged;
  std::size_t bytes;
};

/// What the host communicates, and where its result goes.
class Staged final : public Pending::Operation {
public:
  Staged(Context &ctx, Pending host, std::vector<Arrived> results)
      : Operation(ctx.world()->impl().progress), ctx_(ctx), host_(std::make_unique<Pending>(std::move(host))), results_(std::move(results)) {}

  void finish() override {
    host_->wait();
    // The host's copy is free for the next step when this one is over: the loop waits for its end.
    for (const Arrived &result : results_) {
      check(cudaMemcpyAsync(result.device, result.staged, result.bytes, cudaMemcpyHostToDevice, device::stream(ctx_)),
            "copy what was received to the GPU");
      ctx_.parameter_changed(result.device);
    }
  }

  std::string describe() const override { return "communication through the host"; } // what it waits for tells more

private:
  Context &ctx_;
  std::unique_ptr<Pending> host_;
  std::vector<Arrived> results_;
};

class StagedNetwork final : public Network {
public:
  StagedNetwork(Context &ctx, const Arena &arena, std::size_t shared_bytes)
      : ctx_(ctx), device_(arena.base(), shared_bytes), host_(ctx.world()->allocate(shared_bytes)) {}

  Pending collective_start(const CollectiveCall &call) override {
    CollectiveCall staged = call;
    std::vector<Arrived> results;
    for (Transfer &tensor : staged.tensors) {
      results.push_back({tensor.to, place_of(tensor.to, tensor.to_bytes), tensor.to_bytes});
      tensor.from = static_cast<std::byte *>(stage(tensor.from, tensor.from_bytes));
      tensor.to = static_cast<std::byte *>(place_of(tensor.to, tensor.to_bytes));
    }
    settle();
    return Pending(new Staged(ctx_, host::collective_start(ctx_, staged), std::move(results)));
  }
  Pending send_start(const void *data, std::size_t bytes, const MessageOptions &options) override {
    const void *staged = stage(data, bytes);
    settle();
    return Pending(new Staged(ctx_, host::send_start(ctx_, staged, bytes, options), {}));
  }
  Pending recv_start(void *data, std::size_t bytes, const MessageOptions &options) override {
    void *staged = place_of(data, bytes);
    return Pending(new Staged(ctx_, host::recv_start(ctx_, staged, bytes, options), {{data, staged, bytes}}));
  }
  bool can_be_captured() const override { return false; }
  void wait_for(cudaEvent_t event) override { check(cudaEventSynchronize(event), "compute a step"); }

private:
  /// Where the host's arena holds a tensor.
  void *place_of(const void *data, std::size_t bytes) const {
    const auto *begin = static_cast<const std::byte *>(data);
    if (begin < device_.base() || begin + bytes > device_.base() + device_.bytes())
      throw std::logic_error("what is communicated lies in the shared part of the arena");
    return host_.base() + (begin - device_.base());
  }
  /// The host's copy of a tensor, as it is when the calls before are done; there when it settles. A copy to the host that is under way from an earlier
  /// message of the same place is over: the stream keeps its order.
  void *stage(const void *data, std::size_t bytes) const {
    void *staged = place_of(data, bytes);
    check(cudaMemcpyAsync(staged, data, bytes, cudaMemcpyDeviceToHost, device::stream(ctx_)), "copy to the host");
    return staged;
  }
  /// What is staged is there.
  void settle() const { check(cudaStreamSynchronize(device::stream(ctx_)), "copy to the host"); }

  Context &ctx_;
  Arena device_, host_;
};

} // namespace

std::unique_ptr<Network> make_staged_network(Context &ctx, const Arena &arena, std::size_t shared_bytes) {
  return std::make_unique<StagedNetwork>(ctx, arena, shared_bytes);
}

} // namespace dtcrt

// How the tensors of GPUs reach those of other ranks: by NCCL where every rank has a GPU of its own, else through the host's memory.
#pragma once

#include "comm/Collective.h"
#include "dtcrt/device.h"
#include "dtcrt/plan.h"

#include <memory>

namespace dtcrt {

class Network {
public:
  virtual ~Network() = default;
  virtual Pending collective_start(const CollectiveCall &call) = 0;
  virtual Pending send_start(const void *data, std::size_t bytes, const MessageOptions &options) = 0;
  virtual Pending recv_start(void *data, std::size_t bytes, const MessageOptions &options) = 0;
  /// Whether a step that communicates can be a CUDA graph.
  virtual bool can_be_captured() const = 0;
  /// A step of this phase begins, call by call or as the graph that was captured before.
  virtual void begin_step(int /*phase*/) {}
  /// The host waits for `event`. Error, instead of a hang, when another rank has failed meanwhile.
  virtual void wait_for(cudaEvent_t event) = 0;
  /// Gives up what is under way: nobody waits for it any more.
  virtual void abandon() {}
};

/// Collective. `arena` lies on the GPU; what is communicated lies in its first `shared_bytes`.
std::unique_ptr<Network> make_network(Context &ctx, const Plan &plan, const Arena &arena, std::size_t shared_bytes);

/// By NCCL: each rank has a GPU of its own.
std::unique_ptr<Network> make_nccl_network(Context &ctx, const Plan &plan);

/// Through the host's memory: copied to a block there that the host's communication works on, and back.
std::unique_ptr<Network> make_staged_network(Context &ctx, const Arena &arena, std::size_t shared_bytes);

} // namespace dtcrt

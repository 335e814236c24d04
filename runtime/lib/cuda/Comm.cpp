// Communication of a program whose tensors lie on a GPU.
#include "comm/WorldImpl.h"
#include "cuda/Backend.h"
#include "cuda/Network.h"
#include "dtcrt/world.h"

namespace dtcrt {

namespace {
Network &network(Context &ctx, const char *name) {
  if (!ctx.backend().network)
    throw std::logic_error("message '" + std::string(name) + "': the rank is alone");
  return *ctx.backend().network;
}
} // namespace

Pending start_collective(Context &ctx, const CollectiveCall &call) {
  if (ctx.world() && ctx.world()->impl().group(call.axis).size > 1)
    return network(ctx, call.name).collective_start(call);
  // Of one rank: its part is the whole.
  for (const Transfer &tensor : call.tensors)
    if (tensor.from != tensor.to) {
      device::check(cudaMemcpyAsync(tensor.to, tensor.from, tensor.bytes(), cudaMemcpyDeviceToDevice, device::stream(ctx)), "copy on the GPU");
      ctx.parameter_changed(tensor.to);
    }
  return Pending();
}

Pending detail::send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options) {
  return network(ctx, options.name).send_start(data, bytes, options);
}

Pending detail::recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  return network(ctx, options.name).recv_start(data, bytes, options);
}

} // namespace dtcrt

// Communication of a program whose tensors lie on a GPU.
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

Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  if (!tensor.is_dense())
    throw std::logic_error("all_reduce: the tensor is dense");
  if (!ctx.world() || ctx.ranks() == 1 || tensor.size() == 0)
    return Pending();
  return network(ctx, options.name).all_reduce_start(tensor, options);
}

Pending detail::send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options) {
  return network(ctx, options.name).send_start(data, bytes, options);
}

Pending detail::recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  return network(ctx, options.name).recv_start(data, bytes, options);
}

} // namespace dtcrt

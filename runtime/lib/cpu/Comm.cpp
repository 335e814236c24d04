// Communication of a program whose tensors lie in the host's memory.
#include "comm/HostComm.h"

namespace dtcrt {

Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  return host::all_reduce_start(ctx, tensor, options);
}

Pending detail::send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options) {
  return host::send_start(ctx, data, bytes, options);
}

Pending detail::recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  return host::recv_start(ctx, data, bytes, options);
}

} // namespace dtcrt

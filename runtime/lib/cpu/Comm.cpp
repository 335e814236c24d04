// Communication of a program whose tensors lie in the host's memory.
#include "comm/HostComm.h"

namespace dtcrt {

Pending start_collective(Context &ctx, const CollectiveCall &call) { return host::collective_start(ctx, call); }

Pending detail::send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options) {
  return host::send_start(ctx, data, bytes, options);
}

Pending detail::recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options) {
  return host::recv_start(ctx, data, bytes, options);
}

} // namespace dtcrt

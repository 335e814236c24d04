// Communication between tensors in the host's memory: all there is on the CPU, and what the tensors of devices are staged through
// where those have no network of their own. Meanings as in dtcrt/comm.h.
#pragma once

#include "comm/Collective.h"

namespace dtcrt::host {

[[nodiscard]] Pending collective_start(Context &ctx, const CollectiveCall &call);
[[nodiscard]] Pending send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options);
[[nodiscard]] Pending recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options);

} // namespace dtcrt::host

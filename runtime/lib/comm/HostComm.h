// Communication between tensors in the host's memory: all there is on the CPU, and what the tensors of devices are staged through
// where those have no network of their own. Meanings as in dtcrt/comm.h.
#pragma once

#include "dtcrt/comm.h"

namespace dtcrt::host {

[[nodiscard]] Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options);
[[nodiscard]] Pending send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options);
[[nodiscard]] Pending recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options);

} // namespace dtcrt::host

// Which network a program takes: the same on all ranks.
#include "cuda/Network.h"
#include "comm/Gather.h"
#include "cuda/Backend.h"

#include <algorithm>

namespace dtcrt {

std::unique_ptr<Network> make_network(Context &ctx, const Plan &plan, const Arena &arena, std::size_t shared_bytes) {
#ifdef DTCRT_NCCL
  // NCCL refuses two ranks on one GPU.
  const auto shared = all_gather(*ctx.world(), ctx.backend().sharers > 1 ? "shared" : "own");
  if (std::count(shared.begin(), shared.end(), "own") == static_cast<std::ptrdiff_t>(shared.size()))
    return make_nccl_network(ctx, plan);
#endif
  static_cast<void>(plan);
  return make_staged_network(ctx, arena, shared_bytes);
}

} // namespace dtcrt

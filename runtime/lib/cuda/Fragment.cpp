// The fragment that a rank is in: for messages, for NVIDIA's profilers, and in a trace for its time on the GPU.
#include "core/Probe.h"
#include "cuda/Backend.h"
#include "dtcrt/trace.h"

#include <nvtx3/nvToolsExt.h>

namespace dtcrt {

void detail::enter_fragment(Context &ctx, const char *name) {
  ctx.backend().fragments.push_back(name);
  nvtxRangePushA(name);
}

void detail::leave_fragment(Context &ctx) {
  nvtxRangePop();
  ctx.backend().fragments.pop_back();
  // In a destructor: what the wait finds is found again by the next checked call.
  if (ctx.probe() && ctx.probe()->records())
    static_cast<void>(cudaStreamSynchronize(ctx.backend().compute));
}

} // namespace dtcrt

// Microbatches that are never under way together share a slot.
#include "Lifetimes.h"

#include "dtc/Plan/Passes.h"

namespace dtc {
#define GEN_PASS_DEF_SHARESLOTSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct ShareSlotsPass : dtc::impl::ShareSlotsPassBase<ShareSlotsPass> {
  void runOnOperation() override {
    Lifetimes lifetimes(getOperation());
    for (auto buffer : getOperation().getOps<rt::BufferOp>()) {
      if (!buffer.getSlots())
        continue;
      int64_t needed = lifetimes.slotsOf(buffer, *buffer.getSlots());
      shared += *buffer.getSlots() - needed;
      buffer.setSlots(needed);
    }
  }
};
} // namespace

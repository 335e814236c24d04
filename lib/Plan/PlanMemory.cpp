// Offsets of all buffers in one arena.
#include "Communicated.h"
#include "Lifetimes.h"
#include "Occupancy.h"

#include "dtc/Cost/Quantities.h"
#include "dtc/Plan/Passes.h"

#include "llvm/Support/MathExtras.h"

namespace dtc {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// A cache line, and the widest vector.
static constexpr int64_t alignment = 64;

namespace {
struct PlanMemoryPass : dtc::impl::PlanMemoryPassBase<PlanMemoryPass> {
  using PlanMemoryPassBase::PlanMemoryPassBase;

  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    Builder builder(program.getContext());
    if (deviceMemory < 0) {
      program.emitError("device-memory must be at least 0, not ") << deviceMemory.getValue();
      return signalPassFailure();
    }
    // Reshaping and reuse leave buffers behind that nothing touches.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(program.getBody().front())))
      if (isa<rt::ViewOp, rt::BufferOp>(op) && op.use_empty() &&
          !(isa<rt::BufferOp>(op) && Lifetimes::isKept(cast<rt::BufferOp>(op))))
        op.erase();

    Lifetimes lifetimes(program);
    llvm::DenseSet<Operation *> communicated = findCommunicated(program);
    // What is kept, in the order of the model; then temporaries, the largest first.
    SmallVector<rt::BufferOp> kept, temporaries;
    for (auto buffer : program.getOps<rt::BufferOp>())
      (Lifetimes::isKept(buffer) ? kept : temporaries).push_back(buffer);
    llvm::DenseMap<Operation *, int64_t> bytes;
    for (rt::BufferOp buffer : temporaries)
      bytes[buffer] = rt::bytesOf(buffer);
    llvm::stable_sort(temporaries, [&](rt::BufferOp a, rt::BufferOp b) { return bytes.at(a) > bytes.at(b); });
    Occupancy occupancy(lifetimes.lastMoment());
    int64_t end = 0;
    auto place = [&](rt::BufferOp buffer) {
      const Lifetimes::Intervals &lifetime = lifetimes.of(buffer);
      int64_t size = llvm::alignTo(rt::bytesOf(buffer), alignment);
      // What is always there fits nowhere but at the end.
      int64_t begin = Lifetimes::isKept(buffer) ? end : occupancy.findFree(lifetime, size);
      buffer.setOffset(begin);
      int64_t bufferEnd = begin;
      if (failed(grow(buffer, bufferEnd)))
        return failure();
      end = std::max(end, bufferEnd);
      occupancy.take(lifetime, begin, bufferEnd);
      return success();
    };
    // What others see lies together, and what nobody does fills its gaps.
    for (bool shared : {true, false}) {
      for (ArrayRef<rt::BufferOp> buffers : {ArrayRef(kept), ArrayRef(temporaries)})
        for (rt::BufferOp buffer : buffers)
          if (communicated.contains(buffer) == shared && failed(place(buffer)))
            return signalPassFailure();
      if (shared)
        program.setShared(end);
    }
    program.setArena(end);
    if (deviceMemory && end > deviceMemory) {
      program.emitError("a rank of '")
          << program.getSymName() << "' needs " << formatBytes(end) << ", but a device has "
          << formatBytes(deviceMemory) << "; use smaller microbatches or more devices";
      return signalPassFailure();
    }
  }

  /// Moves `end` behind a buffer that begins there.
  LogicalResult grow(rt::BufferOp buffer, int64_t &end) {
    int64_t bytes = rt::bytesOf(buffer);
    if (llvm::AddOverflow(end, static_cast<int64_t>(llvm::alignTo(bytes, alignment)), end))
      return buffer.emitOpError("does not fit into an address space");
    return success();
  }
};
} // namespace

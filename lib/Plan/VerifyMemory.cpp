// Proof that no two live buffers overlap.
#include "Communicated.h"
#include "Lifetimes.h"

#include "dtc/Plan/Passes.h"

namespace dtc::plan {
#define GEN_PASS_DEF_VERIFYMEMORY
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc::plan

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct VerifyMemoryPass : dtc::plan::impl::VerifyMemoryBase<VerifyMemoryPass> {
  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    if (!program.getArena()) {
      program.emitOpError("has no memory plan");
      return signalPassFailure();
    }
    Lifetimes lifetimes(program);
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (int64_t needed = buffer.getSlots() ? lifetimes.slotsOf(buffer, INT64_MAX) : 0;
          needed > static_cast<int64_t>(buffer.getSlots().value_or(0))) {
        buffer.emitOpError("'") << buffer.getName() << "' has " << *buffer.getSlots()
                                << " slots, but microbatches under way together need "
                                << needed;
        return signalPassFailure();
      }
    for (Operation *op : findCommunicated(program)) {
      auto buffer = cast<rt::BufferOp>(op);
      if (int64_t end = *buffer.getOffset() + rt::bytesOf(buffer),
          shared = program.getShared().value_or(*program.getArena());
          end > shared) {
        buffer.emitOpError("'") << buffer.getName() << "' is communicated and ends at " << end
                                << ", but ranks share the first " << shared << " bytes";
        return signalPassFailure();
      }
    }
    SmallVector<rt::BufferOp> buffers;
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (!lifetimes.of(buffer).empty())
        buffers.push_back(buffer);
    llvm::sort(buffers, [](rt::BufferOp a, rt::BufferOp b) {
      return *a.getOffset() < *b.getOffset();
    });
    for (size_t i = 0; i < buffers.size(); ++i) {
      int64_t end = *buffers[i].getOffset() + rt::bytesOf(buffers[i]);
      for (size_t j = i + 1; j < buffers.size(); ++j) {
        if (static_cast<int64_t>(*buffers[j].getOffset()) >= end)
          break;
        if (!Lifetimes::overlap(lifetimes.of(buffers[i]), lifetimes.of(buffers[j])))
          continue;
        InFlightDiagnostic diagnostic =
            buffers[j].emitOpError("'")
            << buffers[j].getName() << "' at offset " << *buffers[j].getOffset()
            << " lies inside live buffer '" << buffers[i].getName()
            << "', which ends at " << end;
        diagnostic.attachNote(buffers[i].getLoc()) << "the other buffer";
        return signalPassFailure();
      }
    }
    markAllAnalysesPreserved();
  }
};
} // namespace

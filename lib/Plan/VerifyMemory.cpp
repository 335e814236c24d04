// Proof that no two live buffers overlap.
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
    SmallVector<rt::BufferOp> buffers;
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (lifetimes.of(buffer))
        buffers.push_back(buffer);
    llvm::sort(buffers, [](rt::BufferOp a, rt::BufferOp b) {
      return *a.getOffset() < *b.getOffset();
    });
    for (size_t i = 0; i < buffers.size(); ++i) {
      int64_t end = *buffers[i].getOffset() +
                    rt::bytesOf(buffers[i].getMemory().getType());
      for (size_t j = i + 1; j < buffers.size(); ++j) {
        if (static_cast<int64_t>(*buffers[j].getOffset()) >= end)
          break;
        if (!lifetimes.of(buffers[i])->overlaps(*lifetimes.of(buffers[j])))
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

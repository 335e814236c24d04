// Proof that no two live buffers overlap.
#include "Communicated.h"
#include "Lifetimes.h"

#include "dtc/Plan/Passes.h"

#include <map>

namespace dtc {
#define GEN_PASS_DEF_VERIFYMEMORYPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
/// A buffer comes to life, or has been in use for the last time.
struct Event {
  int64_t moment;
  bool ends;
  rt::BufferOp buffer;
};
} // namespace

/// In the order of time; what is in use together at a moment has come to life before any of it ends.
static SmallVector<Event> findEvents(rt::ProgramOp program, const Lifetimes &lifetimes) {
  SmallVector<Event> events;
  for (auto buffer : program.getOps<rt::BufferOp>())
    if (rt::bytesOf(buffer) > 0)
      for (Lifetimes::Interval interval : lifetimes.of(buffer)) {
        events.push_back({interval.first, false, buffer});
        events.push_back({interval.last, true, buffer});
      }
  llvm::stable_sort(events, [](const Event &a, const Event &b) { return std::pair(a.moment, a.ends) < std::pair(b.moment, b.ends); });
  return events;
}

static int64_t endOf(rt::BufferOp buffer) { return static_cast<int64_t>(*buffer.getOffset()) + rt::bytesOf(buffer); }

/// Buffers that live are apart from each other as long as each that comes to life is apart from its neighbours.
static LogicalResult verifyApart(rt::ProgramOp program, const Lifetimes &lifetimes) {
  std::map<int64_t, rt::BufferOp> live; // by offset
  for (Event event : findEvents(program, lifetimes)) {
    int64_t offset = *event.buffer.getOffset();
    if (event.ends) {
      live.erase(offset);
      continue;
    }
    auto next = live.lower_bound(offset);
    rt::BufferOp below, above;
    if (next != live.begin() && endOf(std::prev(next)->second) > offset)
      below = std::prev(next)->second, above = event.buffer;
    else if (next != live.end() && next->first < endOf(event.buffer))
      below = event.buffer, above = next->second;
    if (above) {
      InFlightDiagnostic diagnostic = above.emitOpError("'") << above.getName() << "' at offset " << *above.getOffset()
                                                             << " lies inside live buffer '" << below.getName() << "', which ends at "
                                                             << endOf(below);
      diagnostic.attachNote(below.getLoc()) << "the other buffer";
      return failure();
    }
    live.emplace_hint(next, offset, event.buffer);
  }
  return success();
}

namespace {
struct VerifyMemoryPass : dtc::impl::VerifyMemoryPassBase<VerifyMemoryPass> {
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
    if (failed(verifyApart(program, lifetimes)))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace

// Lifetimes of buffers: one walk over all timelines in order.
#include "Lifetimes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

bool Lifetimes::isKept(rt::BufferOp buffer) {
  return buffer.getKind() != rt::BufferKind::Temporary &&
         buffer.getKind() != rt::BufferKind::Bucket;
}

Lifetimes::Lifetimes(rt::ProgramOp program) {
  for (auto timeline : program.getOps<rt::TimelineOp>())
    for (Operation &op : timeline.getBody().front())
      visit(&op);
}

void Lifetimes::visit(Operation *op) {
  if (auto run = dyn_cast<rt::RunOp>(op)) {
    auto fragment = op->getParentOfType<rt::ProgramOp>()
                        .lookupSymbol<rt::FragmentOp>(run.getFragment());
    for (Operation &call : fragment.getBody().front())
      visit(&call);
    return;
  }
  moments[op] = ++now;
  for (Value operand : op->getOperands()) {
    // A buffer belongs to its collective until the wait.
    if (auto start = operand.getDefiningOp<rt::AllReduceStartOp>())
      operand = start.getBuffer();
    touch(operand);
  }
}

void Lifetimes::touch(Value memory) {
  rt::BufferOp buffer = rt::rootBuffer(memory);
  if (!buffer)
    return;
  auto [entry, isNew] = intervals.try_emplace(buffer, Interval{now, now});
  entry->second.last = now;
}

std::optional<Lifetimes::Interval> Lifetimes::of(rt::BufferOp buffer) const {
  if (isKept(buffer))
    return Interval{0, now + 1};
  auto entry = intervals.find(buffer);
  if (entry == intervals.end())
    return std::nullopt;
  return entry->second;
}

void Lifetimes::join(rt::BufferOp source, rt::BufferOp target) {
  Interval joined{intervals.at(source).first, intervals.at(target).last};
  intervals.erase(target);
  intervals.at(source) = joined;
}

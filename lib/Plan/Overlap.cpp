// Memory that two calls share, and what stands between them.
#include "Overlap.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// The elements of its root buffer (of each slot) that `memory` may stand for.
static std::pair<int64_t, int64_t> extentOf(Value memory) {
  int64_t begin = 0, size = cast<MemRefType>(memory.getType()).getNumElements();
  while (auto view = memory.getDefiningOp<rt::ViewOp>()) {
    memory = view.getBase();
    if (view.getParts()) { // another part in each microbatch
      begin = 0;
      size = cast<MemRefType>(memory.getType()).getNumElements();
    } else {
      begin += view.getAt();
    }
  }
  return {begin, begin + size};
}

bool dtc::plan::mayOverlap(Value a, Value b) {
  if (a == b)
    return true;
  rt::BufferOp root = rt::rootBuffer(a);
  if (!root || root != rt::rootBuffer(b))
    return false;
  auto [beginA, endA] = extentOf(a);
  auto [beginB, endB] = extentOf(b);
  return beginA < endB && beginB < endA;
}

bool dtc::plan::mayOverlap(ValueRange all, Value memory) {
  return llvm::any_of(all, [&](Value other) {
    return isa<MemRefType>(other.getType()) && mayOverlap(other, memory);
  });
}

bool dtc::plan::isUsedBetween(Operation *first, Operation *last, Value memory) {
  for (Operation *op = first->getNextNode(); op != last; op = op->getNextNode())
    if (mayOverlap(op->getOperands(), memory))
      return true;
  return false;
}

bool dtc::plan::mayWrite(Operation *op, Value memory) {
  if (auto launch = dyn_cast<rt::LaunchOp>(op))
    return mayOverlap(launch.getOutputs(), memory);
  auto call = dyn_cast<rt::CallOp>(op);
  if (!call || call.getTuple() || call.getOutputs().empty())
    return mayOverlap(op->getOperands(), memory);
  return mayOverlap(call.getOutputs(), memory) || mayOverlap(call.getNamed(), memory);
}

bool dtc::plan::isWrittenBetween(Operation *first, Operation *last, Value memory) {
  for (Operation *op = first->getNextNode(); op != last; op = op->getNextNode())
    if (mayWrite(op, memory))
      return true;
  return false;
}

// Inputs lie as the calls that read them want them.
#include "dialects/RT/RT.h"
#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"

namespace dtc {
#define GEN_PASS_DEF_LAYOUTINPUTSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

/// The copy by which `memory` gets its values channels-last, if `user` is one whose
/// result nothing else writes: `memory` itself can stand in its place.
static rt::BufferOp copiedTo(Operation *user, Value memory) {
  auto copy = dyn_cast<rt::CallOp>(user);
  if (!copy || copy.getCallee() != "copy" || copy.getInputs().size() != 1 ||
      copy.getInputs().front() != memory)
    return {};
  auto target = copy.getOutputs().front().getDefiningOp<rt::BufferOp>();
  auto from = cast<MemRefType>(memory.getType());
  if (!target || target.getKind() != rt::BufferKind::Temporary ||
      !rt::isChannelsLast(target.getMemory().getType()) ||
      target.getMemory().getType().getShape() != from.getShape())
    return {};
  bool onlyRead = llvm::all_of(target.getMemory().getUses(), [&](OpOperand &use) {
    if (use.getOwner() == user)
      return true;
    if (auto call = dyn_cast<rt::CallOp>(use.getOwner()))
      return !llvm::is_contained(call.getOutputs(), use.get());
    auto launch = dyn_cast<rt::LaunchOp>(use.getOwner());
    return launch && !llvm::is_contained(launch.getOutputs(), use.get());
  });
  return onlyRead ? target : rt::BufferOp();
}

/// The input and the views of its rows: all that is read of it. Empty where
/// something else is made of it.
static SmallVector<Value> memoriesOf(rt::BufferOp input) {
  SmallVector<Value> memories = {input.getMemory()};
  for (Operation *user : input.getMemory().getUsers())
    if (auto rows = dyn_cast<rt::ViewOp>(user)) {
      if (!rows.getParts() || cast<MemRefType>(rows.getMemory().getType()).getShape().drop_front() !=
                                  input.getMemory().getType().getShape().drop_front())
        return {};
      memories.push_back(rows.getMemory());
    }
  return memories;
}

namespace {
struct LayOutInputsPass : dtc::impl::LayOutInputsPassBase<LayOutInputsPass> {
  void runOnOperation() override {
    SmallVector<rt::BufferOp> rowMajor;
    for (auto buffer : getOperation().getOps<rt::BufferOp>())
      if (buffer.getKind() == rt::BufferKind::Input && rt::isRowMajor(buffer.getMemory().getType()))
        rowMajor.push_back(buffer);
    llvm::for_each(rowMajor, [&](rt::BufferOp input) { layOut(input); });
  }

  void layOut(rt::BufferOp input) {
    SmallVector<Value> memories = memoriesOf(input);
    SmallVector<std::pair<Operation *, rt::BufferOp>> copies;
    for (Value memory : memories)
      for (Operation *user : memory.getUsers()) {
        if (isa<rt::ViewOp>(user))
          continue;
        rt::BufferOp target = copiedTo(user, memory);
        if (!target)
          return;
        copies.emplace_back(user, target);
      }
    if (copies.empty())
      return;
    for (Value memory : memories) {
      auto type = cast<MemRefType>(memory.getType());
      memory.setType(rt::channelsLast(type.getShape(), type.getElementType()));
    }
    for (auto [copy, target] : copies) {
      Value memory = cast<rt::CallOp>(copy).getInputs().front();
      copy->erase();
      target.getMemory().replaceAllUsesWith(memory);
      target.erase();
    }
    ++inputs;
  }
};
} // namespace

// Kernels write over what they read for the last time.
#include "Lifetimes.h"

#include "dtc/Plan/Passes.h"

namespace dtc {
#define GEN_PASS_DEF_REUSEBUFFERSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// The temporary that `memory` is all of, possibly under another name.
static rt::BufferOp asTemporary(Value memory) {
  while (auto view = memory.getDefiningOp<rt::ViewOp>()) {
    if (view.getBase().getType() != memory.getType())
      return {};
    memory = view.getBase();
  }
  auto buffer = memory.getDefiningOp<rt::BufferOp>();
  bool plain = buffer && buffer.getKind() == rt::BufferKind::Temporary && !buffer.getSlots();
  return plain ? buffer : rt::BufferOp();
}

/// Whether the kernel reads `source` only at the position that it writes.
static bool readsWhereItWrites(rt::LaunchOp launch, rt::KernelOp kernel,
                               rt::BufferOp source, Attribute writeMap) {
  for (auto [operand, map] : llvm::zip_equal(launch.getInputs(), kernel.getReads()))
    if (rt::rootBuffer(operand) == source &&
        (asTemporary(operand) != source || map != writeMap))
      return false;
  return true;
}

namespace {
struct ReuseBuffersPass : dtc::impl::ReuseBuffersPassBase<ReuseBuffersPass> {
  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    SmallVector<rt::LaunchOp> launches;
    program.walk([&](rt::LaunchOp launch) { launches.push_back(launch); });
    Lifetimes lifetimes(program);
    SymbolTable symbols(program);
    for (rt::LaunchOp launch : launches)
      reuse(symbols.lookup<rt::KernelOp>(launch.getKernel()), launch, lifetimes);
  }

  void reuse(rt::KernelOp kernel, rt::LaunchOp launch, Lifetimes &lifetimes) {
    for (auto [output, writeMap] :
         llvm::zip_equal(llvm::to_vector(launch.getOutputs()), kernel.getWrites())) {
      auto target = output.getDefiningOp<rt::BufferOp>();
      if (!target || !asTemporary(output))
        continue;
      for (Value input : llvm::to_vector(launch.getInputs())) {
        rt::BufferOp source = asTemporary(input);
        if (!source || source == target || input.getType() != output.getType() ||
            !lifetimes.endsAsBegins(launch, source, target) || isWritten(launch, source) ||
            !readsWhereItWrites(launch, kernel, source, writeMap))
          continue;
        lifetimes.join(source, target);
        shareMemory(target, source);
        ++reused;
        break;
      }
    }
  }

  static bool isWritten(rt::LaunchOp launch, rt::BufferOp buffer) {
    return llvm::any_of(launch.getOutputs(), [&](Value output) {
      return rt::rootBuffer(output) == buffer;
    });
  }

  /// The output keeps its name: what lies there from now on is something else.
  static void shareMemory(rt::BufferOp target, rt::BufferOp source) {
    OpBuilder builder(target);
    if (target->isBeforeInBlock(source))
      builder.setInsertionPointAfter(source);
    auto view = rt::ViewOp::create(builder, target.getLoc(),
                                   target.getMemory().getType(), target.getName(),
                                   source.getMemory(), 0);
    for (Operation *user : target->getUsers())
      if (isa<rt::ViewOp>(user) && user->isBeforeInBlock(view))
        user->moveAfter(view);
    target.getMemory().replaceAllUsesWith(view.getMemory());
    target.erase();
  }
};
} // namespace

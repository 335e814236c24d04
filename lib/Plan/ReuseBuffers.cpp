// Kernels write over what they read for the last time.
#include "Lifetimes.h"

#include "dtc/Plan/Passes.h"

namespace dtc::plan {
#define GEN_PASS_DEF_REUSEBUFFERS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc::plan

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// A temporary that is a whole buffer, not a part of one.
static rt::BufferOp asTemporary(Value memory) {
  auto buffer = memory.getDefiningOp<rt::BufferOp>();
  return buffer && buffer.getKind() == rt::BufferKind::Temporary ? buffer
                                                                 : rt::BufferOp();
}

/// Whether the kernel reads `input` only at the position that it writes.
static bool readsWhereItWrites(rt::LaunchOp launch, rt::KernelOp kernel,
                               Value input, Attribute writeMap) {
  for (auto [operand, map] : llvm::zip_equal(launch.getInputs(), kernel.getReads()))
    if (rootBuffer(operand) == rootBuffer(input) &&
        (operand != input || map != writeMap))
      return false;
  return true;
}

namespace {
struct ReuseBuffersPass : dtc::plan::impl::ReuseBuffersBase<ReuseBuffersPass> {
  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    SmallVector<rt::LaunchOp> launches;
    program.walk([&](rt::LaunchOp launch) { launches.push_back(launch); });
    for (rt::LaunchOp launch : launches)
      reuse(program, launch);
  }

  void reuse(rt::ProgramOp program, rt::LaunchOp launch) {
    auto kernel = program.lookupSymbol<rt::KernelOp>(launch.getKernel());
    for (auto [output, writeMap] :
         llvm::zip_equal(llvm::to_vector(launch.getOutputs()), kernel.getWrites())) {
      rt::BufferOp target = asTemporary(output);
      if (!target)
        continue;
      // Joining two buffers changes their lifetimes, so they are taken anew.
      Lifetimes lifetimes(program);
      int64_t now = lifetimes.moment(launch);
      if (lifetimes.of(target)->first != now)
        continue;
      for (Value input : llvm::to_vector(launch.getInputs())) {
        rt::BufferOp source = asTemporary(input);
        if (!source || source == target || input.getType() != output.getType() ||
            lifetimes.of(source)->last != now ||
            llvm::is_contained(launch.getOutputs(), input) ||
            !readsWhereItWrites(launch, kernel, input, writeMap))
          continue;
        output.replaceAllUsesWith(input);
        target.erase();
        ++reused;
        break;
      }
    }
  }
};
} // namespace

// A sum that grows in place grows in the library call that makes what is added.
#include "Overlap.h"

#include "dtc/Plan/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace dtc {
#define GEN_PASS_DEF_ACCUMULATEINCALLSPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// Whether the kernel adds its two operands, point by point.
static bool isAddition(rt::KernelOp kernel) {
  Block &body = kernel.getBody().front();
  auto add = dyn_cast<arith::AddFOp>(body.front());
  auto yield = dyn_cast<rt::YieldOp>(body.getTerminator());
  if (!add || &*std::next(body.begin()) != yield || body.getNumArguments() != 2 ||
      yield.getValues().size() != 1 || yield.getValues().front() != add.getResult() ||
      add.getLhs() == add.getRhs())
    return false;
  auto isWrite = [&](Attribute map) { return map == kernel.getWrites()[0]; };
  return isa<BlockArgument>(add.getLhs()) && isa<BlockArgument>(add.getRhs()) &&
         llvm::all_of(kernel.getReads(), isWrite);
}

namespace {
struct AccumulateInCallsPass
    : dtc::impl::AccumulateInCallsPassBase<AccumulateInCallsPass> {
  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    SmallVector<rt::LaunchOp> launches;
    program.walk([&](rt::LaunchOp launch) { launches.push_back(launch); });
    SymbolTable symbols(program);
    llvm::SetVector<rt::KernelOp> unused;
    for (rt::LaunchOp launch : launches)
      if (auto kernel = symbols.lookup<rt::KernelOp>(launch.getKernel()); accumulate(kernel, launch))
        unused.insert(kernel);
    for (rt::KernelOp kernel : unused)
      if (SymbolTable::symbolKnownUseEmpty(kernel.getSymNameAttr(), program))
        kernel.erase();
  }

  /// True if the launch is no more.
  bool accumulate(rt::KernelOp kernel, rt::LaunchOp launch) {
    if (launch.getOutputs().size() != 1 || launch.getInputs().size() != 2 || !isAddition(kernel))
      return false;
    Value sum = launch.getOutputs().front();
    if (!llvm::is_contained(launch.getInputs(), sum))
      return false;
    Value part = launch.getInputs()[launch.getInputs()[0] == sum ? 1 : 0];
    auto buffer = part.getDefiningOp<rt::BufferOp>();
    if (!buffer || buffer.getKind() != rt::BufferKind::Temporary ||
        part.getType() != sum.getType())
      return false;
    // The part is made by one call and used by nobody else.
    rt::CallOp call;
    for (Operation *user : part.getUsers()) {
      if (user == launch)
        continue;
      auto maker = dyn_cast<rt::CallOp>(user);
      if (call || !maker || !maker.getCanAccumulate() || maker.getOutputs().size() != 1 ||
          maker.getOutputs().front() != part || llvm::is_contained(maker.getInputs(), part) ||
          maker->getBlock() != launch->getBlock())
        return false;
      call = maker;
    }
    // Nor is the sum read or written between the two.
    if (!call || mayOverlap(call->getOperands(), sum) || isUsedBetween(call, launch, sum))
      return false;
    Builder builder(call.getContext());
    auto append = [](ArrayAttr list, Attribute last) {
      SmallVector<Attribute> all(list.begin(), list.end());
      all.push_back(last);
      return ArrayAttr::get(list.getContext(), all);
    };
    call.setOptionNamesAttr(append(call.getOptionNames(), builder.getStringAttr("accumulate")));
    call.setOptionValuesAttr(append(call.getOptionValues(), builder.getBoolAttr(true)));
    call.setCanAccumulate(false);
    call.getOutputsMutable().assign(sum);
    call->setLoc(builder.getFusedLoc({call.getLoc(), launch.getLoc()}));
    launch.erase();
    buffer.erase();
    ++accumulated;
    return true;
  }
};
} // namespace

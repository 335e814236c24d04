// Neighbouring optimizer updates become one call on a list.
#include "dialects/RT/RT.h"
#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"

namespace dtc::plan {
#define GEN_PASS_DEF_JOINUPDATES
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc::plan

using namespace mlir;
using namespace dtc;

/// Whether the two differ in nothing but their tuples, which share no memory.
static bool canJoin(rt::CallOp call, rt::CallOp next) {
  auto isPlain = [](rt::CallOp op) {
    return op.getTuple() && op.getOutputs().empty() && !op->hasAttr(plan::opAttribute);
  };
  return isPlain(call) && isPlain(next) &&
         call.getCalleeAttr() == next.getCalleeAttr() && call.getTupleAttr() == next.getTupleAttr() &&
         call.getOptionNamesAttr() == next.getOptionNamesAttr() &&
         call.getOptionValuesAttr() == next.getOptionValuesAttr() &&
         call.getOperandNamesAttr() == next.getOperandNamesAttr() &&
         llvm::equal(call.getNamed(), next.getNamed()) &&
         llvm::equal(call.getSharedInputs(), next.getSharedInputs()) &&
         call.getMicrobatchAttr() == next.getMicrobatchAttr() &&
         llvm::none_of(next.getTupleInputs(), [&](Value memory) {
           return llvm::is_contained(call.getTupleInputs(), memory);
         });
}

namespace {
struct JoinUpdatesPass : dtc::plan::impl::JoinUpdatesBase<JoinUpdatesPass> {
  void runOnOperation() override {
    for (auto fragment : getOperation().getOps<rt::FragmentOp>()) {
      rt::CallOp first;
      for (Operation &op : llvm::make_early_inc_range(fragment.getBody().front())) {
        auto call = dyn_cast<rt::CallOp>(op);
        if (first && call && canJoin(first, call))
          join(first, call);
        else
          first = call;
      }
    }
  }

  /// `first` takes the tuples of `call`, behind its own.
  void join(rt::CallOp first, rt::CallOp call) {
    SmallVector<Value> inputs(first.getTupleInputs());
    llvm::append_range(inputs, call.getTupleInputs());
    llvm::append_range(inputs, first.getSharedInputs());
    first.getInputsMutable().assign(inputs);
    first->setLoc(Builder(first).getFusedLoc({first.getLoc(), call.getLoc()}));
    call.erase();
    ++joined;
  }
};
} // namespace

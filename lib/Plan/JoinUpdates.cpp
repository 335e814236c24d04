// Neighbouring optimizer updates become one call on a list.
#include "dialects/RT/RT.h"
#include "dtc/Plan/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"

namespace dtc {
#define GEN_PASS_DEF_JOINUPDATESPASS
#include "dtc/Plan/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

/// Whether the two differ in nothing but their tuples.
static bool canJoin(rt::CallOp call, rt::CallOp next) {
  auto isPlain = [](rt::CallOp op) {
    return op.getTuple() && op.getOutputs().empty() && !op->hasAttr(plan::opAttribute);
  };
  return isPlain(call) && isPlain(next) &&
         call.getCalleeAttr() == next.getCalleeAttr() && call.getTupleAttr() == next.getTupleAttr() &&
         call.getFormulaAttr() == next.getFormulaAttr() &&
         call.getOptionNamesAttr() == next.getOptionNamesAttr() &&
         call.getOptionValuesAttr() == next.getOptionValuesAttr() &&
         call.getOperandNamesAttr() == next.getOperandNamesAttr() &&
         llvm::equal(call.getNamed(), next.getNamed()) &&
         llvm::equal(call.getSharedInputs(), next.getSharedInputs()) &&
         call.getMicrobatchAttr() == next.getMicrobatchAttr();
}

namespace {
struct JoinUpdatesPass : dtc::impl::JoinUpdatesPassBase<JoinUpdatesPass> {
  void runOnOperation() override {
    for (auto fragment : getOperation().getOps<rt::FragmentOp>()) {
      SmallVector<rt::CallOp> run; // what becomes one
      llvm::DenseSet<Value> memory; // of its tuples
      auto begin = [&](rt::CallOp call) {
        join(run);
        run.clear();
        memory.clear();
        if (call)
          add(call, run, memory);
      };
      for (Operation &op : llvm::make_early_inc_range(fragment.getBody().front())) {
        auto call = dyn_cast<rt::CallOp>(op);
        bool joins = call && !run.empty() && canJoin(run.front(), call) &&
                     llvm::none_of(call.getTupleInputs(), [&](Value value) { return memory.contains(value); });
        if (joins)
          add(call, run, memory);
        else
          begin(call);
      }
      begin({});
    }
  }

  static void add(rt::CallOp call, SmallVectorImpl<rt::CallOp> &run, llvm::DenseSet<Value> &memory) {
    run.push_back(call);
    memory.insert(call.getTupleInputs().begin(), call.getTupleInputs().end());
  }

  /// The first takes the tuples of the others, behind its own.
  void join(ArrayRef<rt::CallOp> run) {
    if (run.size() < 2)
      return;
    rt::CallOp first = run.front();
    SmallVector<Value> inputs;
    SmallVector<Location> places;
    for (rt::CallOp call : run) {
      llvm::append_range(inputs, call.getTupleInputs());
      places.push_back(call.getLoc());
    }
    llvm::append_range(inputs, first.getSharedInputs());
    first.getInputsMutable().assign(inputs);
    first->setLoc(Builder(first).getFusedLoc(places));
    for (rt::CallOp call : run.drop_front())
      call.erase();
    joined += run.size() - 1;
  }
};
} // namespace

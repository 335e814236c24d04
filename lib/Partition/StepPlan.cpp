// Cuts a step into fragments at the boundaries of its buckets.
#include "StepPlan.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

StepPlan::StepPlan(func::FuncOp function, int64_t bucketBytes)
    : function(function) {
  findAsynchronous();
  cut(bucketBytes, findUpdate());
}

/// An all-reduce whose result another all-reduce waits for lies in the middle
/// of the step and must be done at once; all others can travel until the end.
void StepPlan::findAsynchronous() {
  DenseSet<Operation *> before; // what leads to an all-reduce
  for (Operation &op : llvm::reverse(function.getBody().front())) {
    bool leads = isa<dist::AllReduceOp>(op) ||
                 llvm::any_of(op.getUsers(), [&](Operation *user) {
                   return before.contains(user);
                 });
    if (!leads)
      continue;
    before.insert(&op);
    if (isa<dist::AllReduceOp>(op) &&
        llvm::none_of(op.getUsers(), [&](Operation *user) {
          return before.contains(user);
        }))
      asynchronous.insert(&op);
  }
}

/// What makes new parameters and states, or needs a value that travelled.
DenseSet<Operation *> StepPlan::findUpdate() {
  DenseSet<Operation *> leads; // to an all-reduce: cannot wait for one
  for (Operation &op : llvm::reverse(function.getBody().front()))
    if (isa<dist::AllReduceOp>(op) ||
        llvm::any_of(op.getUsers(), [&](Operation *user) { return leads.contains(user); }))
      leads.insert(&op);
  DenseSet<Operation *> updates;
  Operation *terminator = function.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    unsigned result = operand.getOperandNumber();
    Operation *producer = operand.get().getDefiningOp();
    if (producer && !leads.contains(producer) &&
        !producer->hasTrait<OpTrait::ConstantLike>() &&
        (function.getResultAttr(result, nn::names::parameter) ||
         function.getResultAttr(result, nn::names::state)))
      updates.insert(producer);
  }
  for (Operation &op : function.getBody().front().without_terminator()) {
    bool late = llvm::any_of(op.getOperands(), [&](Value operand) {
      Operation *producer = operand.getDefiningOp();
      return producer && (updates.contains(producer) || asynchronous.contains(producer));
    });
    if (late && !asynchronous.contains(&op))
      updates.insert(&op);
  }
  return updates;
}

/// True if the timeline hands a result of `op` on itself: starts an all-reduce
/// of it, or returns it.
bool StepPlan::neededByTimeline(Operation *op) {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    return asynchronous.contains(user) || user->hasTrait<OpTrait::IsTerminator>();
  });
}

void StepPlan::cut(int64_t bucketBytes, const DenseSet<Operation *> &updates) {
  using Key = std::tuple<Attribute, Attribute, Type>;
  llvm::MapVector<Key, Bucket> open;
  fragments.emplace_back();

  auto close = [&](Bucket &bucket) {
    bucket.fragment = fragments.size() - 1;
    buckets.push_back(std::move(bucket));
  };
  auto fill = [&](Value value) {
    SmallVector<Operation *> users(value.getUsers());
    for (Operation *user : llvm::reverse(users)) { // in program order
      auto reduce = dyn_cast<dist::AllReduceOp>(user);
      if (!reduce || !asynchronous.contains(user))
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      Bucket &bucket = open[{reduce.getReductionAttr(), reduce.getAxisAttr(),
                             type.getElementType()}];
      bucket.reduction = reduce.getReductionAttr();
      bucket.axis = reduce.getAxisAttr();
      bucket.elementType = type.getElementType();
      bucket.members.push_back(reduce);
      bucket.bytes += type.getNumElements() *
                      llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    }
  };

  for (BlockArgument argument : function.getArguments())
    fill(argument);
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (asynchronous.contains(&op))
      continue;
    if (op.hasTrait<OpTrait::ConstantLike>() && !neededByTimeline(&op))
      continue;
    if (updates.contains(&op)) {
      update.push_back(&op);
      continue;
    }
    fragments.back().push_back(&op);
    // All results of one op are finished together.
    for (Value result : op.getResults())
      fill(result);
    bool closed = false;
    for (auto &[key, bucket] : open)
      if (bucket.bytes >= bucketBytes) {
        close(bucket);
        closed = true;
      }
    if (closed) {
      open.remove_if([](auto &entry) { return entry.second.members.empty(); });
      fragments.emplace_back();
    }
  }
  if (fragments.back().empty() && fragments.size() > 1)
    fragments.pop_back();
  for (auto &[key, bucket] : open)
    close(bucket);
  if (fragments.back().empty())
    fragments.pop_back();
}

std::string StepPlan::nameOf(dist::AllReduceOp reduce) {
  // The results that it reaches, the function's own order deciding.
  DenseSet<Operation *> seen;
  SmallVector<Operation *> work = {reduce};
  std::optional<unsigned> first;
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    for (OpOperand &use : op->getUses()) {
      Operation *user = use.getOwner();
      if (user->hasTrait<OpTrait::IsTerminator>())
        first = std::min(first.value_or(use.getOperandNumber()), use.getOperandNumber());
      else if (seen.insert(user).second)
        work.push_back(user);
    }
  }
  if (!first)
    return "unused";
  for (StringRef named : {StringRef(nn::names::parameter), StringRef(nn::names::state),
                          StringRef(nn::names::output)})
    if (auto name = function.getResultAttrOfType<StringAttr>(*first, named))
      return name.str();
  for (StringRef flag : {StringRef(nn::names::loss), StringRef(nn::names::correct)})
    if (function.getResultAttr(*first, flag))
      return flag.drop_front(StringRef("nn.").size()).str();
  return "result" + std::to_string(*first);
}

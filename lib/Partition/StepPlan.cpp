// Cuts a step into fragments at the boundaries of its buckets.
#include "StepPlan.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

StepPlan::StepPlan(func::FuncOp function, int64_t bucketBytes)
    : function(function) {
  findImmediate();
  cut(bucketBytes, findUpdate());
}

/// A sum whose result another sum waits for lies in the middle
/// of the step and must be awaited there; all others can travel until the end.
void StepPlan::findImmediate() {
  DenseSet<Operation *> before; // what leads to a sum
  for (Operation &op : llvm::reverse(function.getBody().front())) {
    bool leads = llvm::any_of(
        op.getUsers(), [&](Operation *user) { return before.contains(user); });
    bool reduces = isa<dist::BatchSumOp>(op);
    if (leads && reduces)
      immediate.insert(&op);
    if (leads || reduces)
      before.insert(&op);
  }
}

/// What makes new parameters and states, or needs a value that travelled.
DenseSet<Operation *> StepPlan::findUpdate() {
  DenseSet<Operation *> leads; // to a sum: cannot wait for one
  for (Operation &op : llvm::reverse(function.getBody().front()))
    if (isa<dist::BatchSumOp>(op) ||
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
      return producer && (updates.contains(producer) ||
                          (isa<dist::BatchSumOp>(producer) && !immediate.contains(producer)));
    });
    if (late)
      updates.insert(&op);
  }
  return updates;
}

/// True if the timeline hands a result of `op` on itself: starts a sum
/// of it, or returns it.
bool StepPlan::neededByTimeline(Operation *op) {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    return isa<dist::BatchSumOp>(user) || user->hasTrait<OpTrait::IsTerminator>();
  });
}

void StepPlan::cut(int64_t bucketBytes, const DenseSet<Operation *> &updates) {
  using Key = std::pair<StringAttr, Type>;
  llvm::MapVector<Key, Bucket> open;
  fragments.emplace_back();

  auto close = [&](Bucket bucket) {
    bucket.fragment = fragments.size() - 1;
    buckets.push_back(std::move(bucket));
  };
  // Puts a finished value where it travels; true if the step is cut behind it.
  auto fill = [&](Value value) {
    bool closed = false;
    SmallVector<Operation *> users(value.getUsers());
    for (Operation *user : llvm::reverse(users)) { // in program order
      auto reduce = dyn_cast<dist::BatchSumOp>(user);
      if (!reduce)
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      Key key(reduce.getAxisAttr(), type.getElementType());
      Bucket own;
      Bucket &bucket = immediate.contains(user) ? own : open[key];
      std::tie(bucket.axis, bucket.elementType) = key;
      bucket.members.push_back(reduce);
      bucket.bytes += type.getNumElements() *
                      llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      if (immediate.contains(user)) {
        bucket.immediate = closed = true;
        close(std::move(bucket));
      }
    }
    return closed;
  };

  bool cutHere = false;
  for (BlockArgument argument : function.getArguments())
    cutHere |= fill(argument);
  if (cutHere)
    fragments.emplace_back();
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (isa<dist::BatchSumOp>(op) ||
        (op.hasTrait<OpTrait::ConstantLike>() && !neededByTimeline(&op)))
      continue;
    if (updates.contains(&op)) {
      update.push_back(&op);
      continue;
    }
    fragments.back().push_back(&op);
    // All results of one op are finished together.
    cutHere = false;
    for (Value result : op.getResults()) {
      cutHere |= fill(result);
      if (makesLoss(result))
        lossFragment = fragments.size() - 1;
    }
    for (auto &[key, bucket] : open)
      if (bucket.bytes >= bucketBytes) {
        close(std::move(bucket));
        bucket = Bucket();
        cutHere = true;
      }
    open.remove_if([](auto &entry) { return entry.second.members.empty(); });
    if (cutHere)
      fragments.emplace_back();
  }
  // What is left starts behind the last fragment that has ops.
  if (fragments.size() > 1 && fragments.back().empty())
    fragments.pop_back();
  for (auto &[key, bucket] : open)
    close(std::move(bucket));
}

/// True if the value, or its sum over the ranks, is the step's loss.
bool StepPlan::makesLoss(Value value) {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<dist::BatchSumOp>(user))
      return makesLoss(user->getResult(0));
    return user->hasTrait<OpTrait::IsTerminator>() &&
           function.getResultAttr(use.getOperandNumber(), nn::names::loss);
  });
}

std::string StepPlan::nameOf(dist::BatchSumOp reduce) {
  // In the middle of the step it is what its layer computes.
  if (immediate.contains(reduce)) {
    auto layer = reduce.getLoc()->findInstanceOf<NameLoc>();
    return layer ? layer.getName().str() : "sum";
  }
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

// Op by op, on every rank before the next op.
#include "test/Unit/Partition/Lockstep.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {

const Rules &allRules() {
  static const Rules rules = [] {
    Rules made;
    addElementwiseRules(made);
    addConvolutionRules(made);
    addMatmulRules(made);
    addPoolingRules(made);
    addShapeRules(made);
    addSoftmaxRules(made);
    addLossRules(made);
    addOptimizerRules(made);
    return made;
  }();
  return rules;
}

/// The values of one function on each rank.
class Frame {
public:
  Frame(Block &block, ArrayRef<Tensors> arguments) : ranks(arguments.size()) {
    for (size_t rank = 0; rank < ranks.size(); ++rank)
      for (auto [argument, tensor] :
           llvm::zip_equal(block.getArguments(), arguments[rank]))
        ranks[rank][argument] = tensor;
  }

  FailureOr<SmallVector<Tensors>> run(Block &block) {
    for (Operation &op : block.without_terminator())
      if (failed(step(&op)))
        return failure();
    return gather(block.getTerminator()->getOperands());
  }

private:
  SmallVector<Tensors> gather(ValueRange values) {
    SmallVector<Tensors> all;
    for (auto &rank : ranks) {
      Tensors &mine = all.emplace_back();
      for (Value value : values)
        mine.push_back(rank.at(value));
    }
    return all;
  }

  void assign(ValueRange values, ArrayRef<Tensors> tensors) {
    for (size_t rank = 0; rank < ranks.size(); ++rank)
      for (auto [value, tensor] : llvm::zip_equal(values, tensors[rank]))
        ranks[rank][value] = tensor;
  }

  SmallVector<Tensors> reduced(ValueRange values) {
    SmallVector<Tensors> all = gather(values);
    Tensors sum = all.front();
    for (const Tensors &other : ArrayRef(all).drop_front())
      for (auto [into, from] : llvm::zip_equal(sum, other))
        for (size_t i = 0; i < into.data.size(); ++i)
          into.data[i] += from.data[i];
    return SmallVector<Tensors>(ranks.size(), sum);
  }

  LogicalResult step(Operation *op) {
    if (auto run = dyn_cast<dist::RunOp>(op)) {
      auto fragment = SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(
          op, run.getFragmentAttr());
      Block &body = fragment.getBody().front();
      auto results = Frame(body, gather(run.getOperands())).run(body);
      if (failed(results))
        return failure();
      assign(run.getResults(), *results);
      return success();
    }
    if (auto start = dyn_cast<dist::AllReduceStartOp>(op)) {
      underWay[op] = reduced(start.getValues());
      return success();
    }
    if (auto wait = dyn_cast<dist::WaitOp>(op)) {
      assign(wait.getResults(), underWay.at(wait.getPending().getDefiningOp()));
      return success();
    }
    if (auto reduce = dyn_cast<dist::AllReduceOp>(op)) {
      assign(op->getResults(), reduced(op->getOperands()));
      return success();
    }
    auto rule = allRules().find(op->getName().getStringRef());
    if (rule == allRules().end())
      return op->emitError("no rule in the reference");
    for (auto &rank : ranks) {
      SmallVector<const Tensor *> operands;
      for (Value operand : op->getOperands())
        operands.push_back(&rank.at(operand));
      Tensors results;
      for (Type type : op->getResultTypes())
        results.push_back(zeros(cast<ShapedType>(type).getShape()));
      if (failed(rule->second(op, operands, results)))
        return failure();
      for (auto [value, tensor] : llvm::zip_equal(op->getResults(), results))
        rank[value] = tensor;
    }
    return success();
  }

  SmallVector<DenseMap<Value, Tensor>> ranks;
  DenseMap<Operation *, SmallVector<Tensors>> underWay;
};

} // namespace

FailureOr<SmallVector<Tensors>>
dtc::reference::runLockstep(dist::TimelineOp timeline, ArrayRef<Tensors> arguments) {
  Block &body = timeline.getBody().front();
  return Frame(body, arguments).run(body);
}

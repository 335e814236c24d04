// Sums of sums, by device: sum(a + b) becomes sum(a) + sum(b).
#include "lib/Partition/Timelines/SplitSums.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"

#include <map>

using namespace mlir;
using namespace dtc;

static IntegerAttr stageOf(Value value) {
  Operation *op = value.getDefiningOp();
  return op ? op->getAttrOfType<IntegerAttr>(dist::names::stage) : IntegerAttr();
}

/// What is added up to a value, if nobody else needs the sums between.
static void collectTerms(Value value, SmallVectorImpl<Value> &terms) {
  auto add = value.getDefiningOp<nn::AddOp>();
  if (!add || !value.hasOneUse() ||
      llvm::any_of(add->getOperandTypes(), [&](Type type) { return type != value.getType(); })) {
    terms.push_back(value);
    return;
  }
  for (Value operand : add->getOperands())
    collectTerms(operand, terms);
}

static void split(dist::BatchSumOp reduce, const partition::PipelineShape &shape) {
  SmallVector<Value> terms;
  collectTerms(reduce.getValue(), terms);
  std::map<int64_t, SmallVector<Value>> byDevice;
  for (Value term : terms) {
    IntegerAttr stage = stageOf(term);
    if (!stage)
      return;
    byDevice[shape.deviceOf(stage.getInt())].push_back(term);
  }
  if (byDevice.size() < 2)
    return;
  OpBuilder builder(reduce);
  Value whole;
  for (auto &[device, own] : byDevice) {
    Value sum = own.front();
    for (Value term : ArrayRef(own).drop_front()) {
      // Backward goes down the stages: the lowest of the device comes last.
      IntegerAttr stage = std::min(stageOf(sum), stageOf(term), [](IntegerAttr a, IntegerAttr b) {
        return a.getInt() < b.getInt();
      });
      sum = nn::AddOp::create(builder, term.getLoc(), sum, term);
      sum.getDefiningOp()->setAttr(dist::names::stage, stage);
    }
    Value part = dist::BatchSumOp::create(builder, reduce.getLoc(), reduce.getType(), sum, reduce.getAxisAttr(), reduce.getPartsAttr());
    whole = whole ? nn::AddOp::create(builder, reduce.getLoc(), whole, part).getResult() : part;
  }
  Operation *unused = reduce.getValue().getDefiningOp();
  reduce.replaceAllUsesWith(whole);
  reduce.erase();
  for (SmallVector<Operation *> work = {unused}; !work.empty();) {
    Operation *op = work.pop_back_val();
    if (!isa<nn::AddOp>(op) || !op->use_empty())
      continue;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        work.push_back(producer);
    op->erase();
  }
}

void partition::splitSums(func::FuncOp step, const PipelineShape &shape) {
  for (auto reduce : llvm::make_early_inc_range(step.getOps<dist::BatchSumOp>()))
    split(reduce, shape);
}

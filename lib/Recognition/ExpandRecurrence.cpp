// dtc-expand-recurrence: nn.lstm step by step, for targets that have no call for it.
#include "dialects/NN/NNRecurrent.h"
#include "dtc/Recognition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace dtc {
#define GEN_PASS_DEF_EXPANDRECURRENCEPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
static RankedTensorType typeLike(Value value, ArrayRef<int64_t> shape) { return cast<RankedTensorType>(value.getType()).clone(shape); }

/// `size` elements of an axis, from `begin` on.
static Value slice(ImplicitLocOpBuilder &builder, Value x, int64_t axis, int64_t begin, int64_t size) {
  SmallVector<int64_t> shape(shapeOf(x)), offsets(shape.size(), 0);
  shape[axis] = size;
  offsets[axis] = begin;
  return nn::SliceOp::create(builder, typeLike(x, shape), x, offsets);
}

/// The tensors of all steps as one; `steps` in the order of the sequence.
static Value stack(ImplicitLocOpBuilder &builder, ArrayRef<Value> steps) {
  SmallVector<int64_t> shape(shapeOf(steps.front()));
  shape.insert(shape.begin(), 1);
  SmallVector<Value> rows;
  for (Value step : steps)
    rows.push_back(nn::ReshapeOp::create(builder, typeLike(step, shape), step));
  return rows.size() == 1 ? rows.front() : nn::ConcatOp::create(builder, rows, /*axis=*/0).getResult();
}

/// Nothing reads the activated gates before differentiation.
static void expand(nn::LstmOp lstm) {
  ImplicitLocOpBuilder builder(lstm.getLoc(), lstm);
  int64_t steps = shapeOf(lstm.getH())[0], hidden = shapeOf(lstm.getH())[2];
  SmallVector<Value> states(steps), cells(steps);
  Value h = lstm.getH0(), c = lstm.getC0();
  for (int64_t i = 0; i < steps; ++i) {
    int64_t at = lstm.getReverse() ? steps - 1 - i : i;
    Value row = slice(builder, lstm.getGates(), 0, at, 1);
    Value ofInput = nn::ReshapeOp::create(builder, typeLike(row, shapeOf(row).drop_front()), row);
    Value ofState = nn::MatmulOp::create(builder, h, lstm.getR(), /*bias=*/Value(), /*transposeA=*/false, /*transposeB=*/true, /*wide=*/false,
                                         /*epilogue=*/nn::EpilogueAttr(), /*epilogueOperand=*/Value());
    Value all = nn::AddOp::create(builder, ofInput, ofState);
    auto gate = [&](int64_t number) { return slice(builder, all, 1, number * hidden, hidden); };
    Value input = nn::SigmoidOp::create(builder, gate(0)), output = nn::SigmoidOp::create(builder, gate(1));
    Value forget = nn::SigmoidOp::create(builder, gate(2)), candidate = nn::TanhOp::create(builder, gate(3));
    Value kept = nn::MulOp::create(builder, forget, c), taken = nn::MulOp::create(builder, input, candidate);
    cells[at] = c = nn::AddOp::create(builder, kept, taken);
    Value bounded = nn::TanhOp::create(builder, c);
    states[at] = h = nn::MulOp::create(builder, output, bounded);
  }
  lstm.getH().replaceAllUsesWith(stack(builder, states));
  if (!lstm.getC().use_empty())
    lstm.getC().replaceAllUsesWith(stack(builder, cells));
  lstm.erase();
}

namespace {
struct ExpandRecurrencePass : dtc::impl::ExpandRecurrencePassBase<ExpandRecurrencePass> {
  using ExpandRecurrencePassBase::ExpandRecurrencePassBase;

  void runOnOperation() override {
    SmallVector<nn::LstmOp> all;
    getOperation().walk([&](nn::LstmOp op) { all.push_back(op); });
    for (nn::LstmOp lstm : all) {
      if (!lstm.getActivated().use_empty()) {
        lstm.emitOpError("has 'activated' read: steps are written out before differentiation");
        return signalPassFailure();
      }
      expand(lstm);
    }
  }
};
} // namespace

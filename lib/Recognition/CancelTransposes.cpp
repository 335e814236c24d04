// dtc-cancel-transposes: ops that have no layout of their own take the one in which fewer elements are transposed.
//
// For one permutation p after the other: each op that could as well work on tensors with their dimensions in another order either stays, or
// works on x where it had transpose(x, p). A tensor that is written in one order and read in the other costs its bytes. Which ops move is a
// minimum cut (MinimumCut.h): exact, also where branches meet and part.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"
#include "lib/Recognition/MinimumCut.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Sequence.h"

namespace dtc {
#define GEN_PASS_DEF_CANCELTRANSPOSESPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using dtc::recognition::MinimumCut;

namespace {

using Permutation = SmallVector<int64_t>;

ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// What a transpose of `value` moves.
int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() * std::max<int64_t>(type.getElementTypeBitWidth() / 8, 1);
}

Permutation inverseOf(ArrayRef<int64_t> permutation) {
  Permutation inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = static_cast<int64_t>(i);
  return inverse;
}

/// `values`, one of each dimension of transpose(x, p), for those of x.
SmallVector<int64_t> reordered(ArrayRef<int64_t> values, ArrayRef<int64_t> p) {
  SmallVector<int64_t> result(values.size());
  for (auto [i, dim] : llvm::enumerate(p))
    result[dim] = values[i];
  return result;
}

/// `shape` with dimensions of size 1 in front until it has `rank` of them, as broadcasting sees it.
SmallVector<int64_t> aligned(ArrayRef<int64_t> shape, int64_t rank) {
  SmallVector<int64_t> result(rank - static_cast<int64_t>(shape.size()), 1);
  llvm::append_range(result, shape);
  return result;
}

/// Whether dimensions larger than 1 stay in their order: the elements then do too.
bool movesNothing(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (int64_t dim : permutation)
    if (shape[dim] != 1) {
      if (dim < last)
        return false;
      last = dim;
    }
  return true;
}

bool isSplat(Value value) {
  DenseElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat();
}

bool isReduction(Operation *op) { return isa<ReduceSumOp, ReduceMeanOp>(op); }
ArrayRef<int64_t> axesOf(Operation *op) {
  auto sum = dyn_cast<ReduceSumOp>(op);
  return sum ? sum.getAxes() : cast<ReduceMeanOp>(op).getAxes();
}

/// Whether `op` could work on tensors of `rank` dimensions in any order. What draws random numbers could not: they belong to elements.
bool hasNoLayout(Operation *op, int64_t rank) {
  if (op->getNumResults() != 1)
    return false;
  if (op->hasTrait<Elementwise>() || isa<BroadcastOp, ConcatOp, SliceOp, PadOp, SoftmaxOp, LogSoftmaxOp>(op))
    return rankOf(op->getResult(0)) == rank;
  return isReduction(op) && rankOf(op->getOperand(0)) == rank;
}

/// Of a reduction that drops the dimensions that it reduces: how its result for x is transposed to that for transpose(x, p).
Permutation keptOrder(Operation *reduction, ArrayRef<int64_t> p) {
  SmallVector<int64_t> kept;
  for (auto [i, dim] : llvm::enumerate(p))
    if (!llvm::is_contained(axesOf(reduction), static_cast<int64_t>(i)))
      kept.push_back(dim);
  Permutation order;
  for (int64_t dim : kept)
    order.push_back(llvm::count_if(kept, [&](int64_t other) { return other < dim; }));
  return order;
}
bool keepsDimensions(Operation *op) { return !isReduction(op) || rankOf(op->getResult(0)) == rankOf(op->getOperand(0)); }

//===-- one permutation --===//

class Layout {
public:
  Layout(func::FuncOp function, ArrayRef<int64_t> p) : function(function), p(p), back(inverseOf(p)), rank(static_cast<int64_t>(p.size())) {}

  /// Moves the ops for which it pays. False if there are none.
  bool improve();

private:
  /// In either order the same elements one behind the other: a reshape, or no op at all.
  bool isFree(Value value) const { return isSplat(value) || movesNothing(aligned(shapeOf(value), rank), back); }
  bool isTransposed(Operation *op, ArrayRef<int64_t> by) const {
    auto transpose = dyn_cast_or_null<TransposeOp>(op);
    return transpose && transpose.getPermutation() == by;
  }
  void addValue(MinimumCut &cut, Value value);
  void addOp(MinimumCut &cut, Operation *op);
  Value operandFor(OpBuilder &builder, Value value);
  void move(OpBuilder &builder, Operation *op);

  func::FuncOp function;
  ArrayRef<int64_t> p;
  Permutation back;
  int64_t rank;
  llvm::MapVector<Operation *, MinimumCut::Node> candidates;
  /// Of values, what they are before transpose(·, p).
  DenseMap<Value, Value> moved;
};

/// What it costs where `value` is not read as it is written. The source's side is what moves.
void Layout::addValue(MinimumCut &cut, Value value) {
  Operation *definition = value.getDefiningOp();
  auto writer = candidates.find(definition);
  MinimumCut::Node written = writer != candidates.end()       ? writer->second
                             : isTransposed(definition, p) ? MinimumCut::source
                                                           : MinimumCut::sink;
  llvm::SetVector<MinimumCut::Node> read;
  for (Operation *user : value.getUsers()) {
    auto reader = candidates.find(user);
    read.insert(reader != candidates.end()         ? reader->second
                : isTransposed(user, back) ? MinimumCut::source
                                           : MinimumCut::sink);
  }
  // However many read it, it is transposed once.
  MinimumCut::Node forth = cut.addNode(), backwards = cut.addNode();
  cut.addEdge(written, forth, bytesOf(value));
  cut.addEdge(backwards, written, bytesOf(value));
  for (MinimumCut::Node reader : read) {
    cut.addEdge(forth, reader, MinimumCut::forbidden);
    cut.addEdge(reader, backwards, MinimumCut::forbidden);
  }
}

/// What it costs to move `op` besides.
void Layout::addOp(MinimumCut &cut, Operation *op) {
  MinimumCut::Node node = candidates.lookup(op);
  for (Value operand : op->getOperands())
    if (rankOf(operand) < rank && !isFree(operand))
      cut.addEdge(node, MinimumCut::sink, bytesOf(operand));
  Value result = op->getResult(0);
  if (!keepsDimensions(op)) {
    Permutation order = keptOrder(op, p);
    SmallVector<int64_t> shape = reordered(shapeOf(result), order);
    if (!movesNothing(shape, order))
      cut.addEdge(node, MinimumCut::sink, bytesOf(result));
  }
}

Value Layout::operandFor(OpBuilder &builder, Value value) {
  if (Value known = moved.lookup(value))
    return known;
  if (isTransposed(value.getDefiningOp(), p))
    return moved[value] = cast<TransposeOp>(value.getDefiningOp()).getX();
  auto type = cast<RankedTensorType>(value.getType());
  // It broadcasts to any order.
  if (type.getNumElements() == 1 && type.getRank() < rank)
    return value;
  SmallVector<int64_t> full = aligned(type.getShape(), rank), shape = reordered(full, p);
  Location location = value.getLoc();
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)) && elements.isSplat())
    return moved[value] = ConstantOp::create(builder, location, type.clone(shape), elements.resizeSplat(type.clone(shape)));
  if (movesNothing(full, back))
    return moved[value] = ReshapeOp::create(builder, location, type.clone(shape), value);
  Value whole = type.getRank() == rank ? value : Value(ReshapeOp::create(builder, location, type.clone(full), value));
  return moved[value] = TransposeOp::create(builder, location, whole, back);
}

void Layout::move(OpBuilder &builder, Operation *op) {
  builder.setInsertionPoint(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(operandFor(builder, operand));
  Operation *other = builder.clone(*op);
  other->setOperands(operands);
  auto inOrder = [&](ArrayRef<int64_t> axes) {
    SmallVector<int64_t> result;
    for (int64_t axis : axes)
      result.push_back(p[axis]);
    llvm::sort(result);
    return result;
  };
  if (auto concat = dyn_cast<ConcatOp>(other))
    concat.setAxis(p[concat.getAxis()]);
  else if (auto softmax = dyn_cast<SoftmaxOp>(other))
    softmax.setAxis(p[softmax.getAxis()]);
  else if (auto logSoftmax = dyn_cast<LogSoftmaxOp>(other))
    logSoftmax.setAxis(p[logSoftmax.getAxis()]);
  else if (auto slice = dyn_cast<SliceOp>(other))
    slice.setOffsets(reordered(slice.getOffsets(), p));
  else if (auto pad = dyn_cast<PadOp>(other))
    pad.setOffsets(reordered(pad.getOffsets(), p));
  else if (auto sum = dyn_cast<ReduceSumOp>(other))
    sum.setAxes(inOrder(sum.getAxes()));
  else if (auto mean = dyn_cast<ReduceMeanOp>(other))
    mean.setAxes(inOrder(mean.getAxes()));

  Value old = op->getResult(0), result = other->getResult(0);
  auto type = cast<RankedTensorType>(old.getType());
  Permutation order = keepsDimensions(op) ? Permutation(p) : keptOrder(op, p);
  result.setType(type.clone(reordered(type.getShape(), order)));
  if (keepsDimensions(op))
    moved[old] = result;
  // Who stays reads it as before; nobody, if all move: it is then dead.
  for (Operation *user : llvm::make_early_inc_range(old.getUsers()))
    if (keepsDimensions(op) && isTransposed(user, back))
      user->getResult(0).replaceAllUsesWith(result);
  Value before = llvm::is_sorted(order) ? result : Value(TransposeOp::create(builder, op->getLoc(), result, order));
  old.replaceAllUsesWith(before);
  if (keepsDimensions(op))
    moved[before] = result;
}

bool Layout::improve() {
  MinimumCut cut;
  llvm::SetVector<Value> values;
  function.walk([&](Operation *op) {
    if (hasNoLayout(op, rank))
      candidates[op] = cut.addNode();
  });
  for (auto &[op, node] : candidates) {
    addOp(cut, op);
    for (Value operand : op->getOperands())
      if (rankOf(operand) == rank && !isFree(operand))
        values.insert(operand);
    if (keepsDimensions(op) && !isFree(op->getResult(0)))
      values.insert(op->getResult(0));
  }
  for (Value value : values)
    addValue(cut, value);
  std::vector<bool> moves = cut.solve();
  SmallVector<Operation *> chosen;
  for (auto &[op, node] : candidates)
    if (moves[node])
      chosen.push_back(op);
  OpBuilder builder(function.getContext());
  for (Operation *op : chosen)
    move(builder, op);
  return !chosen.empty();
}

//===-- transposes among themselves --===//

/// A transpose that moves dimensions of size 1 alone is a reshape.
struct ReshapeUnits : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    if (llvm::is_sorted(op.getPermutation()) || !movesNothing(shapeOf(op.getX()), op.getPermutation()))
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getX());
    return success();
  }
};

struct CancelTransposesPass : dtc::impl::CancelTransposesPassBase<CancelTransposesPass> {
  /// Merges transposes of transposes (their folder). What is dead goes as well: it would count as a reader.
  LogicalResult clean() {
    RewritePatternSet patterns(&getContext());
    patterns.add<ReshapeUnits>(&getContext());
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }

  void runOnOperation() override {
    // Each round moves fewer bytes than the one before, so this ends; a model that is not trusted does not decide when.
    constexpr int mostRounds = 8;
    bool changed = true;
    for (int round = 0; changed && round < mostRounds; ++round) {
      if (failed(clean()))
        return signalPassFailure();
      llvm::SetVector<Attribute> permutations;
      getOperation().walk([&](TransposeOp op) { permutations.insert(op.getPermutationAttr()); });
      changed = false;
      for (Attribute permutation : permutations) {
        if (!Layout(getOperation(), cast<DenseI64ArrayAttr>(permutation).asArrayRef()).improve())
          continue;
        changed = true;
        if (failed(clean()))
          return signalPassFailure();
      }
    }
  }
};

} // namespace

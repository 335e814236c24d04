// dtc-simplify-graph: local rewrites that make the step cheaper. Each keeps the
// value and the gradients; its reason stands above it.
#include "ConstantFolding.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace dtc {
#define GEN_PASS_DEF_SIMPLIFYGRAPHPASS
#include "dtc/Autodiff/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {

bool isMonotone(ReluOp) { return true; }
bool isMonotone(LeakyReluOp op) {
  return !op.getAlpha().isNegative() && !op.getAlpha().isNaN();
}

/// max_pool(f(x)) -> f(max_pool(x)) for f = relu, or leaky_relu with alpha >= 0:
/// f then works on fewer elements, forward and backward.
///
/// The value: f never decreases, so the maximum of f is f of the maximum.
/// The gradient: let m be a window's maximum. If m > 0, f(x) = x near it and
/// every other f(x) is smaller exactly where x is, so the first maximum stands
/// at the same place and f's slope there is 1 either way. If m <= 0 and
/// alpha > 0, f is strictly increasing, so the place is the same again, and the
/// slope alpha. If m <= 0 and alpha = 0 (or relu), all f(x) are 0 and the places
/// may differ, but the slope is 0 at both, so no gradient arrives at either.
///
/// An index that somebody reads would change in that last case; before adjoints
/// are built nobody does. Saturating activations (sigmoid, tanh) stay: where
/// they round different x to one value, the places differ and the slopes do not
/// vanish.
template <typename Activation>
struct MovePoolBelowActivation : OpRewritePattern<MaxPoolOp> {
  using OpRewritePattern<MaxPoolOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MaxPoolOp pool,
                                PatternRewriter &rewriter) const override {
    auto activation = pool.getX().getDefiningOp<Activation>();
    if (!activation || !activation->hasOneUse() || !pool.getIndex().use_empty() ||
        !isMonotone(activation))
      return failure();
    auto moved = cast<MaxPoolOp>(rewriter.clone(*pool));
    moved.getXMutable().assign(activation.getX());
    rewriter.setInsertionPoint(pool);
    IRMapping mapping;
    mapping.map(activation.getX(), moved.getY());
    Operation *above = rewriter.clone(*activation, mapping);
    above->getResult(0).setType(moved.getY().getType());
    rewriter.replaceOp(pool, {above->getResult(0), moved.getIndex()});
    return success();
  }
};

/// reshape(reshape(x)) -> reshape(x): the order of the elements is the same.
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getX());
    return success();
  }
};

/// matmul of a matrix with its last two dimensions swapped reads it transposed:
/// no copy.
struct ReadTransposed : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  static TransposeOp swappedMatrix(Value operand) {
    auto transpose = operand.getDefiningOp<TransposeOp>();
    if (!transpose)
      return {};
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    int64_t rank = permutation.size();
    for (int64_t d = 0; d < rank - 2; ++d)
      if (permutation[d] != d)
        return {};
    return permutation[rank - 1] == rank - 2 ? transpose : TransposeOp();
  }

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp a = swappedMatrix(op.getA()), b = swappedMatrix(op.getB());
    if (!a && !b)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (a) {
        op.getAMutable().assign(a.getX());
        op.setTransposeA(!op.getTransposeA());
      }
      if (b) {
        op.getBMutable().assign(b.getX());
        op.setTransposeB(!op.getTransposeB());
      }
    });
    return success();
  }
};

/// log(softmax(x)) -> log_softmax(x): stable, and half the exponentials.
struct UseLogSoftmax : OpRewritePattern<LogOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LogOp op,
                                PatternRewriter &rewriter) const override {
    auto softmax = op.getX().getDefiningOp<SoftmaxOp>();
    // With another use the softmax would be computed as well as its logarithm.
    if (!softmax || !softmax->hasOneUse())
      return failure();
    rewriter.replaceOpWithNewOp<LogSoftmaxOp>(op, softmax.getX(), softmax.getAxis());
    return success();
  }
};

/// An elementwise op broadcasts by itself; the repeated tensor is never made.
struct BroadcastInPlace : RewritePattern {
  explicit BroadcastInPlace(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!op->hasTrait<Elementwise>())
      return failure();
    for (OpOperand &operand : op->getOpOperands()) {
      auto broadcast = operand.get().getDefiningOp<BroadcastOp>();
      if (!broadcast)
        continue;
      SmallVector<Value> operands(op->getOperands());
      operands[operand.getOperandNumber()] = broadcast.getX();
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      if (broadcastShape(operands) != SmallVector<int64_t>(type.getShape()))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(broadcast.getX()); });
      return success();
    }
    return failure();
  }
};

/// x^2 -> x x: a product instead of a call; the slope 2 x is the same.
struct SquareByProduct : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    if (getSplat(op.getB()) != 2.0 || op.getA().getType() != op.getType())
      return failure();
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getA(), op.getA());
    return success();
  }
};

/// batch_norm_gradient of where_positive(relu(y), dy, 0), which nobody else reads, decides by itself where y > 0: neither y nor
/// what the selection wrote is read again. y = batch_norm_training(x) of the same x and statistics.
struct ReluGradientInBatchNorm : OpRewritePattern<BatchNormGradientOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchNormGradientOp op,
                                PatternRewriter &rewriter) const override {
    auto where = op.getDy().getDefiningOp<WherePositiveOp>();
    if (op.getBias() || !where || !where->hasOneUse() || getSplat(where.getB()) != 0.0 ||
        where.getA().getType() != op.getDy().getType())
      return failure();
    auto relu = where.getCondition().getDefiningOp<ReluOp>();
    auto norm = relu ? relu.getX().getDefiningOp<BatchNormTrainingOp>() : nullptr;
    if (!norm || relu.getX() != norm.getY() || norm.getX() != op.getX() ||
        norm.getScale() != op.getScale() || norm.getSampleWeight() != op.getSampleWeight() ||
        norm.getMean() != op.getMean() || norm.getInverse() != op.getInverse() ||
        norm.getEpilogueAttr())
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getDyMutable().assign(where.getA());
      op.getBiasMutable().assign(norm.getBias());
    });
    return success();
  }
};

/// Ops that give back an operand unchanged, bit for bit.
struct DropIdentity : RewritePattern {
  explicit DropIdentity(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  /// x - (-0) would turn a negative zero.
  static bool isPositiveZero(std::optional<double> value) {
    return value == 0.0 && !std::signbit(*value);
  }

  /// The operand that `op` gives back, if it does.
  static Value identityOf(Operation *op) {
    if (auto mul = dyn_cast<MulOp>(op))
      return getSplat(mul.getB()) == 1.0   ? mul.getA()
             : getSplat(mul.getA()) == 1.0 ? mul.getB()
                                           : Value();
    if (auto div = dyn_cast<DivOp>(op))
      return getSplat(div.getB()) == 1.0 ? div.getA() : Value();
    if (auto pow = dyn_cast<PowOp>(op))
      return getSplat(pow.getB()) == 1.0 ? pow.getA() : Value();
    if (auto sub = dyn_cast<SubOp>(op))
      return isPositiveZero(getSplat(sub.getB())) ? sub.getA() : Value();
    if (auto reduce = dyn_cast<ReduceSumOp>(op))
      return reduce.getAxes().empty() ? reduce.getX() : Value();
    if (auto concat = dyn_cast<ConcatOp>(op))
      return concat.getOperands().size() == 1 ? concat.getOperands().front() : Value();
    if (isa<SliceOp, PadOp>(op))
      return op->getOperand(0);
    return {};
  }

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    Value same = identityOf(op);
    // A slice or pad of all is known by its type; broadcasting ops by theirs.
    if (!same || same.getType() != op->getResult(0).getType())
      return failure();
    rewriter.replaceOp(op, same);
    return success();
  }
};

struct SimplifyGraphPass : dtc::impl::SimplifyGraphPassBase<SimplifyGraphPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MovePoolBelowActivation<ReluOp>,
                 MovePoolBelowActivation<LeakyReluOp>, MergeReshapes,
                 ReadTransposed, UseLogSoftmax, BroadcastInPlace,
                 SquareByProduct, ReluGradientInBatchNorm, DropIdentity>(&getContext());
    populateConstantFoldingPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

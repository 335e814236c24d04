// dtc-recognise-attention: two products with a softmax between them become attention.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"
#include "lib/Recognition/AttentionMask.h"
#include "lib/Recognition/AttentionOperand.h"
#include "lib/Recognition/ConstantNumber.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Traits.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace dtc {
#define GEN_PASS_DEF_RECOGNISEATTENTIONPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using namespace dtc::recognition;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isPlain(MatmulOp op) { return !op.getBias() && !op.getWide() && !op.getEpilogueAttr(); }

/// The probabilities p behind where(p is NaN, 0, p), with which exporters write that a query without keys gives 0. `parts` gets what this
/// is made of.
Value withoutGuard(Value value) {
  auto where = value.getDefiningOp<WhereOp>();
  if (!where || !where->hasOneUse() || numberOf(where.getA()) != 0.0)
    return {};
  Value p = where.getB();
  auto isNaN = where.getCondition().getDefiningOp<NotOp>();
  auto equal = isNaN ? isNaN.getX().getDefiningOp<EqualOp>() : EqualOp();
  if (!equal || equal.getA() != p || equal.getB() != p || !isNaN->hasOneUse() || !equal->hasOneUse() || where.getType() != p.getType())
    return {};
  bool readElsewhere = llvm::any_of(p.getUsers(), [&](Operation *user) { return user != where && user != equal; });
  return readElsewhere ? Value() : p;
}

/// The operands of attention before they have the shapes that it takes.
struct Operands {
  AttentionOperand q, k, v;
};

/// k and v of the heads before they were repeated, if both were, as often.
void shareHeads(Operands &operands) {
  std::optional<AttentionOperand> k = operands.k.withoutRepeatedHeads(), v = operands.v.withoutRepeatedHeads();
  if (!k || !v || k->getShape()[1] != v->getShape()[1])
    return;
  operands.k = *k;
  operands.v = *v;
}

/// softmax(scale q k^T + mask) v -> attention. The scores' tensor of queries x keys is never made.
struct FuseAttention : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    const int64_t rank = op.getType().getRank();
    if (!isPlain(op) || op.getTransposeA() || (rank != 3 && rank != 4))
      return failure();
    Value unguarded = withoutGuard(op.getA()), probabilities = unguarded ? unguarded : op.getA();
    auto softmax = probabilities.getDefiningOp<SoftmaxOp>();
    if (!softmax || softmax.getWide() || static_cast<int64_t>(softmax.getAxis()) != rank - 1 || typeOf(softmax).getRank() != rank ||
        (!unguarded && !softmax->hasOneUse()))
      return failure();
    std::optional<AttentionScores> scores = readScores(softmax.getX(), /*guarded=*/bool(unguarded));
    auto product = scores ? scores->product.getDefiningOp<MatmulOp>() : MatmulOp();
    if (!product || !isPlain(product))
      return failure();

    for (Value operand : {product.getA(), product.getB(), op.getB()})
      if (typeOf(operand).getRank() != rank)
        return failure();
    Operands operands = {AttentionOperand::of(product.getA(), product.getTransposeA()),
                         AttentionOperand::of(product.getB(), !product.getTransposeB()),
                         AttentionOperand::of(op.getB(), op.getTransposeB())};
    // v's factor would be one of the result's.
    if (operands.v.scale != 1)
      return failure();
    if (rank == 4)
      shareHeads(operands);
    double scale = scores->scale * operands.q.scale * operands.k.scale;
    if (!std::isfinite(scale) || !fits(operands, op.getType()))
      return failure();
    Value mask = scores->mask ? scores->mask : Value();
    if (mask && !broadcasts(typeOf(mask), typeOf(softmax)))
      return failure();
    build(op, operands, *scores, scale, rewriter);
    return success();
  }

private:
  /// Whether the operands have samples in common, and heads that divide.
  static bool fits(const Operands &operands, RankedTensorType result) {
    SmallVector<int64_t> q = operands.q.getShape(), k = operands.k.getShape(), v = operands.v.getShape();
    ArrayRef<int64_t> y = result.getShape();
    if (llvm::is_contained(q, 0) || llvm::is_contained(k, 0) || llvm::is_contained(v, 0) || q[0] != k[0] ||
        ArrayRef(k).drop_back() != ArrayRef(v).drop_back() || ArrayRef(q).drop_back() != y.drop_back() || v.back() != y.back() ||
        q.back() != k.back())
      return false;
    return q.size() == 3 || q[1] % k[1] == 0;
  }

  static bool broadcasts(RankedTensorType mask, RankedTensorType scores) {
    SmallVector<int64_t> together;
    return mask.getRank() <= scores.getRank() && OpTrait::util::getBroadcastedShape(mask.getShape(), scores.getShape(), together) &&
           ArrayRef(together) == scores.getShape();
  }

  /// A tensor of rank 3 with a dimension of one head behind the samples.
  static Value withHead(OpBuilder &builder, Location location, Value value) {
    auto type = typeOf(value);
    if (type.getRank() != 3)
      return value;
    ArrayRef<int64_t> shape = type.getShape();
    return ReshapeOp::create(builder, location, RankedTensorType::get({shape[0], 1, shape[1], shape[2]}, type.getElementType()), value);
  }

  static void build(MatmulOp op, const Operands &operands, const AttentionScores &scores, double scale, PatternRewriter &rewriter) {
    Location location = op.getLoc();
    auto onAll = [&](ArrayRef<int64_t> permutation) {
      return operands.q.hasPermutation(permutation) && operands.k.hasPermutation(permutation) && operands.v.hasPermutation(permutation);
    };
    const SmallVector<int64_t> headsBehind = {0, 2, 1, 3};
    bool positionsFirst = onAll(headsBehind);
    SmallVector<Value> arguments;
    for (const AttentionOperand *operand : {&operands.q, &operands.k, &operands.v})
      arguments.push_back(positionsFirst ? operand->source : withHead(rewriter, location, operand->build(rewriter, location)));
    Value mask = scores.buildMask(rewriter, location);
    // Of tensors with heads a mask of rank 3 has heads in front.
    if (mask && op.getType().getRank() == 3)
      mask = withHead(rewriter, location, mask);
    auto attention = AttentionOp::create(rewriter, location, arguments[0], arguments[1], arguments[2], mask, APFloat(scale), scores.causal,
                                         positionsFirst);
    Value y = attention.getY();
    if (positionsFirst)
      y = TransposeOp::create(rewriter, location, y, headsBehind);
    rewriter.replaceOp(op, y.getType() == op.getType() ? y : ReshapeOp::create(rewriter, location, op.getType(), y).getResult());
  }
};

struct RecogniseAttentionPass : dtc::impl::RecogniseAttentionPassBase<RecogniseAttentionPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseAttention>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

// dtc-recognise-normalisations: normalisations of a sample that an exporter wrote as means, differences and roots.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"
#include "lib/Recognition/ConstantNumber.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace dtc {
#define GEN_PASS_DEF_RECOGNISENORMALISATIONSPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using namespace dtc::recognition;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===-- x / sqrt(mean(x^2) + epsilon) --===//

/// The mean of `x` over its dimensions from `axis` on, which stay with length 1.
struct Mean {
  Value x;
  int64_t axis;
};

/// What `value` is the mean of; through a reshape that gives back the dimensions of length 1. Nothing that anybody but `value`'s readers
/// reads.
std::optional<Mean> matchMean(Value value) {
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  auto mean = value.getDefiningOp<ReduceMeanOp>();
  if (!mean || mean.getAxes().empty())
    return std::nullopt;
  auto x = typeOf(mean.getX());
  SmallVector<int64_t> axes(mean.getAxes());
  llvm::sort(axes);
  // Rows of a normalisation are trailing dimensions, and the samples of a batch, which stand in front, are none of them.
  int64_t axis = axes.front();
  if (axis < 1 || x.getRank() - axis != static_cast<int64_t>(axes.size()))
    return std::nullopt;
  return Mean{mean.getX(), axis};
}

bool keepsDimensions(Value mean, const Mean &of) {
  SmallVector<int64_t> shape(typeOf(of.x).getShape());
  std::fill(shape.begin() + of.axis, shape.end(), 1);
  return typeOf(mean).getShape() == ArrayRef(shape);
}

/// a and b are the same value, or the same difference taken twice.
bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  auto first = a.getDefiningOp<SubOp>(), second = b.getDefiningOp<SubOp>();
  return first && second && first.getA() == second.getA() && first.getB() == second.getB();
}

/// Of d d, d to the power of 2.
Value matchSquare(Value value) {
  if (auto mul = value.getDefiningOp<MulOp>())
    return isSame(mul.getA(), mul.getB()) ? mul.getA() : Value();
  if (auto power = value.getDefiningOp<PowOp>())
    return numberOf(power.getB()) == 2.0 ? power.getA() : Value();
  return {};
}

/// What `value` is the root of.
Value matchRoot(Value value) {
  if (auto root = value.getDefiningOp<SqrtOp>())
    return root.getX();
  if (auto power = value.getDefiningOp<PowOp>())
    return numberOf(power.getB()) == 0.5 ? power.getA() : Value();
  return {};
}

/// What `value` is the reciprocal root of; `parts` gets what stands between.
Value matchReciprocalRoot(Value value, SmallVectorImpl<Value> &parts) {
  auto power = value.getDefiningOp<PowOp>();
  if (power && numberOf(power.getB()) == -0.5)
    return power.getA();
  Value root;
  if (auto div = value.getDefiningOp<DivOp>(); div && numberOf(div.getA()) == 1.0)
    root = div.getB();
  if (power && numberOf(power.getB()) == -1.0)
    root = power.getA();
  if (!root)
    return {};
  parts.push_back(root);
  return matchRoot(root);
}

/// d divided by its root mean square.
struct Normalised {
  Value d;
  int64_t axis;
  APFloat epsilon;
  /// What only this may read.
  SmallVector<Value> parts;
};

/// `ofRoot` = mean(d^2) + epsilon, of which `d` is divided by the root; `parts` are those between.
std::optional<Normalised> matchNormalised(Value d, Value ofRoot, SmallVector<Value> parts) {
  auto sum = ofRoot ? ofRoot.getDefiningOp<AddOp>() : AddOp();
  if (!sum)
    return std::nullopt;
  parts.push_back(ofRoot);
  bool epsilonFirst = numberOf(sum.getA()).has_value();
  std::optional<double> epsilon = numberOf(epsilonFirst ? sum.getA() : sum.getB());
  Value variance = epsilonFirst ? sum.getB() : sum.getA();
  if (!epsilon || !(*epsilon > 0) || !std::isfinite(*epsilon))
    return std::nullopt;
  std::optional<Mean> mean = matchMean(variance);
  if (!mean || !keepsDimensions(variance, *mean) || ofRoot.getType() != variance.getType())
    return std::nullopt;
  Value square = matchSquare(mean->x);
  if (!square || !isSame(square, d) || mean->x.getType() != d.getType())
    return std::nullopt;
  parts.push_back(variance);
  if (auto reshape = variance.getDefiningOp<ReshapeOp>())
    parts.push_back(reshape.getX());
  parts.push_back(mean->x);
  if (!llvm::all_of(parts, [](Value part) { return part.hasOneUse(); }))
    return std::nullopt;
  // Both differences, where there are two.
  return Normalised{d, mean->axis, APFloat(*epsilon), {d, square, mean->x}};
}

/// Of the quotient `op` = d / sqrt(…), or the product d (1 / sqrt(…)).
std::optional<Normalised> matchNormalised(Operation *op) {
  if (auto div = dyn_cast<DivOp>(op)) {
    if (div.getA().getType() != div.getType())
      return std::nullopt;
    return matchNormalised(div.getA(), matchRoot(div.getB()), {div.getB()});
  }
  for (unsigned i : {0, 1}) {
    Value d = op->getOperand(i), inverse = op->getOperand(1 - i);
    if (d.getType() != op->getResult(0).getType())
      continue;
    SmallVector<Value> parts = {inverse};
    Value ofRoot = matchReciprocalRoot(inverse, parts);
    if (std::optional<Normalised> found = matchNormalised(d, ofRoot, parts))
      return found;
  }
  return std::nullopt;
}

/// The x of d = x - mean(x) over the same dimensions, if only `op` and the square read d and only d reads the mean.
Value matchCentred(Operation *op, const Normalised &normalised) {
  auto difference = normalised.d.getDefiningOp<SubOp>();
  if (!difference || difference.getA().getType() != difference.getType())
    return {};
  std::optional<Mean> mean = matchMean(difference.getB());
  if (!mean || mean->x != difference.getA() || mean->axis != normalised.axis || !keepsDimensions(difference.getB(), *mean))
    return {};
  Operation *square = normalised.parts.back().getDefiningOp();
  SmallPtrSet<Operation *, 2> differences;
  for (Value part : ArrayRef(normalised.parts).drop_back()) {
    differences.insert(part.getDefiningOp());
    for (Operation *user : part.getUsers())
      if (user != op && user != square)
        return {};
  }
  Value ofRow = difference.getB();
  if (auto reshape = ofRow.getDefiningOp<ReshapeOp>(); reshape && !reshape.getX().hasOneUse())
    return {};
  for (Operation *user : ofRow.getUsers())
    if (!differences.contains(user))
      return {};
  return mean->x;
}

/// d / sqrt(mean(d^2) + epsilon) -> layer_norm(x) where d = x - mean(x), else rms_norm(d).
template <typename Op> struct RecogniseRows : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!hasGradient(op.getType()) || op.getType().getNumElements() == 0)
      return failure();
    std::optional<Normalised> found = matchNormalised(op);
    if (!found)
      return failure();
    auto axis = rewriter.getI64IntegerAttr(found->axis);
    auto epsilon = rewriter.getF64FloatAttr(found->epsilon.convertToDouble());
    if (Value x = matchCentred(op, *found))
      rewriter.replaceOp(op, LayerNormOp::create(rewriter, op.getLoc(), x, Value(), Value(), axis, epsilon).getY());
    else
      rewriter.replaceOp(op, RmsNormOp::create(rewriter, op.getLoc(), found->d, Value(), axis, epsilon).getY());
    return success();
  }
};

//===-- scale and bias --===//

/// The shape of what broadcasts to rank `rank`, with all its dimensions of length 1 in front; none if it has more.
std::optional<SmallVector<int64_t>> alignedShape(Value value, int64_t rank) {
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  if (static_cast<int64_t>(shape.size()) > rank)
    return std::nullopt;
  SmallVector<int64_t> aligned(rank - shape.size(), 1);
  aligned.append(shape.begin(), shape.end());
  return aligned;
}

/// Whether `value` has one element for each of x's dimensions from `begin` to `end`, and broadcasts along the others.
bool spans(Value value, Value x, int64_t begin, int64_t end) {
  std::optional<SmallVector<int64_t>> aligned = alignedShape(value, typeOf(x).getRank());
  if (!aligned || typeOf(value).getElementType() != typeOf(x).getElementType())
    return false;
  for (auto [dim, size] : llvm::enumerate(*aligned))
    if (size != (static_cast<int64_t>(dim) >= begin && static_cast<int64_t>(dim) < end ? typeOf(x).getDimSize(dim) : 1))
      return false;
  return true;
}

/// `value` with the dimensions of x from `begin` to `end` alone.
Value withDimensions(OpBuilder &builder, Location location, Value value, Value x, int64_t begin, int64_t end) {
  auto type = RankedTensorType::get(typeOf(x).getShape().slice(begin, end - begin), typeOf(x).getElementType());
  return value.getType() == type ? value : ReshapeOp::create(builder, location, type, value);
}

/// The op of which `value` is the first result, if nobody else reads it and nobody its statistics.
template <typename Norm> Norm soleNorm(Value value) {
  auto norm = value.getDefiningOp<Norm>();
  return norm && value == norm->getResult(0) && norm->hasOneUse() && value.hasOneUse() ? norm : Norm();
}

/// norm(x) scale -> norm(x) with a scale, where that has one value for each element of a row.
template <typename Norm> struct TakeScale : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto norm = soleNorm<Norm>(op->getOperand(i));
      if (!norm || norm.getScale() || norm->getNumOperands() != 1 || op.getType() != norm.getX().getType())
        continue;
      Value x = norm.getX(), scale = op->getOperand(1 - i);
      int64_t axis = norm.getAxis(), rank = typeOf(x).getRank();
      if (!spans(scale, x, axis, rank))
        continue;
      scale = withDimensions(rewriter, op.getLoc(), scale, x, axis, rank);
      if constexpr (std::is_same_v<Norm, LayerNormOp>)
        rewriter.replaceOp(op,
                           LayerNormOp::create(rewriter, op.getLoc(), x, scale, Value(), norm.getAxisAttr(), norm.getEpsilonAttr()).getY());
      else
        rewriter.replaceOp(op, RmsNormOp::create(rewriter, op.getLoc(), x, scale, norm.getAxisAttr(), norm.getEpsilonAttr()).getY());
      return success();
    }
    return failure();
  }
};

/// layer_norm(x) + bias -> layer_norm(x) with a bias.
struct TakeBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto norm = soleNorm<LayerNormOp>(op->getOperand(i));
      if (!norm || norm.getBias() || op.getType() != norm.getX().getType())
        continue;
      Value x = norm.getX(), bias = op->getOperand(1 - i);
      int64_t axis = norm.getAxis(), rank = typeOf(x).getRank();
      if (!spans(bias, x, axis, rank))
        continue;
      bias = withDimensions(rewriter, op.getLoc(), bias, x, axis, rank);
      rewriter.replaceOp(
          op, LayerNormOp::create(rewriter, op.getLoc(), x, norm.getScale(), bias, norm.getAxisAttr(), norm.getEpsilonAttr()).getY());
      return success();
    }
    return failure();
  }
};

//===-- groups of channels --===//

/// x [N, C, …] of which each group's values, without scale and bias, are normalised.
struct Groups {
  Value x;
  int64_t groups;
  FloatAttr epsilon;
};

/// Of layer_norm(x [N, C, …]) from dimension 2 on, a group for each channel; of reshape(layer_norm(reshape(x) [N, G, …])), G groups; of an
/// instance normalisation with a scale of ones and a bias of zeros for layer_norm the same (PyTorch's GroupNorm before opset 21).
std::optional<Groups> matchGroups(Value value) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  if (reshape && !reshape->hasOneUse())
    return std::nullopt;
  Value y = reshape ? reshape.getX() : value, x;
  FloatAttr epsilon;
  if (auto layer = soleNorm<LayerNormOp>(y); layer && layer.getAxis() == 2 && layer->getNumOperands() == 1) {
    x = layer.getX();
    epsilon = layer.getEpsilonAttr();
  } else if (auto group = soleNorm<GroupNormOp>(y); group &&
                                                    static_cast<int64_t>(group.getGroups()) == typeOf(group.getX()).getDimSize(1) &&
                                                    numberOf(group.getScale()) == 1.0 && numberOf(group.getBias()) == 0.0) {
    x = group.getX();
    epsilon = group.getEpsilonAttr();
  } else {
    return std::nullopt;
  }
  int64_t groups = typeOf(x).getDimSize(1);
  if (reshape) {
    auto before = x.getDefiningOp<ReshapeOp>();
    if (!before || before.getX().getType() != value.getType() || typeOf(before.getX()).getDimSize(0) != typeOf(x).getDimSize(0))
      return std::nullopt;
    x = before.getX();
  }
  int64_t rank = typeOf(x).getRank();
  if (rank < 3 || rank > 5 || typeOf(x).getDimSize(1) % groups != 0)
    return std::nullopt;
  return Groups{x, groups, epsilon};
}

/// groups(x) scale -> group_norm(x), where the scale has one value a channel.
struct RecogniseGroups : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      if (op->getOperand(i).getType() != op.getType())
        continue;
      std::optional<Groups> found = matchGroups(op->getOperand(i));
      Value scale = op->getOperand(1 - i);
      if (!found || !spans(scale, found->x, 1, 2))
        continue;
      scale = withDimensions(rewriter, op.getLoc(), scale, found->x, 1, 2);
      auto type = typeOf(scale);
      Value bias = ConstantOp::create(rewriter, op.getLoc(), type, DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), 0)));
      rewriter.replaceOp(
          op, GroupNormOp::create(rewriter, op.getLoc(), found->x, scale, bias, rewriter.getI64IntegerAttr(found->groups), found->epsilon)
                  .getY());
      return success();
    }
    return failure();
  }
};

/// group_norm(x) + bias -> group_norm(x) with that bias, where its own is 0.
struct TakeGroupBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto norm = soleNorm<GroupNormOp>(op->getOperand(i));
      Value bias = op->getOperand(1 - i);
      if (!norm || numberOf(norm.getBias()) != 0.0 || op.getType() != norm.getX().getType() || !spans(bias, norm.getX(), 1, 2))
        continue;
      bias = withDimensions(rewriter, op.getLoc(), bias, norm.getX(), 1, 2);
      rewriter.replaceOp(
          op, GroupNormOp::create(rewriter, op.getLoc(), norm.getX(), norm.getScale(), bias, norm.getGroupsAttr(), norm.getEpsilonAttr())
                  .getY());
      return success();
    }
    return failure();
  }
};

struct RecogniseNormalisationsPass : dtc::impl::RecogniseNormalisationsPassBase<RecogniseNormalisationsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseRows<DivOp>, RecogniseRows<MulOp>, TakeScale<LayerNormOp>, TakeScale<RmsNormOp>, TakeBias, RecogniseGroups,
                 TakeGroupBias>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

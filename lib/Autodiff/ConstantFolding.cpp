// Folding of constants that are one value throughout. Larger constants stay:
// they are data, not arithmetic left over by an exporter.
#include "ConstantFolding.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

std::optional<double> dtc::getSplat(Value tensor) {
  DenseFPElementsAttr value;
  if (!matchPattern(tensor, m_Constant(&value)) || !value.isSplat())
    return std::nullopt;
  return value.getSplatValue<APFloat>().convertToDouble();
}

namespace {

/// Replaces an op by a constant of its result type that is `value` throughout,
/// rounded to the element type. What is not finite stays to be seen at run time.
LogicalResult replaceBySplat(Operation *op, double value,
                             PatternRewriter &rewriter) {
  if (!std::isfinite(value))
    return failure();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  rewriter.replaceOpWithNewOp<ConstantOp>(
      op, type,
      DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), value)));
  return success();
}

/// formula(constants) -> constant. In double: for + - * / and sqrt of f32 that
/// rounds as computing in f32 would.
template <typename Op, auto formula>
struct FoldElementwise : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    std::optional<double> a = getSplat(op->getOperand(0));
    if (!a)
      return failure();
    if constexpr (std::is_invocable_v<decltype(formula), double, double>) {
      std::optional<double> b = getSplat(op->getOperand(1));
      if (!b)
        return failure();
      return replaceBySplat(op, formula(*a, *b), rewriter);
    } else {
      return replaceBySplat(op, formula(*a), rewriter);
    }
  }
};

/// Moving the elements of such a constant changes its shape alone.
template <typename Op>
struct FoldMovement : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    std::optional<double> x = getSplat(op->getOperand(0));
    if (!x)
      return failure();
    return replaceBySplat(op, *x, rewriter);
  }
};

} // namespace

void dtc::populateConstantFoldingPatterns(RewritePatternSet &patterns) {
  patterns.add<FoldElementwise<NegOp, [](double a) { return -a; }>,
               FoldElementwise<ExpOp, [](double a) { return std::exp(a); }>,
               FoldElementwise<LogOp, [](double a) { return std::log(a); }>,
               FoldElementwise<SqrtOp, [](double a) { return std::sqrt(a); }>,
               FoldElementwise<AddOp, [](double a, double b) { return a + b; }>,
               FoldElementwise<SubOp, [](double a, double b) { return a - b; }>,
               FoldElementwise<MulOp, [](double a, double b) { return a * b; }>,
               FoldElementwise<DivOp, [](double a, double b) { return a / b; }>,
               FoldElementwise<PowOp, [](double a, double b) { return std::pow(a, b); }>,
               FoldMovement<ReshapeOp>, FoldMovement<TransposeOp>,
               FoldMovement<BroadcastOp>, FoldMovement<SliceOp>>(
      patterns.getContext());
}

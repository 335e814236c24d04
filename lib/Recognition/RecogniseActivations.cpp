// dtc-recognise-activations: activations that an exporter wrote as formulas.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"
#include "lib/Recognition/ConstantNumber.h"
#include "lib/Recognition/Polynomial.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace dtc {
#define GEN_PASS_DEF_RECOGNISEACTIVATIONSPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using namespace dtc::recognition;

namespace {

//===-- the formulas --===//

/// An activation that its parts make of x and of t, a function of a polynomial of x.
struct Formula {
  /// The mnemonic of t, and what its attributes must be.
  StringLiteral inner;
  bool (*fits)(Operation *inner);
  /// Whether the polynomial stands in a softplus before t.
  bool ofSoftplus;
  Polynomial argument, whole;
  Value (*build)(OpBuilder &builder, Location location, Value x);
};

template <typename Op> Value build(OpBuilder &builder, Location location, Value x) { return Op::create(builder, location, x); }
Value buildGelu(OpBuilder &builder, Location location, Value x) { return GeluOp::create(builder, location, x, /*approximate=*/false); }
Value buildApproximateGelu(OpBuilder &builder, Location location, Value x) {
  return GeluOp::create(builder, location, x, /*approximate=*/true);
}

bool always(Operation *) { return true; }

bool clipsAt(Operation *op, double low, double high) {
  auto clip = cast<ClipOp>(op);
  return clip.getMin() && clip.getMax() && clip.getMin()->convertToDouble() == low && clip.getMax()->convertToDouble() == high;
}

/// 1, x, x^2, x^3.
Polynomial ofX(double one, double x, double cube = 0) { return {{{{one, x, 0, cube}, {}}}}; }
/// x, and x t.
Polynomial gated(double x, double xt) { return {{{{0, x, 0, 0}, {0, xt, 0, 0}}}}; }

ArrayRef<Formula> formulas() {
  const double root = std::sqrt(0.5), slope = std::sqrt(2 / M_PI), cube = 0.044715 * slope;
  static const Formula all[] = {
      // Hendrycks & Gimpel 2016; the tanh as such, and as 2 sigmoid(2 u) - 1.
      {"nn.erf", always, false, ofX(0, root), gated(0.5, 0.5), buildGelu},
      {"nn.tanh", always, false, ofX(0, slope, cube), gated(0.5, 0.5), buildApproximateGelu},
      {"nn.sigmoid", always, false, ofX(0, 2 * slope, 2 * cube), gated(0, 1), buildApproximateGelu},
      {"nn.sigmoid", always, false, ofX(0, 1), gated(0, 1), build<SiluOp>},
      {"nn.tanh", always, true, ofX(0, 1), gated(0, 1), build<MishOp>},
      // Howard et al. 2019: x relu6(x + 3) / 6, and that with the division inside. The slopes at -3 and 3 are hard_swish's: there t has
      // none.
      {"nn.clip", [](Operation *op) { return clipsAt(op, 0, 6); }, false, ofX(3, 1), gated(0, 1.0 / 6), build<HardSwishOp>},
      {"nn.clip", [](Operation *op) { return clipsAt(op, 0, 1); }, false, ofX(0.5, 1.0 / 6), gated(0, 1), build<HardSwishOp>},
      {"nn.hard_sigmoid",
       [](Operation *op) {
         auto inner = cast<HardSigmoidOp>(op);
         return isNumber(inner.getAlpha().convertToDouble(), 1.0 / 6) && isNumber(inner.getBeta().convertToDouble(), 0.5);
       },
       false, ofX(0, 1), gated(0, 1), build<HardSwishOp>},
  };
  return all;
}

//===-- finding them --===//

/// What x may be, where `op` is a step from t to the whole and `inner` the operand on this way: another operand, perhaps times a number.
void addCandidates(Operation *op, Value inner, SmallVectorImpl<Value> &candidates) {
  for (Value operand : op->getOperands()) {
    if (operand == inner || numberOf(operand))
      continue;
    candidates.push_back(operand);
    Operation *scaled = operand.getDefiningOp();
    if (isa_and_nonnull<MulOp, DivOp>(scaled) && numberOf(scaled->getOperand(1)))
      candidates.push_back(scaled->getOperand(0));
    if (isa_and_nonnull<MulOp>(scaled) && numberOf(scaled->getOperand(0)))
      candidates.push_back(scaled->getOperand(1));
  }
}

/// From t upwards through ops that nobody else reads, until the whole is the formula.
struct RecogniseFormula : RewritePattern {
  RecogniseFormula(const Formula &formula, MLIRContext *context)
      : RewritePattern(formula.inner, /*benefit=*/1, context), formula(formula) {}

  LogicalResult matchAndRewrite(Operation *inner, PatternRewriter &rewriter) const override {
    if (!formula.fits(inner))
      return failure();
    Value t = inner->getResult(0), argument = inner->getOperand(0);
    SetVector<Operation *> parts;
    parts.insert(inner);
    if (formula.ofSoftplus) {
      auto softplus = argument.getDefiningOp<SoftplusOp>();
      if (!softplus)
        return failure();
      parts.insert(softplus);
      argument = softplus.getX();
    }
    SmallVector<Value> candidates;
    Operation *whole = inner;
    // The longest way is erf, + 1, times x, times 1/2, with a step to spare.
    for (int step = 0; step < 5 && whole->hasOneUse(); ++step) {
      Value below = whole->getResult(0);
      whole = *whole->user_begin();
      if (!isa<AddOp, SubOp, MulOp, DivOp>(whole))
        return failure();
      addCandidates(whole, below, candidates);
      for (Value x : candidates)
        if (isFormula(whole, x, t, argument, parts)) {
          rewriter.setInsertionPoint(whole);
          rewriter.replaceOp(whole, formula.build(rewriter, whole->getLoc(), x));
          return success();
        }
    }
    return failure();
  }

private:
  bool isFormula(Operation *whole, Value x, Value t, Value argument, SetVector<Operation *> parts) const {
    if (x.getType() != whole->getResult(0).getType())
      return false;
    PolynomialReader ofWhole(x, t), ofArgument(x, Value());
    std::optional<Polynomial> all = ofWhole.read(whole->getResult(0)), inside = ofArgument.read(argument);
    if (!all || !inside || !all->is(formula.whole) || !inside->is(formula.argument))
      return false;
    parts.insert_range(ofWhole.getOps());
    parts.insert_range(ofArgument.getOps());
    // What somebody else reads would be computed as well as the activation.
    return llvm::all_of(parts, [&](Operation *part) {
      return part == whole || llvm::all_of(part->getUsers(), [&](Operation *user) { return parts.contains(user); });
    });
  }

  const Formula &formula;
};

/// 1 / (1 + e^-x) -> sigmoid(x), and x / (1 + e^-x) -> x sigmoid(x). Where e^-x overflows both have the same values; the parts' gradient is
/// no number.
struct RecogniseSigmoid : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    auto sum = op.getB().getDefiningOp<AddOp>();
    if (!sum || !sum->hasOneUse())
      return failure();
    bool oneFirst = numberOf(sum.getA()) == 1.0;
    auto power = (oneFirst ? sum.getB() : sum.getA()).getDefiningOp<ExpOp>();
    if (!power || !power->hasOneUse() || (!oneFirst && numberOf(sum.getB()) != 1.0))
      return failure();
    auto negative = power.getX().getDefiningOp<NegOp>();
    if (!negative || negative.getType() != op.getType())
      return failure();
    Value x = negative.getX();
    bool ofOne = numberOf(op.getA()) == 1.0;
    if (!ofOne && op.getA() != x)
      return failure();
    Value sigmoid = SigmoidOp::create(rewriter, op.getLoc(), x);
    if (ofOne)
      rewriter.replaceOp(op, sigmoid);
    else
      rewriter.replaceOpWithNewOp<MulOp>(op, x, sigmoid);
    return success();
  }
};

struct RecogniseActivationsPass : dtc::impl::RecogniseActivationsPassBase<RecogniseActivationsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    for (const Formula &formula : formulas())
      patterns.add<RecogniseFormula>(formula, &getContext());
    patterns.add<RecogniseSigmoid>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

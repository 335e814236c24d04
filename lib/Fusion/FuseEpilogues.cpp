// dtc-fuse-epilogues: biases, residuals, activations and their gradients move into the call before.
#include "dtc/Fusion/EpilogueInterfaces.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Fusion/ScalarBodyInterface.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace dtc {
#define GEN_PASS_DEF_FUSEEPILOGUESPASS
#include "dtc/Fusion/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::fusion;

/// Whether `bias`, broadcast to `result` by numpy's rules, varies along
/// `dimension` alone and is given for all of it.
static bool runsAlong(int64_t dimension, RankedTensorType bias,
                      RankedTensorType result) {
  int64_t dropped = result.getRank() - bias.getRank();
  if (dropped < 0 || dropped > dimension)
    return false;
  for (auto [d, size] : llvm::enumerate(bias.getShape())) {
    int64_t expected = dropped + static_cast<int64_t>(d) == dimension
                           ? result.getDimSize(dimension)
                           : 1;
    if (size != expected)
      return false;
  }
  return true;
}

/// `op` now also does what `absorbed` did and gives its result.
static void absorb(PatternRewriter &rewriter, EpilogueOpInterface op,
                   Operation *absorbed) {
  Location both = rewriter.getFusedLoc({op.getLoc(), absorbed->getLoc()});
  rewriter.modifyOpInPlace(op, [&] { op->setLoc(both); });
  rewriter.replaceOp(absorbed, Value(op.getEpilogueResult()));
}

namespace {

struct AbsorbBias : OpInterfaceRewritePattern<EpilogueOpInterface> {
  AbsorbBias(MLIRContext *context, Pass::Statistic &count)
      : OpInterfaceRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(EpilogueOpInterface op,
                                PatternRewriter &rewriter) const override {
    std::optional<BiasPlace> place = op.getBiasPlace();
    OpResult result = op.getEpilogueResult();
    if (!place || !result.hasOneUse())
      return failure();
    auto add = dyn_cast<nn::AddOp>(*result.user_begin());
    if (!add || add.getType() != result.getType())
      return failure();
    Value bias = add.getA() == result ? add.getB() : add.getA();
    auto type = cast<RankedTensorType>(bias.getType());
    auto made = cast<RankedTensorType>(result.getType());
    if (!runsAlong(place->dimension, type, made) || type.getElementType() != made.getElementType())
      return failure();

    // The bias may be computed between the two, so the op moves to the add.
    rewriter.moveOpBefore(op, add);
    rewriter.setInsertionPoint(op);
    if (type.getRank() != 1)
      bias = nn::ReshapeOp::create(
          rewriter, bias.getLoc(),
          RankedTensorType::get(type.getNumElements(), type.getElementType()),
          bias);
    rewriter.modifyOpInPlace(op, [&] { place->operand.assign(bias); });
    absorb(rewriter, op, add);
    ++count;
    return success();
  }
  Pass::Statistic &count;
};

/// The add of a residual connection. Of two ops that could take each other's result, the later one does.
struct AbsorbResidual : OpInterfaceRewritePattern<EpilogueOpInterface> {
  AbsorbResidual(MLIRContext *context, Pass::Statistic &count)
      : OpInterfaceRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(EpilogueOpInterface op,
                                PatternRewriter &rewriter) const override {
    OpResult result = op.getEpilogueResult();
    auto epilogue = nn::EpilogueAttr::ofResidual(getContext());
    if (!op.takes(epilogue) || !result.hasOneUse())
      return failure();
    auto add = dyn_cast<nn::AddOp>(*result.user_begin());
    if (!add || add.getType() != result.getType() ||
        add.getA().getType() != add.getB().getType())
      return failure();
    Value residual = add.getA() == result ? add.getB() : add.getA();
    if (Operation *maker = residual.getDefiningOp(); maker && !maker->isBeforeInBlock(op)) {
      auto other = dyn_cast<EpilogueOpInterface>(maker);
      if (other && other.getEpilogueResult() == residual && residual.hasOneUse() &&
          other.takes(epilogue))
        return failure();
      // The op moves behind the residual, if that is not behind who reads its other results.
      if (llvm::any_of(op->getUsers(), [&](Operation *user) { return user->isBeforeInBlock(add); }))
        return failure();
      rewriter.moveOpBefore(op, add);
    }
    rewriter.modifyOpInPlace(op, [&] { op.give(epilogue, residual); });
    absorb(rewriter, op, add);
    ++count;
    return success();
  }
  Pass::Statistic &count;
};

struct AbsorbActivation : OpInterfaceRewritePattern<EpilogueOpInterface> {
  AbsorbActivation(MLIRContext *context, Pass::Statistic &count)
      : OpInterfaceRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(EpilogueOpInterface op,
                                PatternRewriter &rewriter) const override {
    OpResult result = op.getEpilogueResult();
    if (!result.hasOneUse())
      return failure();
    auto user = dyn_cast<ActivationOpInterface>(*result.user_begin());
    if (!user)
      return failure();
    auto epilogue = nn::EpilogueAttr::get(getContext(), user.getActivation(), user.getActivationAlpha());
    if (!op.takes(epilogue))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.give(epilogue, /*operand=*/Value()); });
    absorb(rewriter, op, user);
    ++count;
    return success();
  }
  Pass::Statistic &count;
};

struct AbsorbActivationGradient : OpInterfaceRewritePattern<EpilogueOpInterface> {
  AbsorbActivationGradient(MLIRContext *context, Pass::Statistic &count)
      : OpInterfaceRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(EpilogueOpInterface op,
                                PatternRewriter &rewriter) const override {
    OpResult result = op.getEpilogueResult();
    if (!result.hasOneUse())
      return failure();
    auto gradient = dyn_cast<ActivationGradientOpInterface>(*result.user_begin());
    if (!gradient || gradient.getResultGradient() != result ||
        gradient->getResult(0).getType() != result.getType() ||
        gradient.getGradientAt().getType() != result.getType())
      return failure();
    nn::Activation activation = gradient.getGradientActivation();
    if (activation == nn::Activation::None || isFirstOfKernel(gradient))
      return failure();
    auto epilogue = nn::EpilogueAttr::ofGradient(getContext(), activation);
    if (!op.takes(epilogue))
      return failure();

    rewriter.moveOpBefore(op, gradient); // where it is taken may be computed between the two
    rewriter.modifyOpInPlace(op, [&] { op.give(epilogue, gradient.getGradientAt()); });
    absorb(rewriter, op, gradient);
    ++count;
    return success();
  }

  /// A kernel that does more than this makes its pass over memory anyway.
  static bool isFirstOfKernel(Operation *op) {
    return op->hasOneUse() && isa<ScalarBodyOpInterface>(*op->user_begin());
  }
  Pass::Statistic &count;
};

struct FuseEpiloguesPass
    : dtc::impl::FuseEpiloguesPassBase<FuseEpiloguesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AbsorbBias>(&getContext(), biases);
    patterns.add<AbsorbResidual>(&getContext(), residuals);
    patterns.add<AbsorbActivation>(&getContext(), activations);
    patterns.add<AbsorbActivationGradient>(&getContext(), gradients);
    FrozenRewritePatternSet frozen(std::move(patterns));
    // The driver is here for these patterns alone (and for erasing dead ops,
    // whose uses would stand in their way): constants keep their places.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    auto walk = getOperation().walk([&](FunctionOpInterface function) {
      return failed(applyPatternsGreedily(function, frozen, config))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (walk.wasInterrupted()) {
      getOperation().emitError("fusing epilogues did not come to an end");
      signalPassFailure();
    }
  }
};

} // namespace

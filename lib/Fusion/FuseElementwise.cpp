// dtc-fuse-elementwise: elementwise nn ops become fused linalg.generic ops.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Signature.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Fusion/ScalarBodyInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace dtc {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "dtc/Fusion/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::fusion;

//===----------------------------------------------------------------------===//
// From an nn op to a generic
//===----------------------------------------------------------------------===//

/// Which element of an operand of type `operand` an element of the result
/// needs, by numpy's rules: shapes are aligned at their ends, a dimension of
/// length 1 is read at 0.
static AffineMap broadcastMap(RankedTensorType operand,
                              RankedTensorType result) {
  MLIRContext *context = operand.getContext();
  int64_t dropped = result.getRank() - operand.getRank();
  SmallVector<AffineExpr> position;
  for (auto [d, size] : llvm::enumerate(operand.getShape())) {
    bool repeated = size == 1 && result.getDimSize(dropped + d) != 1;
    position.push_back(repeated ? getAffineConstantExpr(0, context)
                                : getAffineDimExpr(dropped + d, context));
  }
  return AffineMap::get(result.getRank(), 0, position, context);
}

/// The tensor whose elements `value` has, before it was broadcast: a generic
/// reads that one and needs no repeated copy.
static Value beforeBroadcast(Value value) {
  while (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getX();
  return value;
}

/// The one value of all elements of a constant, or null.
static TypedAttr getSplat(Value value) {
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  auto elements =
      constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : nullptr;
  return elements ? dyn_cast<TypedAttr>(elements.getSplatValue<Attribute>())
                  : nullptr;
}

/// `scalar` as another floating-point type, unless it is of that type.
static Value converted(OpBuilder &builder, Location location, Value scalar, Type type) {
  if (scalar.getType() == type)
    return scalar;
  auto from = cast<FloatType>(scalar.getType()), to = cast<FloatType>(type);
  return from.getWidth() < to.getWidth() ? builder.createOrFold<arith::ExtFOp>(location, to, scalar)
                                         : builder.createOrFold<arith::TruncFOp>(location, to, scalar);
}

static linalg::GenericOp makeGeneric(RewriterBase &rewriter,
                                     ScalarBodyOpInterface op) {
  Location location = op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  // For each operand of the op, its constant or the number of its input.
  SmallVector<std::pair<TypedAttr, unsigned>> sources;
  for (Value operand : op->getOperands()) {
    Value tensor = beforeBroadcast(operand);
    TypedAttr splat = getSplat(tensor);
    auto known = llvm::find(inputs, tensor);
    sources.emplace_back(splat, known - inputs.begin());
    if (!splat && known == inputs.end()) {
      inputs.push_back(tensor);
      maps.push_back(
          broadcastMap(cast<RankedTensorType>(tensor.getType()), type));
    }
  }
  maps.push_back(rewriter.getMultiDimIdentityMap(type.getRank()));
  Value empty = tensor::EmptyOp::create(rewriter, location, type.getShape(),
                                        type.getElementType());
  auto generic = linalg::GenericOp::create(
      rewriter, location, type, inputs, empty, maps,
      SmallVector<utils::IteratorType>(type.getRank(),
                                       utils::IteratorType::parallel),
      [&](OpBuilder &builder, Location, ValueRange arguments) {
        SmallVector<Value> scalars;
        for (auto [splat, input] : sources) {
          Value scalar = splat ? arith::ConstantOp::create(builder, location, splat)
                               : Value(arguments[input]);
          scalars.push_back(converted(builder, location, scalar, nn::accumulatedType(scalar.getType())));
        }
        Value result = op.buildScalar(builder, location, scalars);
        linalg::YieldOp::create(builder, location,
                                converted(builder, location, result, type.getElementType()));
      });
  generic->setAttr(opsAttribute, rewriter.getStrArrayAttr(
                                     {op->getName().stripDialect()}));
  return generic;
}

/// A plainer value that is the same as the result of `generic`, or null: an
/// input that it gives back unchanged, or a constant.
static Value simplify(RewriterBase &rewriter, linalg::GenericOp generic) {
  auto type = cast<RankedTensorType>(generic.getResult(0).getType());
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  if (auto argument = dyn_cast<BlockArgument>(yielded)) {
    Value input = generic.getInputs()[argument.getArgNumber()];
    return input.getType() == type ? input : Value();
  }
  TypedAttr value;
  if (matchPattern(yielded, m_Constant(&value)))
    return nn::ConstantOp::create(rewriter, generic.getLoc(), type,
                                  SplatElementsAttr::get(type, Attribute(value)));
  return {};
}

static void convert(RewriterBase &rewriter, ScalarBodyOpInterface op, bool sign) {
  rewriter.setInsertionPoint(op);
  linalg::GenericOp generic = makeGeneric(rewriter, op);
  if (sign)
    generic->setAttr(signatureAttribute, rewriter.getStringAttr(signatureOf(op)));
  Value plain = simplify(rewriter, generic);
  rewriter.replaceOp(op, plain ? plain : generic.getResult(0));
  if (!plain)
    return;
  Operation *empty = generic.getOutputs().front().getDefiningOp();
  rewriter.eraseOp(generic);
  rewriter.eraseOp(empty);
}

//===----------------------------------------------------------------------===//
// Fusion of generics
//===----------------------------------------------------------------------===//

/// Whether fusing `operand`'s producer into its reader computes nothing twice:
/// nobody else reads it, and each of its elements is read once.
static bool computesNothingTwice(OpOperand &operand) {
  auto consumer = cast<linalg::GenericOp>(operand.getOwner());
  return operand.get().hasOneUse() &&
         consumer.getMatchingIndexingMap(&operand).isPermutation();
}

namespace {
/// Upstream's elementwise fusion, which also joins what dtc keeps about the
/// kernel: the names of its ops and where they come from.
struct FuseProducer : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp consumer,
                                PatternRewriter &rewriter) const override {
    auto consumerOps = consumer->getAttrOfType<ArrayAttr>(opsAttribute);
    if (!consumerOps)
      return failure();
    // Backwards, since each producer goes in front: the ops keep their order.
    SmallVector<OpOperand *> inputs = consumer.getDpsInputOperands();
    for (OpOperand *operand : llvm::reverse(inputs)) {
      auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
      auto producerOps =
          producer ? producer->getAttrOfType<ArrayAttr>(opsAttribute) : nullptr;
      if (!producerOps || !linalg::areElementwiseOpsFusable(operand) ||
          !computesNothingTwice(*operand))
        continue;
      auto fusion = linalg::fuseElementwiseOps(rewriter, operand);
      if (failed(fusion))
        continue;
      SmallVector<Attribute> ops(producerOps.getValue());
      llvm::append_range(ops, consumerOps);
      Location both =
          rewriter.getFusedLoc({producer.getLoc(), consumer.getLoc()});
      rewriter.modifyOpInPlace(fusion->fusedOp, [&] {
        fusion->fusedOp->setAttr(opsAttribute, rewriter.getArrayAttr(ops));
        fusion->fusedOp->setLoc(both);
      });
      SmallVector<Value> results;
      for (Value result : consumer.getResults())
        results.push_back(fusion->replacements.lookup(result));
      rewriter.replaceOp(consumer, results);
      return success();
    }
    return failure();
  }
};

struct FuseElementwisePass
    : dtc::impl::FuseElementwisePassBase<FuseElementwisePass> {
  using FuseElementwisePassBase::FuseElementwisePassBase;

  void runOnOperation() override {
    RewritePatternSet set(&getContext());
    set.add<FuseProducer>(&getContext());
    // Two operands that are the same tensor become one; else a producer that
    // is read twice by one consumer would look as if it had two readers.
    linalg::populateEraseUnusedOperandsAndResultsPatterns(set);
    FrozenRewritePatternSet patterns(std::move(set));
    auto walk = getOperation().walk([&](FunctionOpInterface function) {
      return failed(fuse(function, patterns)) ? WalkResult::interrupt()
                                              : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }

private:
  LogicalResult fuse(FunctionOpInterface function,
                     const FrozenRewritePatternSet &patterns) {
    IRRewriter rewriter(&getContext());
    eraseDeadOps(rewriter, function);
    if (failed(convertAll(rewriter, function)))
      return failure();
    if (apart) {
      eraseDeadOps(rewriter, function);
      kernels += countGenerics(function);
      return success();
    }
    int64_t before = countGenerics(function);

    // Folding would move the constants of the bodies out of them.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(function, patterns, config)))
      return function.emitError("fusing elementwise ops did not come to an end");

    function.walk([&](arith::ExtFOp widened) { keepWide(rewriter, widened); });
    // What the ops of one kernel have in common is computed once.
    DominanceInfo dominance(function);
    function.walk([&](linalg::GenericOp generic) {
      if (generic->hasAttr(opsAttribute))
        eliminateCommonSubExpressions(rewriter, dominance, generic);
    });
    eraseDeadOps(rewriter, function);
    int64_t after = countGenerics(function);
    kernels += after;
    fused += before - after;
    return success();
  }

  LogicalResult convertAll(RewriterBase &rewriter,
                           FunctionOpInterface function) {
    // Broadcasts come last: most are only read by generics, which see through
    // them, and are dead by then.
    SmallVector<ScalarBodyOpInterface> formulas, broadcasts;
    auto walk = function.walk([&](Operation *op) {
      if (auto formula = dyn_cast<ScalarBodyOpInterface>(op)) {
        (isa<nn::BroadcastOp>(op) ? broadcasts : formulas).push_back(formula);
      } else if (op->hasTrait<nn::Elementwise>()) {
        op->emitOpError("is elementwise but has no scalar body");
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    for (ScalarBodyOpInterface op : formulas)
      convert(rewriter, op, apart);
    for (ScalarBodyOpInterface op : llvm::reverse(broadcasts)) {
      if (op->use_empty())
        rewriter.eraseOp(op);
      else
        convert(rewriter, op, apart);
    }
    return success();
  }

  /// What does not leave the kernel need not be rounded.
  static void keepWide(RewriterBase &rewriter, arith::ExtFOp widened) {
    auto rounded = widened.getIn().getDefiningOp<arith::TruncFOp>();
    if (rounded && rounded.getIn().getType() == widened.getType())
      rewriter.replaceOp(widened, rounded.getIn());
  }

  static int64_t countGenerics(FunctionOpInterface function) {
    int64_t count = 0;
    function.walk([&](linalg::GenericOp generic) {
      count += generic->hasAttr(opsAttribute);
    });
    return count;
  }

  static void eraseDeadOps(RewriterBase &rewriter,
                           FunctionOpInterface function) {
    function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
      if (isOpTriviallyDead(op))
        rewriter.eraseOp(op);
    });
  }
};
} // namespace

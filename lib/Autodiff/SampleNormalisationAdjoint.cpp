// Adjoints of layer, RMS and group normalisation: one op each, from the statistics that forward kept.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

/// Statistics are there for the gradient alone.
static LogicalResult checkOnlyFirst(Operation *op, ArrayRef<Value> resultGradients) {
  if (llvm::any_of(resultGradients.drop_front(), [](Value gradient) { return gradient; }))
    return op->emitOpError("has no gradient with respect to its statistics");
  return success();
}

namespace {
/// `mean` and `bias` are null for rms_norm.
template <typename Op>
struct RowAdjoint : DifferentiableOpInterface::ExternalModel<RowAdjoint<Op>, Op> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    if (failed(checkOnlyFirst(op, resultGradients)))
      return failure();
    auto norm = cast<Op>(op);
    Value mean, bias;
    if constexpr (std::is_same_v<Op, LayerNormOp>) {
      mean = norm.getMean();
      bias = norm.getBias();
    }
    SmallVector<Value> gradients(op->getNumOperands());
    if (llvm::none_of(needed, [](bool need) { return need; }))
      return gradients;
    // Operands are x, then scale and bias as far as they are there.
    unsigned scaleAt = 1, biasAt = norm.getScale() ? 2 : 1;
    Type dscale = norm.getScale() && needed[scaleAt] ? norm.getScale().getType() : Type();
    Type dbias = bias && needed[biasAt] ? bias.getType() : Type();
    auto gradient = LayerNormGradientOp::create(builder, norm.getX().getType(), dscale, dbias, resultGradients[0], norm.getX(),
                                                norm.getInverse(), mean, norm.getScale());
    gradients[0] = gradient.getDx();
    if (dscale)
      gradients[scaleAt] = gradient.getDscale();
    if (dbias)
      gradients[biasAt] = gradient.getDbias();
    return gradients;
  }
};

struct GroupNormAdjoint : DifferentiableOpInterface::ExternalModel<GroupNormAdjoint, GroupNormOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    if (failed(checkOnlyFirst(op, resultGradients)))
      return failure();
    auto norm = cast<GroupNormOp>(op);
    if (llvm::none_of(needed, [](bool need) { return need; }))
      return SmallVector<Value>(op->getNumOperands());
    auto gradient = GroupNormGradientOp::create(
        builder, TypeRange{norm.getX().getType(), norm.getScale().getType(), norm.getBias().getType()}, resultGradients[0],
        norm.getX(), norm.getScale(), norm.getMean(), norm.getInverse());
    return SmallVector<Value>{gradient.getDx(), gradient.getDscale(), gradient.getDbias()};
  }
};
} // namespace

void dtc::registerSampleNormalisationAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    LayerNormOp::attachInterface<RowAdjoint<LayerNormOp>>(*context);
    RmsNormOp::attachInterface<RowAdjoint<RmsNormOp>>(*context);
    GroupNormOp::attachInterface<GroupNormAdjoint>(*context);
  });
}

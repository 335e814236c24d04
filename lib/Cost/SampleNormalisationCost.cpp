// Costs of layer, RMS and group normalisation: FLOPs an element, statistics included.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

Cost costOfElements(Operation *op, uint64_t flops) {
  return costOfTensors(op, llvm::SaturatingMultiply<uint64_t>(flops, elementsOf(op->getOperand(0))));
}

/// A row is read from memory once: it stays in caches until it is written.
struct LayerNormCost : CostOpInterface::ExternalModel<LayerNormCost, nn::LayerNormOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The mean 1, the variance 3, x - mean, times inverse 2; the scale and the bias 1 each.
  Cost getCost(Operation *op) const { return costOfElements(op, 5 + op->getNumOperands()); }
};

struct RmsNormCost : CostOpInterface::ExternalModel<RmsNormCost, nn::RmsNormOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The mean of squares 2, times inverse 1; the scale 1.
  Cost getCost(Operation *op) const { return costOfElements(op, 2 + op->getNumOperands()); }
};

struct LayerNormGradientCost : CostOpInterface::ExternalModel<LayerNormGradientCost, nn::LayerNormGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// Normalised x 1, the sum of dy with it 2, dx 3; the mean takes 3 and the scale 1; a sum over rows 1 for the bias, 2 for the scale.
  Cost getCost(Operation *op) const {
    auto norm = cast<nn::LayerNormGradientOp>(op);
    uint64_t flops = 6;
    flops += norm.getMean() ? 3 : 0;
    flops += norm.getScale() ? 1 : 0;
    flops += norm.getDscale() ? 2 : 0;
    flops += norm.getDbias() ? 1 : 0;
    return costOfElements(op, flops);
  }
};

/// `flops` an element. Each of `twice` operands is read for the groups' sums and again for the result.
Cost costOfTwoPasses(Operation *op, uint64_t flops, ValueRange twice) {
  Cost cost = costOfElements(op, flops);
  for (Value image : twice)
    cost.bytesRead = llvm::SaturatingAdd(cost.bytesRead, bytesOf(image));
  return cost;
}

struct GroupNormCost : CostOpInterface::ExternalModel<GroupNormCost, nn::GroupNormOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The mean 1, the variance 3, x - mean, times a factor, plus the bias 3.
  Cost getCost(Operation *op) const { return costOfTwoPasses(op, 7, cast<nn::GroupNormOp>(op).getX()); }
};

struct GroupNormGradientCost : CostOpInterface::ExternalModel<GroupNormGradientCost, nn::GroupNormGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The sums of dy and of dy (x - mean) 4, dx 5.
  Cost getCost(Operation *op) const {
    auto norm = cast<nn::GroupNormGradientOp>(op);
    return costOfTwoPasses(op, 9, {norm.getDy(), norm.getX()});
  }
};

} // namespace

void dtc::cost::registerSampleNormalisationCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LayerNormOp::attachInterface<LayerNormCost>(*context);
    nn::RmsNormOp::attachInterface<RmsNormCost>(*context);
    nn::LayerNormGradientOp::attachInterface<LayerNormGradientCost>(*context);
    nn::GroupNormOp::attachInterface<GroupNormCost>(*context);
    nn::GroupNormGradientOp::attachInterface<GroupNormGradientCost>(*context);
  });
}

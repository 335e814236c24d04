// Costs of batch normalisation: FLOPs an element, statistics included.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

/// With running statistics: x - mean, times a factor, plus the bias.
struct BatchNormCost : CostOpInterface::ExternalModel<BatchNormCost, nn::BatchNormOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  Cost getCost(Operation *op) const {
    return costOfTensors(op, llvm::SaturatingMultiply<uint64_t>(3, elementsOf(op->getOperand(0))));
  }
};

/// `flops` an element. Each of `twice` operands is read for the channels' sums and again for the result.
Cost costOfTwoPasses(Operation *op, uint64_t flops, ValueRange twice) {
  Cost cost = costOfTensors(op, llvm::SaturatingMultiply<uint64_t>(flops, elementsOf(op->getOperand(0))));
  for (Value image : twice)
    cost.bytesRead = llvm::SaturatingAdd(cost.bytesRead, bytesOf(image));
  return cost;
}

struct BatchNormTrainingCost
    : CostOpInterface::ExternalModel<BatchNormTrainingCost, nn::BatchNormTrainingOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The mean 1, the variance 3, x - mean, times a factor, plus the bias 3; the residual and the activation 1 each.
  Cost getCost(Operation *op) const {
    auto norm = cast<nn::BatchNormTrainingOp>(op);
    return costOfTwoPasses(op, 7 + (norm.getResidual() != nullptr) + (norm.getActivation() != nn::Activation::None),
                           {norm.getX()});
  }
};

struct BatchNormGradientCost
    : CostOpInterface::ExternalModel<BatchNormGradientCost, nn::BatchNormGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  /// The sums of dy and of dy (x - mean) 4, dx 5; y's sign 3 in each pass.
  Cost getCost(Operation *op) const {
    auto norm = cast<nn::BatchNormGradientOp>(op);
    return costOfTwoPasses(op, norm.getBias() ? 15 : 9, {norm.getDy(), norm.getX()});
  }
};

} // namespace

void dtc::cost::registerNormalisationCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::BatchNormOp::attachInterface<BatchNormCost>(*context);
    nn::BatchNormTrainingOp::attachInterface<BatchNormTrainingCost>(*context);
    nn::BatchNormGradientOp::attachInterface<BatchNormGradientCost>(*context);
  });
}

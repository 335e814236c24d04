// Costs of losses, metrics and optimizer updates: FLOPs an element.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

static Cost costPerElement(Operation *op, uint64_t flops) {
  return costOfTensors(
      op, llvm::SaturatingMultiply<uint64_t>(flops, elementsOf(op->getOperand(0))));
}

namespace {

struct CrossEntropyCost
    : CostOpInterface::ExternalModel<CrossEntropyCost, nn::SoftmaxCrossEntropyOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Loss; }
  Cost getCost(Operation *op) const {
    // Softmax's five, and the scaling by the sample's weight.
    return costPerElement(op, 6);
  }
};

struct BinaryCrossEntropyCost
    : CostOpInterface::ExternalModel<BinaryCrossEntropyCost, nn::BinaryCrossEntropyOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Loss; }
  Cost getCost(Operation *op) const {
    // -(t log p + (1 - t) log(1 - p)) is 9 with its sum, (p - t) / (p (1 - p)) w is 5.
    return costPerElement(op, 14);
  }
};

struct BinaryCrossEntropyWithLogitsCost
    : CostOpInterface::ExternalModel<BinaryCrossEntropyWithLogitsCost,
                                     nn::BinaryCrossEntropyWithLogitsOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Loss; }
  Cost getCost(Operation *op) const {
    // max(z, 0) - z t + log(1 + exp(-|z|)) is 9 with its sum, (sigmoid(z) - t) w is 3 more: they share the exponential.
    return costPerElement(op, 12);
  }
};

struct CountCorrectCost
    : CostOpInterface::ExternalModel<CountCorrectCost, nn::CountCorrectOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Loss; }
  Cost getCost(Operation *op) const { return costPerElement(op, 1); }
};

struct SGDCost : CostOpInterface::ExternalModel<SGDCost, nn::SGDUpdateOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Optimizer; }
  Cost getCost(Operation *op) const {
    nn::SGDAttr sgd = cast<nn::SGDUpdateOp>(op).getOptimizer();
    uint64_t flops = 2;                         // w - lr g
    flops += sgd.getWeightDecay() != 0 ? 2 : 0; // g + decay w
    flops += sgd.getMomentum() != 0 ? 3 : 0;    // momentum b + (1 - dampening) g
    flops += sgd.getNesterov() ? 2 : 0;         // g + momentum b
    return costPerElement(op, flops);
  }
};

struct AdamCost : CostOpInterface::ExternalModel<AdamCost, nn::AdamUpdateOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Optimizer; }
  Cost getCost(Operation *op) const {
    nn::AdamAttr adam = cast<nn::AdamUpdateOp>(op).getOptimizer();
    // m: 3, v: 4, both corrected for bias: 2, w - lr m / (sqrt(v) + epsilon): 5.
    return costPerElement(op, 14 + (adam.getWeightDecay() != 0 ? 2 : 0));
  }
};

struct RunningAverageCost
    : CostOpInterface::ExternalModel<RunningAverageCost, nn::RunningAverageUpdateOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Optimizer; }
  Cost getCost(Operation *op) const { return costPerElement(op, 3); }
};

} // namespace

void dtc::cost::registerTrainingCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::SoftmaxCrossEntropyOp::attachInterface<CrossEntropyCost>(*context);
    nn::BinaryCrossEntropyOp::attachInterface<BinaryCrossEntropyCost>(*context);
    nn::BinaryCrossEntropyWithLogitsOp::attachInterface<BinaryCrossEntropyWithLogitsCost>(
        *context);
    nn::CountCorrectOp::attachInterface<CountCorrectCost>(*context);
    nn::SGDUpdateOp::attachInterface<SGDCost>(*context);
    nn::AdamUpdateOp::attachInterface<AdamCost>(*context);
    nn::RunningAverageUpdateOp::attachInterface<RunningAverageCost>(*context);
  });
}

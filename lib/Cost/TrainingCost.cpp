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
    // Softmax's five, and the scaling by the sample's weight; smoothed labels are a product, a sum and a difference more.
    bool isSmoothed = !cast<nn::SoftmaxCrossEntropyOp>(op).getLabelSmoothing().isZero();
    return costPerElement(op, isSmoothed ? 9 : 6);
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

/// The formula's operations on elements. With sums over the parameter, everything is read and computed once for these and
/// once more to be written.
struct UpdateCost : CostOpInterface::ExternalModel<UpdateCost, nn::UpdateOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Optimizer; }
  Cost getCost(Operation *op) const {
    FormulaSize size = cast<nn::UpdateOp>(op).getOptimizer().getFormulaSize();
    Cost cost = costPerElement(op, size.flopsPerElement * (size.sums ? 2 : 1));
    if (size.sums)
      cost.bytesRead = llvm::SaturatingMultiply<uint64_t>(cost.bytesRead, 2);
    return cost;
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
    nn::UpdateOp::attachInterface<UpdateCost>(*context);
    nn::RunningAverageUpdateOp::attachInterface<RunningAverageCost>(*context);
  });
}

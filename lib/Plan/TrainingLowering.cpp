// Losses, metrics and updates to runtime calls. Updates work in place.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
/// Losses give the scalar, and the gradient if somebody uses it.
template <typename Op>
struct LossLowering
    : RuntimeLoweringOpInterface::ExternalModel<LossLowering<Op>, Op> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    SmallVector<Value> inputs, outputs;
    for (Value operand : op->getOperands())
      inputs.push_back(fragment.memory(operand, Layout::RowMajor));
    for (OpResult result : op->getResults())
      if (result.getResultNumber() == 0 || !result.use_empty())
        outputs.push_back(fragment.define(result));
    fragment.call(op->getLoc(), op->getName().stripDialect(), inputs, outputs,
                  fragment.options());
    return success();
  }
};

struct SGDUpdateLowering
    : RuntimeLoweringOpInterface::ExternalModel<SGDUpdateLowering, nn::SGDUpdateOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto update = cast<nn::SGDUpdateOp>(op);
    nn::SGDAttr sgd = update.getOptimizer();
    SmallVector<Value> arguments = {
        fragment.memory(update.getParameter(), Layout::RowMajor),
        fragment.memory(update.getGradient(), Layout::RowMajor)};
    fragment.alias(update.getNewParameter(), arguments[0]);
    if (update.getMomentumBuffer()) {
      arguments.push_back(fragment.memory(update.getMomentumBuffer()));
      fragment.alias(update.getNewMomentumBuffer(), arguments.back());
      // Only the first step's rule for the buffer asks for the step's number.
      if (sgd.getDampening() != 0)
        arguments.push_back(fragment.memory(update.getStep()));
    }
    CallOptions options = fragment.options();
    options.tuple = update.getMomentumBuffer() ? 3 : 2;
    options.real("lr", sgd.getLr(), -1)
        .real("momentum", sgd.getMomentum(), 0)
        .real("weight_decay", sgd.getWeightDecay(), 0)
        .real("dampening", sgd.getDampening(), 0)
        .flag("nesterov", sgd.getNesterov());
    fragment.call(op->getLoc(), "sgd_update", arguments, {}, options);
    return success();
  }
};

struct AdamUpdateLowering
    : RuntimeLoweringOpInterface::ExternalModel<AdamUpdateLowering, nn::AdamUpdateOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto update = cast<nn::AdamUpdateOp>(op);
    nn::AdamAttr adam = update.getOptimizer();
    SmallVector<Value> arguments = {
        fragment.memory(update.getParameter(), Layout::RowMajor),
        fragment.memory(update.getGradient(), Layout::RowMajor),
        fragment.memory(update.getM()), fragment.memory(update.getV()),
        fragment.memory(update.getStep())};
    fragment.alias(update.getNewParameter(), arguments[0]);
    fragment.alias(update.getNewM(), arguments[2]);
    fragment.alias(update.getNewV(), arguments[3]);
    CallOptions options = fragment.options();
    options.tuple = 4;
    options.real("lr", adam.getLr(), -1)
        .real("beta1", adam.getBeta1(), 0.9)
        .real("beta2", adam.getBeta2(), 0.999)
        .real("epsilon", adam.getEpsilon(), 1e-8)
        .real("weight_decay", adam.getWeightDecay(), 0)
        .flag("decoupled", adam.getDecoupled());
    fragment.call(op->getLoc(), "adam_update", arguments, {}, options);
    return success();
  }
};
struct RunningAverageUpdateLowering
    : RuntimeLoweringOpInterface::ExternalModel<RunningAverageUpdateLowering,
                                                nn::RunningAverageUpdateOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto update = cast<nn::RunningAverageUpdateOp>(op);
    SmallVector<Value> arguments = {
        fragment.memory(update.getAverage(), Layout::RowMajor),
        fragment.memory(update.getValue(), Layout::RowMajor)};
    fragment.alias(update.getNewAverage(), arguments[0]);
    CallOptions options = fragment.options();
    options.tuple = 2;
    options.real("momentum", update.getMomentum().convertToDouble(), 0.1);
    fragment.call(op->getLoc(), "running_average_update", arguments, {}, options);
    return success();
  }
};
} // namespace

void dtc::plan::attachTrainingLowerings(MLIRContext *context) {
  nn::SoftmaxCrossEntropyOp::attachInterface<LossLowering<nn::SoftmaxCrossEntropyOp>>(*context);
  nn::BinaryCrossEntropyOp::attachInterface<LossLowering<nn::BinaryCrossEntropyOp>>(*context);
  nn::BinaryCrossEntropyWithLogitsOp::attachInterface<
      LossLowering<nn::BinaryCrossEntropyWithLogitsOp>>(*context);
  nn::CountCorrectOp::attachInterface<LossLowering<nn::CountCorrectOp>>(*context);
  nn::SGDUpdateOp::attachInterface<SGDUpdateLowering>(*context);
  nn::AdamUpdateOp::attachInterface<AdamUpdateLowering>(*context);
  nn::RunningAverageUpdateOp::attachInterface<RunningAverageUpdateLowering>(*context);
}

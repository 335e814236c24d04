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
    CallOptions options = fragment.options(op->getName().stripDialect());
    for (Value operand : op->getOperands().take_front(3))
      inputs.push_back(fragment.memory(operand, Layout::RowMajor));
    if (auto ignored = op->getAttrOfType<IntegerAttr>("ignore_index"))
      options.integer("ignore_index", ignored.getInt());
    if (auto entropy = dyn_cast<nn::SoftmaxCrossEntropyOp>(op)) {
      if (Value weight = entropy.getClassWeight())
        options.buffer("class_weight", fragment.memory(weight, Layout::RowMajor));
      options.real("label_smoothing", entropy.getLabelSmoothing().convertToDouble());
    }
    for (OpResult result : op->getResults())
      if (result.getResultNumber() == 0 || !result.use_empty())
        outputs.push_back(fragment.define(result));
    fragment.call(op->getLoc(), inputs, outputs, options);
    return success();
  }
};

/// One call for each parameter; dtc-join-updates makes one of all.
struct UpdateLowering
    : RuntimeLoweringOpInterface::ExternalModel<UpdateLowering, nn::UpdateOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto update = cast<nn::UpdateOp>(op);
    SmallVector<Value> arguments = {
        fragment.memory(update.getParameter(), Layout::RowMajor),
        fragment.memory(update.getGradient(), Layout::RowMajor)};
    fragment.alias(update.getNewParameter(), arguments[0]);
    for (auto [before, after] : llvm::zip_equal(update.getStates(), update.getNewStates())) {
      arguments.push_back(fragment.memory(before));
      fragment.alias(after, arguments.back());
    }
    CallOptions options = fragment.options("update_parameters");
    options.tuple = arguments.size();
    options.formula = fragment.getFormula(op->getLoc(), update.getOptimizer());
    arguments.push_back(fragment.memory(update.getLearningRate()));
    arguments.push_back(fragment.memory(update.getStep()));
    fragment.call(op->getLoc(), arguments, {}, options);
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
    CallOptions options = fragment.options("running_average_update");
    options.real("momentum", update.getMomentum().convertToDouble());
    fragment.call(op->getLoc(), arguments, {}, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerTrainingLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::SoftmaxCrossEntropyOp::attachInterface<LossLowering<nn::SoftmaxCrossEntropyOp>>(*context);
    nn::BinaryCrossEntropyOp::attachInterface<LossLowering<nn::BinaryCrossEntropyOp>>(*context);
    nn::BinaryCrossEntropyWithLogitsOp::attachInterface<
        LossLowering<nn::BinaryCrossEntropyWithLogitsOp>>(*context);
    nn::CountCorrectOp::attachInterface<LossLowering<nn::CountCorrectOp>>(*context);
    nn::UpdateOp::attachInterface<UpdateLowering>(*context);
    nn::RunningAverageUpdateOp::attachInterface<RunningAverageUpdateLowering>(*context);
  });
}

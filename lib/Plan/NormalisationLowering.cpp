// Batch normalisation to runtime calls: images channels-last, as convolutions leave them.
#include "Models.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

static Layout layoutOf(Value x) {
  return cast<RankedTensorType>(x.getType()).getRank() > 2 ? Layout::ChannelsLast
                                                           : Layout::RowMajor;
}

static CallOptions optionsOf(FragmentBuilder &fragment, const APFloat &epsilon) {
  CallOptions options = fragment.options();
  options.real("epsilon", epsilon.convertToDouble(), 1e-5);
  return options;
}

namespace {
struct BatchNormLowering
    : RuntimeLoweringOpInterface::ExternalModel<BatchNormLowering, nn::BatchNormTrainingOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::BatchNormTrainingOp>(op);
    Layout layout = layoutOf(norm.getX());
    SmallVector<Value> inputs = {fragment.memory(norm.getX(), layout),
                                 fragment.memory(norm.getScale(), Layout::RowMajor),
                                 fragment.memory(norm.getBias(), Layout::RowMajor),
                                 fragment.memory(norm.getSampleWeight(), Layout::RowMajor)};
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0), layout),
                                  fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    fragment.call(op->getLoc(), "batch_norm", inputs, outputs,
                  optionsOf(fragment, norm.getEpsilon()));
    return success();
  }
};

struct BatchNormGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<BatchNormGradientLowering,
                                                nn::BatchNormGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::BatchNormGradientOp>(op);
    Layout layout = layoutOf(norm.getX());
    SmallVector<Value> inputs = {fragment.memory(norm.getDy(), layout),
                                 fragment.memory(norm.getX(), layout),
                                 fragment.memory(norm.getScale(), Layout::RowMajor),
                                 fragment.memory(norm.getSampleWeight(), Layout::RowMajor)};
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0), layout),
                                  fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    fragment.call(op->getLoc(), "batch_norm_gradient", inputs, outputs,
                  optionsOf(fragment, norm.getEpsilon()));
    return success();
  }
};
} // namespace

void dtc::plan::attachNormalisationLowerings(MLIRContext *context) {
  nn::BatchNormTrainingOp::attachInterface<BatchNormLowering>(*context);
  nn::BatchNormGradientOp::attachInterface<BatchNormGradientLowering>(*context);
}

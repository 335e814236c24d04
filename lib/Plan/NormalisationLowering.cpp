// Batch normalisation to runtime calls: images channels-last, as convolutions leave them.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

static Layout layoutOf(Value x) {
  return cast<RankedTensorType>(x.getType()).getRank() > 2 ? Layout::ChannelsLast
                                                           : Layout::RowMajor;
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
                                  fragment.define(op->getOpResult(2)),
                                  fragment.define(op->getOpResult(3)),
                                  fragment.define(op->getOpResult(4))};
    CallOptions options = fragment.options("batch_norm");
    options.real("epsilon", norm.getEpsilon().convertToDouble());
    options.flag("biased_variance", norm.getBiasedVariance());
    if (norm.getRunningMean()) {
      options.buffer("running_mean", fragment.memory(norm.getRunningMean(), Layout::RowMajor));
      options.buffer("running_variance", fragment.memory(norm.getRunningVariance(), Layout::RowMajor));
    }
    if (norm.getResidual())
      options.buffer("residual", fragment.memory(norm.getResidual(), layout));
    addActivation(options, norm);
    fragment.call(op->getLoc(), inputs, outputs, options);
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
                                 fragment.memory(norm.getSampleWeight(), Layout::RowMajor),
                                 fragment.memory(norm.getMean(), Layout::RowMajor),
                                 fragment.memory(norm.getInverse(), Layout::RowMajor)};
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0), layout),
                                  fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    CallOptions options = fragment.options("batch_norm_gradient");
    if (norm.getBias())
      options.buffer("relu_bias", fragment.memory(norm.getBias(), Layout::RowMajor));
    fragment.call(op->getLoc(), inputs, outputs, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerNormalisationLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::BatchNormTrainingOp::attachInterface<BatchNormLowering>(*context);
    nn::BatchNormGradientOp::attachInterface<BatchNormGradientLowering>(*context);
  });
}

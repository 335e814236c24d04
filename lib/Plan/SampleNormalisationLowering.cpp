// Layer, RMS and group normalisation to runtime calls: rows row-major, images channels-last, as convolutions leave them.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct LayerNormLowering : RuntimeLoweringOpInterface::ExternalModel<LayerNormLowering, nn::LayerNormOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::LayerNormOp>(op);
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0)), fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    CallOptions options = fragment.options("layer_norm");
    if (norm.getScale())
      options.buffer("scale", fragment.memory(norm.getScale(), Layout::RowMajor));
    if (norm.getBias())
      options.buffer("bias", fragment.memory(norm.getBias(), Layout::RowMajor));
    options.real("epsilon", norm.getEpsilon().convertToDouble());
    fragment.call(op->getLoc(), fragment.memory(norm.getX(), Layout::RowMajor), outputs, options);
    return success();
  }
};

struct RmsNormLowering : RuntimeLoweringOpInterface::ExternalModel<RmsNormLowering, nn::RmsNormOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::RmsNormOp>(op);
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0)), fragment.define(op->getOpResult(1))};
    CallOptions options = fragment.options("rms_norm");
    if (norm.getScale())
      options.buffer("scale", fragment.memory(norm.getScale(), Layout::RowMajor));
    options.real("epsilon", norm.getEpsilon().convertToDouble());
    fragment.call(op->getLoc(), fragment.memory(norm.getX(), Layout::RowMajor), outputs, options);
    return success();
  }
};

struct LayerNormGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<LayerNormGradientLowering, nn::LayerNormGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::LayerNormGradientOp>(op);
    SmallVector<Value> inputs = {fragment.memory(norm.getDy(), Layout::RowMajor), fragment.memory(norm.getX(), Layout::RowMajor),
                                 fragment.memory(norm.getInverse(), Layout::RowMajor)};
    Value dx = fragment.define(op->getOpResult(0));
    CallOptions options = fragment.options("layer_norm_gradient");
    if (norm.getMean())
      options.buffer("mean", fragment.memory(norm.getMean(), Layout::RowMajor));
    if (norm.getScale())
      options.buffer("scale", fragment.memory(norm.getScale(), Layout::RowMajor));
    if (auto dscale = cast_if_present<OpResult>(Value(norm.getDscale())))
      options.buffer("scale_gradient", fragment.define(dscale));
    if (auto dbias = cast_if_present<OpResult>(Value(norm.getDbias())))
      options.buffer("bias_gradient", fragment.define(dbias));
    fragment.call(op->getLoc(), inputs, dx, options);
    return success();
  }
};

Layout layoutOf(Value x) {
  return cast<RankedTensorType>(x.getType()).getRank() > 2 ? Layout::ChannelsLast : Layout::RowMajor;
}

struct GroupNormLowering : RuntimeLoweringOpInterface::ExternalModel<GroupNormLowering, nn::GroupNormOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::GroupNormOp>(op);
    Layout layout = layoutOf(norm.getX());
    SmallVector<Value> inputs = {fragment.memory(norm.getX(), layout), fragment.memory(norm.getScale(), Layout::RowMajor),
                                 fragment.memory(norm.getBias(), Layout::RowMajor)};
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0), layout), fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    CallOptions options = fragment.options("group_norm");
    options.real("epsilon", norm.getEpsilon().convertToDouble());
    fragment.call(op->getLoc(), inputs, outputs, options);
    return success();
  }
};

struct GroupNormGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<GroupNormGradientLowering, nn::GroupNormGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto norm = cast<nn::GroupNormGradientOp>(op);
    Layout layout = layoutOf(norm.getX());
    SmallVector<Value> inputs = {fragment.memory(norm.getDy(), layout), fragment.memory(norm.getX(), layout),
                                 fragment.memory(norm.getScale(), Layout::RowMajor), fragment.memory(norm.getMean(), Layout::RowMajor),
                                 fragment.memory(norm.getInverse(), Layout::RowMajor)};
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0), layout), fragment.define(op->getOpResult(1)),
                                  fragment.define(op->getOpResult(2))};
    fragment.call(op->getLoc(), inputs, outputs, fragment.options("group_norm_gradient"));
    return success();
  }
};
} // namespace

void dtc::plan::registerSampleNormalisationLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LayerNormOp::attachInterface<LayerNormLowering>(*context);
    nn::RmsNormOp::attachInterface<RmsNormLowering>(*context);
    nn::LayerNormGradientOp::attachInterface<LayerNormGradientLowering>(*context);
    nn::GroupNormOp::attachInterface<GroupNormLowering>(*context);
    nn::GroupNormGradientOp::attachInterface<GroupNormGradientLowering>(*context);
  });
}

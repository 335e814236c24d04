// Convolutions to runtime calls: activations channels-last, weights row-major.
#include "ExternalModels.h"

#include "dialects/NN/NN.h"
#include "dtc/Plan/FragmentBuilder.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

template <typename Op>
static void addGeometry(CallOptions &options, Op op) {
  options.list("strides", op.getStrides())
      .list("dilations", op.getDilations())
      .list("pads", op.getPads())
      .integer("groups", op.getGroups());
}

namespace {
struct ConvLowering
    : RuntimeLoweringOpInterface::ExternalModel<ConvLowering, nn::ConvOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto conv = cast<nn::ConvOp>(op);
    Value x = fragment.memory(conv.getX(), Layout::ChannelsLast);
    Value weight = fragment.memory(conv.getWeight(), Layout::RowMajor);
    Value y = fragment.define(op->getOpResult(0), Layout::ChannelsLast);
    CallOptions options = fragment.options("conv");
    if (conv.getBias())
      options.buffer("bias", fragment.memory(conv.getBias()));
    addGeometry(options, conv);
    addActivation(options, conv);
    fragment.call(op->getLoc(), {x, weight}, y, options);
    return success();
  }
};

struct ConvInputGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<ConvInputGradientLowering,
                                                nn::ConvInputGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto conv = cast<nn::ConvInputGradientOp>(op);
    Value dy = fragment.memory(conv.getDy(), Layout::ChannelsLast);
    Value weight = fragment.memory(conv.getWeight(), Layout::RowMajor);
    Value dx = fragment.define(op->getOpResult(0), Layout::ChannelsLast);
    CallOptions options = fragment.options("conv_input_gradient");
    addGeometry(options, conv);
    fragment.call(op->getLoc(), {dy, weight}, dx, options);
    return success();
  }
};

struct ConvWeightGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<ConvWeightGradientLowering,
                                                nn::ConvWeightGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto conv = cast<nn::ConvWeightGradientOp>(op);
    Value x = fragment.memory(conv.getX(), Layout::ChannelsLast);
    Value dy = fragment.memory(conv.getDy(), Layout::ChannelsLast);
    Value dweight = fragment.define(op->getOpResult(0));
    CallOptions options = fragment.options("conv_weight_gradient");
    if (conv.getDbias())
      options.buffer("bias_gradient", fragment.define(op->getOpResult(1)));
    addGeometry(options, conv);
    fragment.call(op->getLoc(), {x, dy}, dweight, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerConvolutionLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConvOp::attachInterface<ConvLowering>(*context);
    nn::ConvInputGradientOp::attachInterface<ConvInputGradientLowering>(*context);
    nn::ConvWeightGradientOp::attachInterface<ConvWeightGradientLowering>(*context);
  });
}

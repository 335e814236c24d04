// Pooling to runtime calls: channels-last throughout.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

template <typename Op>
static void addWindow(CallOptions &options, Op op) {
  options.list("kernel", op.getKernel())
      .list("strides", op.getStrides())
      .list("pads", op.getPads())
      .list("dilations", op.getDilations());
}

namespace {
struct MaxPoolLowering
    : RuntimeLoweringOpInterface::ExternalModel<MaxPoolLowering, nn::MaxPoolOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto pool = cast<nn::MaxPoolOp>(op);
    Value x = fragment.memory(pool.getX(), Layout::ChannelsLast);
    SmallVector<Value> outputs = {
        fragment.define(op->getOpResult(0), Layout::ChannelsLast)};
    // Evaluation does not ask where the maxima stood.
    if (!pool.getIndex().use_empty())
      outputs.push_back(fragment.define(op->getOpResult(1), Layout::ChannelsLast));
    CallOptions options = fragment.options("max_pool");
    addWindow(options, pool);
    addActivation(options, pool);
    fragment.call(op->getLoc(), x, outputs, options);
    return success();
  }
};

struct MaxPoolGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<MaxPoolGradientLowering,
                                                nn::MaxPoolGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto pool = cast<nn::MaxPoolGradientOp>(op);
    Value dy = fragment.memory(pool.getDy(), Layout::ChannelsLast);
    Value index = fragment.memory(pool.getIndex(), Layout::ChannelsLast);
    Value dx = fragment.define(op->getOpResult(0), Layout::ChannelsLast);
    CallOptions options = fragment.options("max_pool_gradient");
    addWindow(options, pool);
    fragment.call(op->getLoc(), {dy, index}, dx, options);
    return success();
  }
};

struct AvgPoolLowering
    : RuntimeLoweringOpInterface::ExternalModel<AvgPoolLowering, nn::AvgPoolOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto pool = cast<nn::AvgPoolOp>(op);
    Value x = fragment.memory(pool.getX(), Layout::ChannelsLast);
    Value y = fragment.define(op->getOpResult(0), Layout::ChannelsLast);
    CallOptions options = fragment.options("avg_pool");
    addWindow(options, pool);
    options.flag("count_include_pad", pool.getCountIncludePad());
    fragment.call(op->getLoc(), x, y, options);
    return success();
  }
};

struct AvgPoolGradientLowering
    : RuntimeLoweringOpInterface::ExternalModel<AvgPoolGradientLowering,
                                                nn::AvgPoolGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto pool = cast<nn::AvgPoolGradientOp>(op);
    Value dy = fragment.memory(pool.getDy(), Layout::ChannelsLast);
    Value dx = fragment.define(op->getOpResult(0), Layout::ChannelsLast);
    CallOptions options = fragment.options("avg_pool_gradient");
    addWindow(options, pool);
    options.flag("count_include_pad", pool.getCountIncludePad());
    fragment.call(op->getLoc(), dy, dx, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerPoolingLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::MaxPoolOp::attachInterface<MaxPoolLowering>(*context);
    nn::MaxPoolGradientOp::attachInterface<MaxPoolGradientLowering>(*context);
    nn::AvgPoolOp::attachInterface<AvgPoolLowering>(*context);
    nn::AvgPoolGradientOp::attachInterface<AvgPoolGradientLowering>(*context);
  });
}

// Ops that move, reduce or normalise elements to runtime calls.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// Calls that take any layout give back the layout of what they read.
static Layout layoutOf(FragmentBuilder &fragment, Value tensor) {
  return fragment.isChannelsLast(tensor) ? Layout::ChannelsLast : Layout::RowMajor;
}

namespace {
struct ConstantLowering
    : RuntimeLoweringOpInterface::ExternalModel<ConstantLowering, nn::ConstantOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto constant = cast<nn::ConstantOp>(op);
    auto type = dyn_cast<RankedTensorType>(constant.getType());
    bool isSplat = isa<SplatElementsAttr>(constant.getValue());
    bool isWhole = type && (type.getElementType().isSignlessInteger(64) || type.getElementType().isSignlessInteger(32) ||
                            type.getElementType().isInteger(1));
    if (!type || !(isWhole || type.getElementType().isF32() || (isSplat && type.getElementType().isBF16())))
      return op->emitError("constants of type ")
             << constant.getType() << " have no memory: only tensors of f32, i64, i32 and i1 do";
    if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()); splat && !isWhole) {
      Value memory = fragment.define(op->getOpResult(0));
      CallOptions options = fragment.options("fill");
      options.argument("value", splat.getSplatValue<APFloat>().convertToDouble());
      fragment.call(op->getLoc(), {}, memory, options);
      return success();
    }
    fragment.alias(op->getResult(0),
                   fragment.createConstant(op->getLoc(),
                                           bufferName(op->getOpResult(0)),
                                           constant.getValue()));
    return success();
  }
};

struct ReshapeLowering
    : RuntimeLoweringOpInterface::ExternalModel<ReshapeLowering, nn::ReshapeOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto reshape = cast<nn::ReshapeOp>(op);
    Value x = fragment.memory(reshape.getX());
    if (!fragment.isChannelsLast(reshape.getX()))
      return fragment.reshapeInPlace(op->getOpResult(0), x), success();
    // The order of elements changes, so they move. Copying reads them in
    // row-major order of the logical shape.
    fragment.copy(op->getLoc(), x, fragment.define(op->getOpResult(0)));
    return success();
  }
};

struct TransposeLowering
    : RuntimeLoweringOpInterface::ExternalModel<TransposeLowering, nn::TransposeOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto transpose = cast<nn::TransposeOp>(op);
    CallOptions options = fragment.options("transpose");
    options.list("perm", transpose.getPermutation());
    fragment.call(op->getLoc(), fragment.memory(transpose.getX()),
                  fragment.define(op->getOpResult(0)), options);
    return success();
  }
};

struct BroadcastLowering
    : RuntimeLoweringOpInterface::ExternalModel<BroadcastLowering, nn::BroadcastOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    fragment.call(op->getLoc(), fragment.memory(op->getOperand(0)),
                  fragment.define(op->getOpResult(0)), fragment.options("broadcast"));
    return success();
  }
};

struct ConcatLowering
    : RuntimeLoweringOpInterface::ExternalModel<ConcatLowering, nn::ConcatOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto concat = cast<nn::ConcatOp>(op);
    SmallVector<Value> inputs;
    bool channelsLast = false;
    for (Value operand : concat.getOperands()) {
      inputs.push_back(fragment.memory(operand));
      channelsLast |= fragment.isChannelsLast(operand);
    }
    Value y = fragment.define(op->getOpResult(0), channelsLast
                                                      ? Layout::ChannelsLast
                                                      : Layout::RowMajor);
    CallOptions options = fragment.options("concat");
    options.integer("axis", concat.getAxis());
    fragment.call(op->getLoc(), inputs, y, options);
    return success();
  }
};

struct SliceLowering
    : RuntimeLoweringOpInterface::ExternalModel<SliceLowering, nn::SliceOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto slice = cast<nn::SliceOp>(op);
    Layout layout = layoutOf(fragment, slice.getX());
    CallOptions options = fragment.options("slice");
    options.list("offsets", slice.getOffsets());
    fragment.call(op->getLoc(), fragment.memory(slice.getX()),
                  fragment.define(op->getOpResult(0), layout), options);
    return success();
  }
};

struct PadLowering
    : RuntimeLoweringOpInterface::ExternalModel<PadLowering, nn::PadOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto pad = cast<nn::PadOp>(op);
    Layout layout = layoutOf(fragment, pad.getX());
    Value y = fragment.define(op->getOpResult(0), layout);
    CallOptions zero = fragment.options("fill");
    zero.argument("value", 0);
    fragment.call(op->getLoc(), {}, y, zero);
    CallOptions options = fragment.options("insert");
    options.list("offsets", pad.getOffsets());
    fragment.call(op->getLoc(), fragment.memory(pad.getX()), y, options);
    return success();
  }
};

struct ReduceSumLowering
    : RuntimeLoweringOpInterface::ExternalModel<ReduceSumLowering, nn::ReduceSumOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto reduce = cast<nn::ReduceSumOp>(op);
    auto x = reduce.getX().getType();
    if (reduce.getAxes().empty()) {
      fragment.reshapeInPlace(op->getOpResult(0),
                              fragment.memory(reduce.getX(), Layout::RowMajor));
      return success();
    }
    CallOptions options = fragment.options("reduce_sum");
    if (static_cast<int64_t>(reduce.getAxes().size()) != x.getRank())
      options.list("axes", reduce.getAxes());
    options.sumOver = llvm::to_vector(reduce.getAxes());
    Layout layout = reduce.getKeepDims() ? layoutOf(fragment, reduce.getX())
                                         : Layout::RowMajor;
    fragment.call(op->getLoc(), fragment.memory(reduce.getX()),
                  fragment.define(op->getOpResult(0), layout), options);
    return success();
  }
};

template <typename Op>
struct AlongAxisLowering
    : RuntimeLoweringOpInterface::ExternalModel<AlongAxisLowering<Op>, Op> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto along = cast<Op>(op);
    Layout layout = layoutOf(fragment, along.getX());
    CallOptions options = fragment.options(op->getName().stripDialect());
    // The last one is the default.
    bool isLast = static_cast<int64_t>(along.getAxis()) == along.getX().getType().getRank() - 1;
    options.integer("axis", isLast ? -1 : along.getAxis());
    fragment.call(op->getLoc(),
                  fragment.memory(along.getX()),
                  fragment.define(op->getOpResult(0), layout), options);
    return success();
  }
};
} // namespace

void dtc::plan::registerShapeLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConstantOp::attachInterface<ConstantLowering>(*context);
    nn::ReshapeOp::attachInterface<ReshapeLowering>(*context);
    nn::TransposeOp::attachInterface<TransposeLowering>(*context);
    nn::BroadcastOp::attachInterface<BroadcastLowering>(*context);
    nn::ConcatOp::attachInterface<ConcatLowering>(*context);
    nn::SliceOp::attachInterface<SliceLowering>(*context);
    nn::PadOp::attachInterface<PadLowering>(*context);
    nn::ReduceSumOp::attachInterface<ReduceSumLowering>(*context);
    nn::SoftmaxOp::attachInterface<AlongAxisLowering<nn::SoftmaxOp>>(*context);
    nn::LogSoftmaxOp::attachInterface<AlongAxisLowering<nn::LogSoftmaxOp>>(*context);
  });
}

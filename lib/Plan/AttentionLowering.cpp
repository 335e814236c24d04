// Attention to runtime calls: all tensors row-major.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

template <typename OpT> static CallOptions optionsOf(FragmentBuilder &fragment, StringRef callee, OpT op) {
  CallOptions options = fragment.options(callee);
  if (Value mask = op.getMask()) {
    bool isTruth = cast<RankedTensorType>(mask.getType()).getElementType().isInteger(1);
    options.buffer(isTruth ? "mask" : "bias", fragment.memory(mask, Layout::RowMajor));
  }
  options.real("scale", op.getScale().convertToDouble()).flag("causal", op.getCausal()).flag("positions_first", op.getPositionsFirst());
  return options;
}

namespace {
struct AttentionLowering : RuntimeLoweringOpInterface::ExternalModel<AttentionLowering, nn::AttentionOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto attention = cast<nn::AttentionOp>(op);
    SmallVector<Value> inputs;
    for (Value operand : {attention.getQ(), attention.getK(), attention.getV()})
      inputs.push_back(fragment.memory(operand, Layout::RowMajor));
    SmallVector<Value> outputs = {fragment.define(op->getOpResult(0))};
    // Evaluation takes no gradient.
    if (!attention.getLse().use_empty())
      outputs.push_back(fragment.define(op->getOpResult(1)));
    fragment.call(op->getLoc(), inputs, outputs, optionsOf(fragment, "attention", attention));
    return success();
  }
};

struct AttentionGradientLowering : RuntimeLoweringOpInterface::ExternalModel<AttentionGradientLowering, nn::AttentionGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto gradient = cast<nn::AttentionGradientOp>(op);
    SmallVector<Value> inputs, outputs;
    for (Value operand : op->getOperands().take_front(6))
      inputs.push_back(fragment.memory(operand, Layout::RowMajor));
    for (OpResult result : op->getResults())
      outputs.push_back(fragment.define(result));
    fragment.call(op->getLoc(), inputs, outputs, optionsOf(fragment, "attention_gradient", gradient));
    return success();
  }
};
} // namespace

void dtc::plan::registerAttentionLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::AttentionOp::attachInterface<AttentionLowering>(*context);
    nn::AttentionGradientOp::attachInterface<AttentionGradientLowering>(*context);
  });
}

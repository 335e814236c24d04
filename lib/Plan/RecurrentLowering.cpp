// Recurrent layers to runtime calls: all tensors row-major.
#include "ExternalModels.h"

#include "dialects/NN/NNRecurrent.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

/// The call with the first `count` operands, and all results.
template <typename OpT> static void lower(OpT op, unsigned count, FragmentBuilder &fragment, CallOptions options) {
  SmallVector<Value> inputs, outputs;
  for (Value operand : op->getOperands().take_front(count))
    inputs.push_back(fragment.memory(operand, Layout::RowMajor));
  for (OpResult result : op->getResults())
    outputs.push_back(fragment.define(result));
  fragment.call(op.getLoc(), inputs, outputs, options.flag("reverse", op.getReverse()));
}

namespace {
struct LstmLowering : RuntimeLoweringOpInterface::ExternalModel<LstmLowering, nn::LstmOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    lower(cast<nn::LstmOp>(op), 4, fragment, fragment.options("lstm"));
    return success();
  }
};

struct LstmGradientLowering : RuntimeLoweringOpInterface::ExternalModel<LstmGradientLowering, nn::LstmGradientOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto gradient = cast<nn::LstmGradientOp>(op);
    CallOptions options = fragment.options("lstm_gradient");
    if (gradient.getDc())
      options.buffer("cell_gradient", fragment.memory(gradient.getDc(), Layout::RowMajor));
    lower(gradient, 7, fragment, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerRecurrentLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LstmOp::attachInterface<LstmLowering>(*context);
    nn::LstmGradientOp::attachInterface<LstmGradientLowering>(*context);
  });
}

// Matrix products to runtime calls.
#include "Models.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct MatmulLowering
    : RuntimeLoweringOpInterface::ExternalModel<MatmulLowering, nn::MatmulOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto matmul = cast<nn::MatmulOp>(op);
    Value a = fragment.memory(matmul.getA(), Layout::RowMajor);
    Value b = fragment.memory(matmul.getB(), Layout::RowMajor);
    Value y = fragment.define(op->getOpResult(0));
    CallOptions options = fragment.options();
    if (matmul.getBias())
      options.buffer("bias", fragment.memory(matmul.getBias()));
    options.flag("transpose_a", matmul.getTransposeA())
        .flag("transpose_b", matmul.getTransposeB());
    addActivation(options, matmul.getActivation(), matmul.getAlpha().convertToDouble());
    // Of single matrices: the gradient of a layer's weight reads the matrix whose rows are added up for its bias.
    if (!matmul.getBias() && matmul.getActivation() == nn::Activation::None &&
        matmul.getA().getType().getRank() == 2 && matmul.getB().getType().getRank() == 2)
      options.sum("bias_gradient_a", 0, {matmul.getTransposeA() ? 0 : 1})
          .sum("bias_gradient_b", 1, {matmul.getTransposeB() ? 1 : 0});
    options.canAccumulate =
        !matmul.getBias() && matmul.getActivation() == nn::Activation::None &&
        !matmul.getType().getElementType().isBF16();
    fragment.call(op->getLoc(), "matmul", {a, b}, y, options);
    return success();
  }
};
} // namespace

void dtc::plan::attachMatmulLowerings(MLIRContext *context) {
  nn::MatmulOp::attachInterface<MatmulLowering>(*context);
}

// Matrix products to runtime calls.
#include "ExternalModels.h"

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
    bool isRounded = matmul.getType().getElementType().isBF16();
    CallOptions options = fragment.options("matmul");
    if (matmul.getBias())
      options.buffer("bias", fragment.memory(matmul.getBias()));
    if (matmul.getGradientAt()) {
      options.buffer("gradient_at", fragment.memory(matmul.getGradientAt(), Layout::RowMajor));
      // Summed in the pass that makes it; what is rounded is summed by the product that reads it.
      if (!isRounded)
        options.sum("bias_gradient", 2, llvm::to_vector(llvm::seq<int64_t>(matmul.getType().getRank() - 1)));
    }
    options.flag("transpose_a", matmul.getTransposeA())
        .flag("transpose_b", matmul.getTransposeB());
    addActivation(options, matmul);
    options.word("activation_gradient", nn::stringifyActivation(matmul.getActivationGradient()));
    // Of single matrices: the gradient of a layer's weight reads the matrix whose rows are added up for its bias.
    if (!matmul.getBias() && matmul.getActivation() == nn::Activation::None &&
        matmul.getA().getType().getRank() == 2 && matmul.getB().getType().getRank() == 2)
      options.sum("bias_gradient_a", 0, {matmul.getTransposeA() ? 0 : 1})
          .sum("bias_gradient_b", 1, {matmul.getTransposeB() ? 1 : 0});
    options.canWriteMask = matmul.getActivation() == nn::Activation::Relu;
    if (matmul.getActivationGradient() == nn::Activation::Relu)
      options.canReadMask = "gradient_at";
    options.canAccumulate =
        !matmul.getBias() && !matmul.getEpilogueAttr() && !isRounded;
    fragment.call(op->getLoc(), {a, b}, y, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerMatmulLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::MatmulOp::attachInterface<MatmulLowering>(*context);
  });
}

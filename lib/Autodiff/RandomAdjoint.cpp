// Dropout: what it is in training and in evaluation, and its adjoint.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
struct DropoutRandom : RandomOpInterface::ExternalModel<DropoutRandom, DropoutOp> {
  SmallVector<Value> buildTraining(Operation *op, ImplicitLocOpBuilder &builder, ValueRange operands, const Draw &draw) const {
    return {DropoutTrainingOp::create(builder, operands[0], draw.step, draw.sample, cast<DropoutOp>(op).getRatioAttr(),
                                      builder.getI64IntegerAttr(draw.stream), builder.getI64IntegerAttr(draw.outer))};
  }

  SmallVector<Value> buildEvaluation(Operation *, ImplicitLocOpBuilder &, ValueRange operands) const { return {operands[0]}; }
};

/// Linear in x: what was dropped gets no gradient. The mask is drawn again rather than kept.
struct DropoutAdjoint : DifferentiableOpInterface::ExternalModel<DropoutAdjoint, DropoutTrainingOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto dropout = cast<DropoutTrainingOp>(op);
    SmallVector<Value> gradients(op->getNumOperands());
    if (needed[0])
      gradients[0] = DropoutTrainingOp::create(builder, resultGradients[0], dropout.getStep(), dropout.getSample(), dropout.getRatioAttr(),
                                               dropout.getStreamAttr(), dropout.getOuterAttr());
    return gradients;
  }
};
} // namespace

void dtc::registerRandomAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    DropoutOp::attachInterface<DropoutRandom>(*context);
    DropoutTrainingOp::attachInterface<DropoutAdjoint>(*context);
  });
}

// Adjoints of convolution, the two gradients that libraries have calls for, and of the transposed one.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
struct ConvAdjoint
    : DifferentiableOpInterface::ExternalModel<ConvAdjoint, ConvOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    auto conv = cast<ConvOp>(op);
    Value dy = resultGradients[0];
    SmallVector<Value> gradients(op->getNumOperands());
    bool hasBias = static_cast<bool>(conv.getBias());
    // The weights' gradient comes first: it is communicated while dx is computed.
    if (needed[1]) {
      SmallVector<Type> types{conv.getWeight().getType()};
      if (hasBias)
        types.push_back(conv.getBias().getType());
      auto gradient = ConvWeightGradientOp::create(
          builder, types, conv.getX(), dy, conv.getStridesAttr(),
          conv.getDilationsAttr(), conv.getPadsAttr(), conv.getGroupsAttr());
      gradients[1] = gradient.getDweight();
      if (hasBias)
        gradients[2] = gradient.getDbias();
    } else if (hasBias && needed[2]) {
      SmallVector<int64_t> axes{0};
      for (int64_t d = 2; d < conv.getType().getRank(); ++d)
        axes.push_back(d);
      gradients[2] = ReduceSumOp::create(builder, dy, axes);
    }
    if (needed[0])
      gradients[0] = ConvInputGradientOp::create(
          builder, conv.getX().getType(), dy, conv.getWeight(),
          conv.getStridesAttr(), conv.getDilationsAttr(), conv.getPadsAttr(),
          conv.getGroupsAttr());
    return gradients;
  }
};

/// A model's transposed convolution: y = conv_input_gradient(x, w). It is linear in both, and the convolution leads back.
struct TransposedConvAdjoint : DifferentiableOpInterface::ExternalModel<TransposedConvAdjoint, ConvInputGradientOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto conv = cast<ConvInputGradientOp>(op);
    Value dy = resultGradients[0];
    SmallVector<Value> gradients(op->getNumOperands());
    if (needed[1])
      gradients[1] = ConvWeightGradientOp::create(builder, TypeRange{conv.getWeight().getType()}, dy, conv.getDy(), conv.getStridesAttr(),
                                                  conv.getDilationsAttr(), conv.getPadsAttr(), conv.getGroupsAttr())
                         .getDweight();
    if (needed[0])
      gradients[0] = ConvOp::create(builder, conv.getDy().getType(), dy, conv.getWeight(), /*bias=*/Value(), conv.getStridesAttr(),
                                    conv.getDilationsAttr(), conv.getPadsAttr(), conv.getGroupsAttr(), /*epilogue=*/EpilogueAttr(),
                                    /*epilogue_operand=*/Value());
    return gradients;
  }
};
} // namespace

void dtc::registerConvolutionAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    ConvOp::attachInterface<ConvAdjoint>(*context);
    ConvInputGradientOp::attachInterface<TransposedConvAdjoint>(*context);
  });
}

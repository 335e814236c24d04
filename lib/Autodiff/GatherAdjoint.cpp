// The adjoints of gather, whose slices go back to where they came from, and of gather_gradient, which a model scatters with. Indices have no
// gradient.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
struct GatherAdjoint : DifferentiableOpInterface::ExternalModel<GatherAdjoint, GatherOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto gather = cast<GatherOp>(op);
    SmallVector<Value> gradients(2);
    if (needed[0])
      gradients[0] = GatherGradientOp::create(builder, gather.getData().getType(), resultGradients[0], gather.getIndices(),
                                              gather.getAxisAttr());
    return gradients;
  }
};

/// Each slice has gone to one place, and takes the gradient from there.
struct GatherGradientAdjoint : DifferentiableOpInterface::ExternalModel<GatherGradientAdjoint, GatherGradientOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto scatter = cast<GatherGradientOp>(op);
    SmallVector<Value> gradients(2);
    if (needed[0]) {
      RankedTensorType type = scatter.getDy().getType();
      Value taken = GatherOp::create(builder, type.clone(scatter.getDdata().getType().getElementType()), resultGradients[0],
                                     scatter.getIndices(), scatter.getAxisAttr());
      gradients[0] = builder.createOrFold<CastOp>(type, taken);
    }
    return gradients;
  }
};
} // namespace

void dtc::registerGatherAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    GatherOp::attachInterface<GatherAdjoint>(*context);
    GatherGradientOp::attachInterface<GatherGradientAdjoint>(*context);
  });
}

// The adjoint of gather: slices go back to where they came from. Indices have no gradient.
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
} // namespace

void dtc::registerGatherAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) { GatherOp::attachInterface<GatherAdjoint>(*context); });
}

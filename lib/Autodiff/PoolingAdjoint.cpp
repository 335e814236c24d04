// Adjoints of pooling.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
/// Reads where the maxima stood from the forward op, so that x need not be kept.
struct MaxPoolAdjoint
    : DifferentiableOpInterface::ExternalModel<MaxPoolAdjoint, MaxPoolOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    auto pool = cast<MaxPoolOp>(op);
    if (!needed[0])
      return SmallVector<Value>{Value()};
    return SmallVector<Value>{MaxPoolGradientOp::create(
        builder, pool.getX().getType(), resultGradients[0], pool.getIndex(),
        pool.getKernelAttr(), pool.getStridesAttr(), pool.getPadsAttr(),
        pool.getDilationsAttr())};
  }
};

struct AvgPoolAdjoint
    : DifferentiableOpInterface::ExternalModel<AvgPoolAdjoint, AvgPoolOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    auto pool = cast<AvgPoolOp>(op);
    if (!needed[0])
      return SmallVector<Value>{Value()};
    return SmallVector<Value>{AvgPoolGradientOp::create(
        builder, pool.getX().getType(), resultGradients[0],
        pool.getKernelAttr(), pool.getStridesAttr(), pool.getPadsAttr(),
        pool.getDilationsAttr(), pool.getCountIncludePadAttr())};
  }
};
} // namespace

void dtc::registerPoolingAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    MaxPoolOp::attachInterface<MaxPoolAdjoint>(*context);
    AvgPoolOp::attachInterface<AvgPoolAdjoint>(*context);
  });
}

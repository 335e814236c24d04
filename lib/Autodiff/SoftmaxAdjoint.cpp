// Adjoints of softmax and its logarithm, from their results alone.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

static Value sumAlong(ImplicitLocOpBuilder &builder, Value x, int64_t axis) {
  return ReduceSumOp::create(builder, x, ArrayRef<int64_t>{axis},
                             /*keep_dims=*/true);
}

namespace {
/// dx = y (dy - sum(y dy)).
struct SoftmaxAdjoint
    : DifferentiableOpInterface::ExternalModel<SoftmaxAdjoint, SoftmaxOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    if (!needed[0])
      return SmallVector<Value>{Value()};
    auto softmax = cast<SoftmaxOp>(op);
    Value dy = resultGradients[0], y = softmax.getY();
    Value sum = sumAlong(builder, MulOp::create(builder, y, dy), softmax.getAxis());
    Value centered = SubOp::create(builder, dy, sum);
    return SmallVector<Value>{MulOp::create(builder, y, centered)};
  }
};

/// dx = dy - e^y sum(dy).
struct LogSoftmaxAdjoint
    : DifferentiableOpInterface::ExternalModel<LogSoftmaxAdjoint, LogSoftmaxOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    if (!needed[0])
      return SmallVector<Value>{Value()};
    auto softmax = cast<LogSoftmaxOp>(op);
    Value dy = resultGradients[0];
    Value sum = sumAlong(builder, dy, softmax.getAxis());
    Value probability = ExpOp::create(builder, softmax.getY());
    Value share = MulOp::create(builder, probability, sum);
    return SmallVector<Value>{SubOp::create(builder, dy, share)};
  }
};
} // namespace

void dtc::registerSoftmaxAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    SoftmaxOp::attachInterface<SoftmaxAdjoint>(*context);
    LogSoftmaxOp::attachInterface<LogSoftmaxAdjoint>(*context);
  });
}

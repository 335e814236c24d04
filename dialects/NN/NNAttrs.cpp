// Attributes of the nn dialect: checks of their values.
#include "dialects/NN/NN.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace dtc::nn;

#include "dialects/NN/NNEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/NN/NNAttrs.cpp.inc"

void NNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/NN/NNAttrs.cpp.inc"
      >();
}

using EmitError = llvm::function_ref<InFlightDiagnostic()>;

static LogicalResult verifyRange(EmitError emitError, StringRef name,
                                 double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value < high)
    return success();
  InFlightDiagnostic diagnostic = emitError() << name << " must be ";
  if (std::isinf(high))
    return diagnostic << "finite and at least " << low << ", not " << value;
  return diagnostic << "in [" << low << ", " << high << "), not " << value;
}

static constexpr double unbounded = HUGE_VAL;

LogicalResult UniformAttr::verify(EmitError emitError, Real bound) {
  return verifyRange(emitError, "bound", bound, 0, unbounded);
}

LogicalResult NormalAttr::verify(EmitError emitError, Real mean,
                                 Real stddev) {
  return verifyRange(emitError, "stddev", stddev, 0, unbounded);
}

LogicalResult SGDAttr::verify(EmitError emitError, Real lr, Real momentum,
                              Real dampening, Real weightDecay,
                              bool nesterov) {
  if (failed(verifyRange(emitError, "lr", lr, 0, unbounded)) ||
      failed(verifyRange(emitError, "momentum", momentum, 0, unbounded)) ||
      failed(verifyRange(emitError, "weight_decay", weightDecay, 0, unbounded)))
    return failure();
  if (!std::isfinite(dampening))
    return emitError() << "dampening must be finite";
  if (nesterov && (momentum == 0 || dampening != 0))
    return emitError()
           << "nesterov needs a momentum above 0 and a dampening of 0";
  return success();
}

LogicalResult AdamAttr::verify(EmitError emitError, Real lr, Real beta1,
                               Real beta2, Real epsilon, Real weightDecay,
                               bool decoupled) {
  if (failed(verifyRange(emitError, "lr", lr, 0, unbounded)) ||
      failed(verifyRange(emitError, "beta1", beta1, 0, 1)) ||
      failed(verifyRange(emitError, "beta2", beta2, 0, 1)) ||
      failed(verifyRange(emitError, "epsilon", epsilon, 0, unbounded)))
    return failure();
  return verifyRange(emitError, "weight_decay", weightDecay, 0, unbounded);
}

LogicalResult RecipeAttr::verify(EmitError emitError, Attribute loss,
                                 Attribute optimizer, int64_t batch) {
  if (batch < 1)
    return emitError() << "batch must be at least 1, not " << batch;
  return success();
}

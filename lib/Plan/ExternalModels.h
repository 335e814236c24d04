// The lowerings of each family of ops, for registration; private to Plan.
#ifndef DTC_LIB_PLAN_MODELS_H
#define DTC_LIB_PLAN_MODELS_H

#include "dialects/NN/NN.h"
#include "dtc/Plan/FragmentBuilder.h"

namespace dtc::plan {

void attachConvolutionLowerings(mlir::MLIRContext *context);
void attachMatmulLowerings(mlir::MLIRContext *context);
void attachPoolingLowerings(mlir::MLIRContext *context);
void attachNormalisationLowerings(mlir::MLIRContext *context);
void attachShapeLowerings(mlir::MLIRContext *context);
void attachTrainingLowerings(mlir::MLIRContext *context);
void attachKernelLowerings(mlir::MLIRContext *context);
void attachTensorLowerings(mlir::MLIRContext *context);
void attachScalarLowerings(mlir::MLIRContext *context);
void attachCollectiveLowerings(mlir::MLIRContext *context);
void attachPartsLowerings(mlir::MLIRContext *context);
void attachMessageLowerings(mlir::MLIRContext *context);

/// The options `activation` and `alpha` of a library call.
inline void addActivation(CallOptions &options, nn::TakesEpilogue op) {
  // The C library claims the name tanh.
  options
      .word("activation",
            op.getActivation() == nn::Activation::Tanh
                ? "Activation::tanh"
                : nn::stringifyActivation(op.getActivation()))
      .real("alpha", op.getActivationAlpha());
}

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_MODELS_H

// The lowerings of each family of ops, for registration; private to Plan.
#ifndef DTC_LIB_PLAN_EXTERNALMODELS_H
#define DTC_LIB_PLAN_EXTERNALMODELS_H

#include "dialects/NN/NN.h"
#include "dtc/Plan/FragmentBuilder.h"

namespace dtc::plan {

void registerConvolutionLowerings(mlir::DialectRegistry &registry);
void registerMatmulLowerings(mlir::DialectRegistry &registry);
void registerPoolingLowerings(mlir::DialectRegistry &registry);
void registerNormalisationLowerings(mlir::DialectRegistry &registry);
void registerSampleNormalisationLowerings(mlir::DialectRegistry &registry);
void registerRandomLowerings(mlir::DialectRegistry &registry);
void registerAttentionLowerings(mlir::DialectRegistry &registry);
void registerRecurrentLowerings(mlir::DialectRegistry &registry);
void registerShapeLowerings(mlir::DialectRegistry &registry);
void registerGatherLowerings(mlir::DialectRegistry &registry);
void registerTrainingLowerings(mlir::DialectRegistry &registry);
void registerKernelLowerings(mlir::DialectRegistry &registry);
void registerTensorLowerings(mlir::DialectRegistry &registry);
void registerScalarLowerings(mlir::DialectRegistry &registry);
void registerCollectiveLowerings(mlir::DialectRegistry &registry);
void registerPartsLowerings(mlir::DialectRegistry &registry);
void registerMessageLowerings(mlir::DialectRegistry &registry);

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

#endif // DTC_LIB_PLAN_EXTERNALMODELS_H

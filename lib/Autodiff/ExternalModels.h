// The families of models that this stage attaches to nn, one file each.
#ifndef DTC_LIB_AUTODIFF_EXTERNALMODELS_H
#define DTC_LIB_AUTODIFF_EXTERNALMODELS_H

namespace mlir {
class DialectRegistry;
}

namespace dtc {

void registerElementwiseAdjoints(mlir::DialectRegistry &registry);
void registerConvolutionAdjoint(mlir::DialectRegistry &registry);
void registerMatmulAdjoint(mlir::DialectRegistry &registry);
void registerPoolingAdjoints(mlir::DialectRegistry &registry);
void registerNormalisationAdjoint(mlir::DialectRegistry &registry);
void registerSampleNormalisationAdjoints(mlir::DialectRegistry &registry);
void registerRandomAdjoint(mlir::DialectRegistry &registry);
void registerAttentionAdjoint(mlir::DialectRegistry &registry);
void registerRecurrentAdjoint(mlir::DialectRegistry &registry);
void registerShapeAdjoints(mlir::DialectRegistry &registry);
void registerSoftmaxAdjoints(mlir::DialectRegistry &registry);
void registerGatherAdjoint(mlir::DialectRegistry &registry);
void registerLosses(mlir::DialectRegistry &registry);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_EXTERNALMODELS_H

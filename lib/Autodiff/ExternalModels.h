// The families of models that this stage attaches to nn, one file each.
#ifndef DTC_LIB_AUTODIFF_MODELS_H
#define DTC_LIB_AUTODIFF_MODELS_H

namespace mlir {
class MLIRContext;
}

namespace dtc {

void attachElementwiseAdjoints(mlir::MLIRContext *context);
void attachConvolutionAdjoint(mlir::MLIRContext *context);
void attachMatmulAdjoint(mlir::MLIRContext *context);
void attachPoolingAdjoints(mlir::MLIRContext *context);
void attachNormalisationAdjoint(mlir::MLIRContext *context);
void attachShapeAdjoints(mlir::MLIRContext *context);
void attachSoftmaxAdjoints(mlir::MLIRContext *context);
void attachLosses(mlir::MLIRContext *context);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_MODELS_H

// The interfaces' generated definitions, and the registration of all models.
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "ExternalModels.h"
#include "dialects/NN/NN.h"

#include "dtc/Autodiff/AutodiffAttrInterfaces.cpp.inc"
#include "dtc/Autodiff/AutodiffOpInterfaces.cpp.inc"

void dtc::registerAutodiffExternalModels(mlir::DialectRegistry &registry) {
  registry.addExtension(+[](mlir::MLIRContext *context, nn::NNDialect *) {
    attachElementwiseAdjoints(context);
    attachConvolutionAdjoint(context);
    attachMatmulAdjoint(context);
    attachPoolingAdjoints(context);
    attachNormalisationAdjoint(context);
    attachShapeAdjoints(context);
    attachSoftmaxAdjoints(context);
    attachLosses(context);
  });
}

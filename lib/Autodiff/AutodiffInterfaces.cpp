// The interfaces' generated definitions, and the registration of all models.
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "ExternalModels.h"
#include "dialects/NN/NN.h"

#include "dtc/Autodiff/AutodiffAttrInterfaces.cpp.inc"
#include "dtc/Autodiff/AutodiffOpInterfaces.cpp.inc"

void dtc::registerAutodiffExternalModels(mlir::DialectRegistry &registry) {
  registerElementwiseAdjoints(registry);
  registerConvolutionAdjoint(registry);
  registerMatmulAdjoint(registry);
  registerPoolingAdjoints(registry);
  registerNormalisationAdjoint(registry);
  registerSampleNormalisationAdjoints(registry);
  registerRandomAdjoint(registry);
  registerAttentionAdjoint(registry);
  registerRecurrentAdjoint(registry);
  registerShapeAdjoints(registry);
  registerSoftmaxAdjoints(registry);
  registerGatherAdjoint(registry);
  registerLosses(registry);
}

// Registration of the lowerings to rt.
#include "ExternalModels.h"

#include "dtc/Plan/Passes.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

#include "dtc/Plan/RuntimeLoweringInterface.cpp.inc"

void dtc::registerPlanExternalModels(DialectRegistry &registry) {
  registerConvolutionLowerings(registry);
  registerMatmulLowerings(registry);
  registerPoolingLowerings(registry);
  registerNormalisationLowerings(registry);
  registerSampleNormalisationLowerings(registry);
  registerRandomLowerings(registry);
  registerAttentionLowerings(registry);
  registerRecurrentLowerings(registry);
  registerShapeLowerings(registry);
  registerGatherLowerings(registry);
  registerTrainingLowerings(registry);
  registerCollectiveLowerings(registry);
  registerPartsLowerings(registry);
  registerMessageLowerings(registry);
  registerKernelLowerings(registry);
  registerTensorLowerings(registry);
  registerScalarLowerings(registry);
}

// Registration of the lowerings to rt.
#include "ExternalModels.h"

#include "dialects/Dist/Dist.h"
#include "dtc/Plan/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

#include "dtc/Plan/RuntimeLoweringInterface.cpp.inc"

void dtc::plan::registerPlanExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    attachConvolutionLowerings(context);
    attachMatmulLowerings(context);
    attachPoolingLowerings(context);
    attachNormalisationLowerings(context);
    attachShapeLowerings(context);
    attachTrainingLowerings(context);
  });
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    attachCollectiveLowerings(context);
    attachPartsLowerings(context);
    attachMessageLowerings(context);
  });
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    attachKernelLowerings(context);
  });
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attachTensorLowerings(context);
  });
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attachScalarLowerings(context);
  });
}

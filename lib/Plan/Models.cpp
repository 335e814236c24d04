// Registration of the lowerings to rt.
#include "Models.h"

#include "dialects/Dist/Dist.h"
#include "dtc/Plan/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

#include "dtc/Plan/RuntimeLoweringInterface.cpp.inc"

namespace {
/// A collective inside a fragment works in place on the result's memory.
struct AllReduceLowering
    : RuntimeLoweringOpInterface::ExternalModel<AllReduceLowering, dist::AllReduceOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto reduce = cast<dist::AllReduceOp>(op);
    Value memory = fragment.define(op->getOpResult(0));
    fragment.copy(op->getLoc(), fragment.memory(reduce.getValue()), memory);
    rt::AllReduceOp::create(fragment.getBuilder(), op->getLoc(),
                            dist::stringifyReduction(reduce.getReduction()),
                            memory, reduce.getAxis(),
                            bufferName(op->getOpResult(0)));
    return success();
  }
};
} // namespace

void dtc::plan::attachCollectiveLowerings(MLIRContext *context) {
  dist::AllReduceOp::attachInterface<AllReduceLowering>(*context);
}

void dtc::plan::registerPlanModels(DialectRegistry &registry) {
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

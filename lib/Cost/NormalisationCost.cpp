// Costs of batch normalisation: FLOPs an element, statistics included.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

template <typename OpT, uint64_t flops>
struct NormalisationCost : CostOpInterface::ExternalModel<NormalisationCost<OpT, flops>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  Cost getCost(Operation *op) const {
    return costOfTensors(
        op, llvm::SaturatingMultiply<uint64_t>(flops, elementsOf(op->getOperand(0))));
  }
};

} // namespace

void dtc::cost::registerNormalisationCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    // x - mean, times a factor, plus the bias.
    nn::BatchNormOp::attachInterface<NormalisationCost<nn::BatchNormOp, 3>>(*context);
    // The mean 1, the variance 3, x - mean, times a factor, plus the bias 3.
    nn::BatchNormTrainingOp::attachInterface<NormalisationCost<nn::BatchNormTrainingOp, 7>>(
        *context);
    // The statistics 4, the sums of dy and of dy (x - mean) 4, dx 5.
    nn::BatchNormGradientOp::attachInterface<NormalisationCost<nn::BatchNormGradientOp, 13>>(
        *context);
  });
}

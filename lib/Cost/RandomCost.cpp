// Costs of dropout: what is drawn counts as work.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

struct DropoutCost : CostOpInterface::ExternalModel<DropoutCost, nn::DropoutOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Elementwise; }
  Cost getCost(Operation *op) const { return costOfTensors(op, elementsOf(op->getOperand(0))); }
};

/// The words as for dropout, and a product and a sum.
struct RandomUniformCost : CostOpInterface::ExternalModel<RandomUniformCost, nn::RandomUniformOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Elementwise; }
  Cost getCost(Operation *op) const { return costOfTensors(op, llvm::SaturatingMultiply<uint64_t>(17, elementsOf(op->getResult(0)))); }
};

struct DropoutTrainingCost : CostOpInterface::ExternalModel<DropoutTrainingCost, nn::DropoutTrainingOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Elementwise; }
  /// Ten rounds of two products and four exclusive ors give the words of four elements; the comparison and the product with the scale 2.
  Cost getCost(Operation *op) const { return costOfTensors(op, llvm::SaturatingMultiply<uint64_t>(17, elementsOf(op->getOperand(0)))); }
};

} // namespace

void dtc::cost::registerRandomCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::DropoutOp::attachInterface<DropoutCost>(*context);
    nn::RandomUniformOp::attachInterface<RandomUniformCost>(*context);
    nn::DropoutTrainingOp::attachInterface<DropoutTrainingCost>(*context);
  });
}

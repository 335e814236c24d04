// Costs of recurrent layers: a product with r for each step, and what happens to each state.
#include "dialects/NN/NNRecurrent.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

static uint64_t times(uint64_t a, uint64_t b) { return llvm::SaturatingMultiply(a, b); }

/// `products` products of all gates with r, and `others` operations for each element of a state.
template <typename OpT> static Cost costOfSteps(OpT op, uint64_t products, uint64_t others) {
  uint64_t states = elementsOf(op.getH()), hidden = op.getR().getType().getDimSize(1);
  return costOfTensors(op, times(states, llvm::SaturatingAdd(times(8 * products, hidden), others)));
}

namespace {
struct LstmCost : CostOpInterface::ExternalModel<LstmCost, nn::LstmOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Matmul; }
  /// Five activations, four sums of gates, three products and a sum.
  Cost getCost(Operation *op) const { return costOfSteps(cast<nn::LstmOp>(op), 1, 13); }
};

struct LstmGradientCost : CostOpInterface::ExternalModel<LstmGradientCost, nn::LstmGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Matmul; }
  /// Of h and of r; tanh(c), the sum of two gradients, 6 for that of c, 4 for each gate's, 1 for what goes to the step before.
  Cost getCost(Operation *op) const {
    auto gradient = cast<nn::LstmGradientOp>(op);
    return costOfSteps(gradient, 2, 25 + (gradient.getDc() != nullptr));
  }
};
} // namespace

void dtc::cost::registerRecurrentCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::LstmOp::attachInterface<LstmCost>(*context);
    nn::LstmGradientOp::attachInterface<LstmGradientCost>(*context);
  });
}

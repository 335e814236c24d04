// Costs of gather and its gradient.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

/// Reads the indices and what it gives, not all of data.
struct GatherCost : CostOpInterface::ExternalModel<GatherCost, nn::GatherOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Movement; }
  Cost getCost(Operation *op) const {
    Cost cost = costOfTensors(op, 0);
    cost.bytesRead = llvm::SaturatingAdd(bytesOf(cast<nn::GatherOp>(op).getIndices()), cost.bytesWritten);
    return cost;
  }
};

/// Writes zeros, and reads and writes where dy is added: in the type of the sums.
struct GatherGradientCost : CostOpInterface::ExternalModel<GatherGradientCost, nn::GatherGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Movement; }
  Cost getCost(Operation *op) const {
    auto gradient = cast<nn::GatherGradientOp>(op);
    uint64_t added = elementsOf(gradient.getDy());
    Cost cost = costOfTensors(op, added);
    uint64_t touched = llvm::SaturatingMultiply<uint64_t>(added, gradient.getDdata().getType().getElementTypeBitWidth() / 8);
    cost.bytesRead = llvm::SaturatingAdd(cost.bytesRead, touched);
    cost.bytesWritten = llvm::SaturatingAdd(cost.bytesWritten, touched);
    return cost;
  }
};

} // namespace

void dtc::cost::registerGatherCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::GatherOp::attachInterface<GatherCost>(*context);
    nn::GatherGradientOp::attachInterface<GatherGradientCost>(*context);
  });
}

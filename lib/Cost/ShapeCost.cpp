// Costs of constants, movement, reductions and softmax.
#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

/// Constants are there already, a reshape is a view.
template <typename OpT>
struct FreeCost : CostOpInterface::ExternalModel<FreeCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::View; }
  Cost getCost(Operation *) const { return {}; }
};

template <typename OpT>
struct MovementCost : CostOpInterface::ExternalModel<MovementCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Movement; }
  Cost getCost(Operation *op) const { return costOfTensors(op, 0); }
};

/// Reads no more than it gives.
template <typename OpT>
struct SliceCost : CostOpInterface::ExternalModel<SliceCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Movement; }
  Cost getCost(Operation *op) const {
    Cost cost = costOfTensors(op, 0);
    cost.bytesRead = cost.bytesWritten;
    return cost;
  }
};

template <typename OpT>
struct ReductionCost : CostOpInterface::ExternalModel<ReductionCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  Cost getCost(Operation *op) const {
    return costOfTensors(op, elementsOf(op->getOperand(0)));
  }
};

/// Five an element: maximum, subtraction, exp, sum, division (or subtraction of
/// the logarithm of the sum).
template <typename OpT>
struct SoftmaxCost : CostOpInterface::ExternalModel<SoftmaxCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Reduction; }
  Cost getCost(Operation *op) const {
    return costOfTensors(
        op, llvm::SaturatingMultiply<uint64_t>(5, elementsOf(op->getResult(0))));
  }
};

} // namespace

void dtc::cost::registerShapeCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::PartOp::attachInterface<SliceCost<dist::PartOp>>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConstantOp::attachInterface<FreeCost<nn::ConstantOp>>(*context);
    nn::ReshapeOp::attachInterface<FreeCost<nn::ReshapeOp>>(*context);
    // A conversion is no FLOP.
    nn::CastOp::attachInterface<MovementCost<nn::CastOp>>(*context);
    nn::TransposeOp::attachInterface<MovementCost<nn::TransposeOp>>(*context);
    nn::BroadcastOp::attachInterface<MovementCost<nn::BroadcastOp>>(*context);
    nn::ConcatOp::attachInterface<MovementCost<nn::ConcatOp>>(*context);
    nn::SliceOp::attachInterface<SliceCost<nn::SliceOp>>(*context);
    nn::PadOp::attachInterface<MovementCost<nn::PadOp>>(*context);
    nn::ReduceSumOp::attachInterface<ReductionCost<nn::ReduceSumOp>>(*context);
    nn::ReduceMeanOp::attachInterface<ReductionCost<nn::ReduceMeanOp>>(*context);
    nn::SoftmaxOp::attachInterface<SoftmaxCost<nn::SoftmaxOp>>(*context);
    nn::LogSoftmaxOp::attachInterface<SoftmaxCost<nn::LogSoftmaxOp>>(*context);
  });
}

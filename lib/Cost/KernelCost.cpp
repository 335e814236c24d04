// Costs of fused kernels: loops around a body of scalar arithmetic.
#include "dtc/Cost/Cost.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

/// The body's operations at each point of the loops; a comparison and the
/// selection by it are one, conversions none. An output is read only if the body uses it.
struct GenericCost : CostOpInterface::ExternalModel<GenericCost, linalg::GenericOp> {
  OpFamily getFamily(Operation *op) const {
    return cast<linalg::GenericOp>(op).getNumReductionLoops() ? OpFamily::Reduction
                                                              : OpFamily::Elementwise;
  }
  Cost getCost(Operation *op) const {
    auto generic = cast<linalg::GenericOp>(op);
    uint64_t perPoint = 0;
    for (Operation &inner : generic.getBody()->without_terminator())
      if (!inner.hasTrait<OpTrait::ConstantLike>() && !isa<arith::SelectOp, arith::ExtFOp, arith::TruncFOp, arith::FPToSIOp, arith::SIToFPOp, arith::ExtSIOp, arith::TruncIOp>(inner))
        ++perPoint;
    Cost cost;
    cost.flops = llvm::SaturatingMultiply(perPoint, productOf(generic.getStaticLoopRanges()));
    llvm::SmallPtrSet<Value, 4> read;
    for (OpOperand &operand : op->getOpOperands())
      if (generic.payloadUsesValueFromOperand(&operand) && read.insert(operand.get()).second)
        cost.bytesRead = llvm::SaturatingAdd(cost.bytesRead, bytesOf(operand.get()));
    for (Value result : op->getResults())
      cost.bytesWritten = llvm::SaturatingAdd(cost.bytesWritten, bytesOf(result));
    return cost;
  }
};

} // namespace

void dtc::cost::registerKernelCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    linalg::GenericOp::attachInterface<GenericCost>(*context);
  });
}

// Gather and its gradient to runtime calls, row-major throughout.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
/// Both take what is moved and the indices.
template <typename Op>
struct GatherLowering : RuntimeLoweringOpInterface::ExternalModel<GatherLowering<Op>, Op> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    Value moved = fragment.memory(op->getOperand(0), Layout::RowMajor);
    Value indices = fragment.memory(op->getOperand(1), Layout::RowMajor);
    CallOptions options = fragment.options(op->getName().stripDialect());
    options.integer("axis", cast<Op>(op).getAxis());
    // A sum that grows needs no zeros first: the other gradient of a table that is a matrix as well, or that of another microbatch.
    options.canAccumulate = std::is_same_v<Op, nn::GatherGradientOp>;
    fragment.call(op->getLoc(), {moved, indices}, fragment.define(op->getOpResult(0)), options);
    return success();
  }
};
} // namespace

void dtc::plan::registerGatherLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::GatherOp::attachInterface<GatherLowering<nn::GatherOp>>(*context);
    nn::GatherGradientOp::attachInterface<GatherLowering<nn::GatherGradientOp>>(*context);
  });
}

// Lowers collectives inside of fragments.
#include "ExternalModels.h"

#include "dialects/Dist/Dist.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

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

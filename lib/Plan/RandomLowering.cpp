// Dropout to a runtime call, the same for forward and adjoint: offsets count in row-major order.
#include "ExternalModels.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
struct DropoutLowering : RuntimeLoweringOpInterface::ExternalModel<DropoutLowering, nn::DropoutTrainingOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto dropout = cast<nn::DropoutTrainingOp>(op);
    SmallVector<Value> inputs = {fragment.memory(dropout.getX(), Layout::RowMajor), fragment.memory(dropout.getStep())};
    Value output = fragment.define(op->getOpResult(0));
    CallOptions options = fragment.options("dropout");
    if (dropout.getSample())
      options.buffer("sample", fragment.memory(dropout.getSample(), Layout::RowMajor));
    options.real("ratio", dropout.getRatio().convertToDouble())
        .integer("stream", static_cast<int64_t>(dropout.getStream()))
        .integer("outer", static_cast<int64_t>(dropout.getOuter()));
    fragment.call(op->getLoc(), inputs, output, options);
    return success();
  }
};
} // namespace

void dtc::plan::registerRandomLowerings(DialectRegistry &registry) {
  registry.addExtension(
      +[](MLIRContext *context, nn::NNDialect *) { nn::DropoutTrainingOp::attachInterface<DropoutLowering>(*context); });
}

// dtc-shard-state: each rank along an axis updates its part of every parameter and keeps the optimizer's state of that part alone.
#include "dtc/Partition/Passes.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Mesh/Mesh.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc {
#define GEN_PASS_DEF_SHARDSTATEPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

namespace {

struct ShardStatePass : dtc::impl::ShardStatePassBase<ShardStatePass> {
  using ShardStatePassBase::ShardStatePassBase;

  void runOnOperation() override {
    FailureOr<Mesh> mesh = Mesh::of(getOperation());
    if (failed(mesh))
      return signalPassFailure();
    ranks = mesh->size(axis);
    if (ranks == 1)
      return;
    for (auto step : getOperation().getOps<func::FuncOp>()) {
      auto phase = step->getAttrOfType<StringAttr>(nn::names::phase);
      if (!phase || phase.getValue() != "train")
        continue;
      for (auto update : llvm::make_early_inc_range(step.getOps<nn::UpdateOp>()))
        if (failed(shard(step, update)))
          return signalPassFailure();
      updateType(step);
    }
  }

  LogicalResult shard(func::FuncOp step, nn::UpdateOp update);
  Value partOfGradient(OpBuilder &builder, Value gradient, RankedTensorType part);
  void updateType(func::FuncOp step);

  int64_t ranks = 1;
};

} // namespace

/// A sum over the batch along the axis that nobody else takes is cut as it is made; what is whole otherwise, afterwards.
Value ShardStatePass::partOfGradient(OpBuilder &builder, Value gradient, RankedTensorType part) {
  auto sum = gradient.getDefiningOp<dist::BatchSumOp>();
  if (!sum || !sum->hasOneUse() || sum.getAxis() != axis)
    return dist::PartOp::create(builder, gradient.getLoc(), part, gradient, axis, IntegerAttr());
  sum.setParts(true);
  sum.getResult().setType(part);
  return sum;
}

LogicalResult ShardStatePass::shard(func::FuncOp step, nn::UpdateOp update) {
  if (update.getOptimizer().getFormulaSize().sums > 0)
    return update.emitOpError("needs a whole parameter at once: ")
           << update.getOptimizer().getName() << " sums over it, which a part of it cannot; use another optimizer, or --zero=0";
  OpBuilder builder(update);
  auto name = StringAttr::get(&getContext(), axis);
  auto whole = update.getParameter().getType();
  int64_t piece = llvm::divideCeil(whole.getNumElements(), ranks);
  auto part = RankedTensorType::get({piece}, whole.getElementType());
  Value gradient = partOfGradient(builder, update.getGradient(), part);
  Value parameter = dist::PartOp::create(builder, update.getLoc(), part, update.getParameter(), name, IntegerAttr());
  SmallVector<Value> states;
  for (Value state : update.getStates()) {
    states.push_back(state);
    if (state.getType() != whole) // a scalar, the same on all
      continue;
    auto argument = dyn_cast<BlockArgument>(state);
    if (!argument || !argument.hasOneUse()) {
      states.back() = dist::PartOp::create(builder, state.getLoc(), part, state, name, IntegerAttr());
      continue;
    }
    SmallVector<Attribute> shares;
    if (auto had = step.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), dist::names::shares))
      shares.append(had.begin(), had.end());
    shares.push_back(dist::ShareAttr::ofPieces(name, whole.getShape()));
    step.setArgAttr(argument.getArgNumber(), dist::names::shares, builder.getArrayAttr(shares));
    argument.setType(part);
  }
  auto local = nn::UpdateOp::create(builder, update.getLoc(), parameter, gradient, states, update.getLearningRate(), update.getStep(),
                                    update.getOptimizer());
  Value gathered = dist::AllGatherOp::create(builder, update.getLoc(), whole, local.getNewParameter(), name, IntegerAttr());
  update.getNewParameter().replaceAllUsesWith(gathered);
  for (auto [before, state, after] : llvm::zip_equal(update.getNewStates(), states, local.getNewStates())) {
    if (before.getType() == after.getType() || isa<BlockArgument>(state))
      before.replaceAllUsesWith(after);
    else
      before.replaceAllUsesWith(dist::AllGatherOp::create(builder, update.getLoc(), whole, after, name, IntegerAttr()).getResult());
  }
  update.erase();
  ++updates;
  return success();
}

void ShardStatePass::updateType(func::FuncOp step) {
  Block &body = step.getBody().front();
  step.setType(FunctionType::get(&getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
}

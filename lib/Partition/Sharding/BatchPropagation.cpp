// Propagation of a shared-out batch through a step by the ops' sharding rules.
#include "lib/Partition/Sharding/BatchPropagation.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;
using namespace dtc::sharding;

SmallVector<int64_t> BatchShares::localShape(ArrayRef<int64_t> shape,
                                             Placement placement) const {
  SmallVector<int64_t> result(shape);
  if (placement.isSharded())
    result[placement.dim] = result[placement.dim] / size * local;
  return result;
}

Placement BatchPropagation::returnPlacement(unsigned index) const {
  FunctionOpInterface step = function;
  bool rows = step.getResultAttr(index, dist::names::shard) != nullptr;
  return rows ? Placement::sharded(0) : Placement::replicated();
}

LogicalResult BatchPropagation::run() {
  for (BlockArgument argument : function.getArguments()) {
    bool sharded = function.getArgAttr(argument.getArgNumber(), dist::names::shard) != nullptr;
    placements[argument] = sharded ? Placement::sharded(0) : Placement::replicated();
    if (function.getArgAttr(argument.getArgNumber(), nn::names::sampleWeight) ||
        function.getArgAttr(argument.getArgNumber(), nn::names::lossWeight))
      vanishing.insert(argument);
  }
  for (Operation &op : function.getFunctionBody().front())
    if (failed(op.hasTrait<OpTrait::IsTerminator>() ? visitReturn(&op) : visit(&op)))
      return failure();
  return shareOutDemanded();
}

LogicalResult BatchPropagation::visit(Operation *op) {
  auto ruled = dyn_cast<ShardingRuleOpInterface>(op);
  if (!ruled)
    return op->emitOpError("has no sharding rule, so a batch cannot be shared "
                           "out through it");
  ShardingRule rule = ruled.getShardingRule();
  assert(rule.fits(op) && "a sharding rule disagrees with its op's shapes");
  rules.try_emplace(op, std::make_unique<ShardingRule>(std::move(rule)));

  FailureOr<OpVersion> version = chooseVersion(op);
  if (failed(version) || failed(requireOperands(op, *version)) ||
      failed(checkPadding(op, *version)))
    return failure();
  versions[op].push_back(*version);

  for (OpResult result : op->getResults()) {
    Placement placement = resultPlacement(op, result.getResultNumber(), *version);
    placements[result] = placement;
    // A sum over the samples has no rows that could be zero.
    if (matchPattern(result, m_AnyZeroFloat()) ||
        vanishes(op, /*everywhere=*/!placement.isSharded()))
      vanishing.insert(result);
  }
  return success();
}

/// True if the results are linear in operands (or rounded ones) that vanish in the padding rows,
/// or `everywhere`: a value without rows is in the set only if it is 0.
bool BatchPropagation::vanishes(Operation *op, bool everywhere) const {
  auto isZero = [&](ArrayRef<unsigned> set) {
    return llvm::all_of(set, [&](unsigned index) {
      Value operand = op->getOperand(index);
      return vanishing.contains(operand) &&
             !(everywhere && naturalPlacement(operand).isSharded());
    });
  };
  return llvm::any_of(ruleOf(op).linear, isZero) || llvm::any_of(ruleOf(op).vanishing, isZero);
}

FailureOr<OpVersion> BatchPropagation::chooseVersion(Operation *op) {
  const ShardingRule &rule = ruleOf(op);
  SmallVector<unsigned> partial;
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    Placement placement = naturalPlacement(operand);
    // What is made whole for another op already is taken whole: no second sum.
    if (placement.isPartial() && !summed.contains(operand))
      partial.push_back(index);
    if (!placement.isSharded())
      continue;
    std::optional<FactorShard> shard =
        rule.shardOf(rule.operands[index], placement, batch.size);
    if (!shard || rule.factors[shard->factor].kind == FactorKind::Whole)
      return mixesSamples(op, index);
    return OpVersion::sharded(*shard);
  }
  if (partial.empty())
    return OpVersion::replicated();
  // One all-reduce behind the op for those before it, unless that is more to send.
  auto elements = [](auto values) {
    int64_t sum = 0;
    for (Value value : values)
      sum += cast<RankedTensorType>(value.getType()).getNumElements();
    return sum;
  };
  if (elements(op->getResults()) <=
      elements(llvm::map_range(partial, [&](unsigned i) { return op->getOperand(i); })))
    for (auto [index, set] : llvm::enumerate(rule.linear))
      if (ArrayRef<unsigned>(partial) == ArrayRef<unsigned>(set))
        return OpVersion::partial(index);
  return OpVersion::replicated();
}

/// Compares how the operands lie with what the version needs.
LogicalResult BatchPropagation::requireOperands(Operation *op,
                                                const OpVersion &version) {
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    Placement need = operandPlacement(op, index, version);
    Placement have = naturalPlacement(operand);
    if (need == have)
      continue;
    if (have.isSharded())
      return mixesSamples(op, index);
    if (have.isOwn() || need.isOwn())
      return mixesShares(op, index);
    if (need.isSharded())
      demands.push_back({operand, need, op});
    else
      summed.insert(operand); // an all-reduce makes it whole
  }
  return success();
}

/// A sum over samples must not count the rows that pad the batch.
LogicalResult BatchPropagation::checkPadding(Operation *op,
                                             const OpVersion &version) {
  if (!version.shard || !batch.padded)
    return success();
  const ShardingRule &rule = ruleOf(op);
  bool sums = llvm::any_of(rule.results, [&](const TensorFactors &result) {
    return !rule.placementOf(result, *version.shard);
  });
  if (!sums || vanishes(op, /*everywhere=*/false))
    return success();
  return op->emitOpError("sums over the samples of a batch, so that padding would count: ")
         << batch.shares << " shares do not divide the batch of "
         << batch.size << ", and the sum is not weighted by the sample weights";
}

LogicalResult BatchPropagation::visitReturn(Operation *op) {
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    if (Placement need = returnPlacement(index); need.isSharded()) {
      if (naturalPlacement(operand).isSharded() ? naturalPlacement(operand) != need : naturalPlacement(operand).isOwn()) {
        InFlightDiagnostic diagnostic = function->emitError("result #")
            << index << " (" << operand.getType() << ") has no row for each sample in dimension 0";
        diagnostic.attachNote(operand.getLoc()) << "made here";
        return diagnostic;
      }
      if (naturalPlacement(operand) != need)
        demands.push_back({operand, need, op});
    } else if (naturalPlacement(operand).isSharded()) {
      InFlightDiagnostic diagnostic = function->emitError("result #")
          << index << " (" << operand.getType()
          << ") has a part for each sample; a step gives back whole values only";
      diagnostic.attachNote(operand.getLoc()) << "made here";
      return diagnostic;
    } else if (naturalPlacement(operand).isOwn()) {
      InFlightDiagnostic diagnostic = function->emitError("result #")
          << index << " (" << operand.getType()
          << ") is what each share of the batch has of its own; a step gives back whole values only";
      diagnostic.attachNote(operand.getLoc()) << "made here";
      return diagnostic;
    }
  return success();
}

/// Makes sharded versions of what every rank has whole, or a part of the sum of,
/// but is needed shared out, and so on up to constants and to operands that
/// have no samples.
LogicalResult BatchPropagation::shareOutDemanded() {
  while (!demands.empty()) {
    Demand demand = demands.pop_back_val();
    Operation *op = demand.value.getDefiningOp();
    if (!op) {
      unsigned number = cast<BlockArgument>(demand.value).getArgNumber();
      InFlightDiagnostic diagnostic = demand.user->emitOpError(
          "mixes the samples of a batch: it needs a row for each sample of argument #")
          << number;
      if (auto name = function.getArgAttrOfType<StringAttr>(number, nn::names::parameter))
        diagnostic << " (parameter '" << name.getValue() << "')";
      return diagnostic << ", which every device has whole";
    }
    const ShardingRule &rule = ruleOf(op);
    unsigned result = cast<OpResult>(demand.value).getResultNumber();
    std::optional<FactorShard> shard =
        rule.shardOf(rule.results[result], demand.placement, batch.size);
    if (!shard || rule.factors[shard->factor].kind == FactorKind::Whole) {
      InFlightDiagnostic diagnostic =
          op->emitOpError("mixes the samples of a batch: ")
          << demand.value.getType()
          << " is not made row by row, so a device cannot make its samples' rows alone";
      diagnostic.attachNote(demand.user->getLoc()) << "used sample by sample here";
      return diagnostic;
    }
    OpVersion version = OpVersion::sharded(*shard);
    if (llvm::is_contained(versions[op], version))
      continue;
    versions[op].push_back(version);
    if (failed(requireOperands(op, version)))
      return failure();
  }
  return success();
}

/// A share's own value where a whole one is needed, or the reverse.
InFlightDiagnostic BatchPropagation::mixesShares(Operation *op, unsigned operand) {
  bool own = naturalPlacement(op->getOperand(operand)).isOwn();
  InFlightDiagnostic diagnostic = op->emitOpError("mixes the shares of a batch: operand #")
      << operand << " (" << op->getOperand(operand).getType() << ") is "
      << (own ? "what each share has of its own, but the op needs one value for all"
              : "one value for all, but the op needs what each share has of its own");
  return diagnostic;
}

InFlightDiagnostic BatchPropagation::mixesSamples(Operation *op, unsigned operand) {
  InFlightDiagnostic diagnostic =
      op->emitOpError("mixes the samples of a batch: operand #")
      << operand << " (" << op->getOperand(operand).getType()
      << ") is shared out along dimension "
      << naturalPlacement(op->getOperand(operand)).dim
      << ", of which the op needs several samples at once";
  return diagnostic;
}

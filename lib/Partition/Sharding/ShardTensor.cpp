// dtc-shard-tensor: spreads a step's parameters and the ops that read them over the ranks along an axis.
#include "lib/Partition/Sharding/AxisSpread.h"
#include "lib/Partition/Sharding/ConvolutionBiases.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Cost/ClusterMachine.h"
#include "dtc/Mesh/Mesh.h"
#include "dtc/Partition/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <cmath>

namespace dtc {
#define GEN_PASS_DEF_SHARDTENSORPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;
using namespace dtc::sharding;

namespace {

/// Finds how parameters should lie: moves one, or two that follow each other, as long as the step gets faster.
class SeedSearch {
public:
  SeedSearch(func::FuncOp step, AxisSpread &spread);
  Seeds run();

private:
  /// A parameter or a statistic, with the optimizer's states that lie as it does.
  struct Tensor {
    BlockArgument argument;
    SmallVector<BlockArgument, 2> states;
    /// How it may lie.
    SmallVector<Placement, 4> choices;
  };
  void place(const Tensor &tensor, Placement placement, Seeds &seeds) const;
  bool improve(size_t first);

  AxisSpread &spread;
  SmallVector<Tensor> tensors; // by first use
  Seeds best;
  double seconds;
};

/// Makes the local body of one step.
class SpreadRewriter {
public:
  SpreadRewriter(func::FuncOp step, const AxisSpread &spread, StringAttr axis)
      : step(step), spread(spread), axis(axis), builder(step.getContext()) {}
  void run(const Seeds &seeds);
  unsigned transitionsMade = 0;

private:
  Value lookup(Value value, Placement placement, bool forUpdate = false);
  void rewrite(Operation *op);
  RankedTensorType localType(Value value, Placement placement) const;
  void noteShare(unsigned argument, Placement placement);

  func::FuncOp step;
  const AxisSpread &spread;
  StringAttr axis;
  OpBuilder builder;
  /// The local values of a global one, each with how it lies; first as it is made.
  DenseMap<Value, SmallVector<std::pair<Placement, Value>, 2>> locals;
};

} // namespace

//===----------------------------------------------------------------------===//
// Seeds
//===----------------------------------------------------------------------===//

SeedSearch::SeedSearch(func::FuncOp step, AxisSpread &spread) : spread(spread) {
  Block &body = step.getBody().front();
  auto has = [&](BlockArgument argument, StringRef attribute) {
    return step.getArgAttr(argument.getArgNumber(), attribute) != nullptr;
  };
  DenseSet<Value> seen;
  for (Operation &op : body.without_terminator())
    for (Value operand : op.getOperands()) {
      auto argument = dyn_cast<BlockArgument>(operand);
      bool moves = argument && (has(argument, nn::names::parameter) || has(argument, nn::names::statistic));
      if (!moves || !seen.insert(argument).second)
        continue;
      Tensor tensor{argument, {}, {Placement::replicated()}};
      for (auto [dim, size] : llvm::enumerate(cast<RankedTensorType>(argument.getType()).getShape()))
        if (size > 1 && size % spread.getRanks() == 0)
          tensor.choices.push_back(Placement::sharded(dim));
      for (Operation *user : argument.getUsers())
        if (auto update = dyn_cast<nn::UpdateOp>(user); update && update.getParameter() == argument)
          for (Value state : update.getStates())
            if (auto held = dyn_cast<BlockArgument>(state); held && held.getType() == argument.getType())
              tensor.states.push_back(held);
      tensors.push_back(std::move(tensor));
    }
  seconds = spread.decide(best);
}

void SeedSearch::place(const Tensor &tensor, Placement placement, Seeds &seeds) const {
  seeds[tensor.argument] = placement;
  for (BlockArgument state : tensor.states)
    seeds[state] = placement;
}

/// Tries to move a parameter alone, and together with one of the next that are no vectors (there is a bias between two weights, and
/// a norm's scale and shift).
bool SeedSearch::improve(size_t first) {
  SmallVector<size_t, 2> partners;
  for (size_t next = first + 1; next < tensors.size() && partners.size() < 2; ++next)
    if (cast<RankedTensorType>(tensors[next].argument.getType()).getRank() > 1)
      partners.push_back(next);
  bool better = false;
  Seeds tried = best, found;
  auto attempt = [&] {
    double now = spread.decide(tried);
    // Not for rounding's sake.
    if (now >= seconds * (1 - 1e-9))
      return;
    seconds = now;
    found = tried;
    better = true;
  };
  for (Placement own : tensors[first].choices) {
    tried = best;
    place(tensors[first], own, tried);
    attempt();
    for (size_t partner : partners) {
      Seeds before = tried;
      for (Placement theirs : tensors[partner].choices) {
        place(tensors[partner], theirs, tried);
        attempt();
      }
      tried = std::move(before);
    }
  }
  if (better)
    best = std::move(found);
  return better;
}

Seeds SeedSearch::run() {
  constexpr int mostRounds = 8; // each lowers the time; two or three are usual
  bool moved = true;
  for (int round = 0; moved && round < mostRounds; ++round) {
    moved = false;
    for (size_t i = 0; i < tensors.size(); ++i)
      moved |= improve(i);
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Local steps
//===----------------------------------------------------------------------===//

RankedTensorType SpreadRewriter::localType(Value value, Placement placement) const {
  auto type = cast<RankedTensorType>(value.getType());
  if (!placement.isSharded())
    return type;
  SmallVector<int64_t> shape(type.getShape());
  shape[placement.dim] /= spread.getRanks();
  return type.clone(shape);
}

Value SpreadRewriter::lookup(Value value, Placement placement, bool forUpdate) {
  auto &known = locals[value];
  // Updates run once, what is before them on microbatches: a slice of a parameter is taken for each.
  bool isApart = forUpdate && isa<BlockArgument>(value);
  SmallVector<Placement, 2> has;
  for (auto [lies, local] : known) {
    if (lies == placement && (!isApart || isa<BlockArgument>(local)))
      return local;
    if (!isApart || isa<BlockArgument>(local))
      has.push_back(lies);
  }
  std::optional<AxisSpread::Route> route = spread.routeTo(value, placement, has);
  assert(route && route->transition && "decided without a way");
  Value from = llvm::find_if(known, [&](auto &entry) { return entry.first == route->from; })->second;
  Value made = route->transition->build(
      {builder, value.getLoc(), from, route->from, placement, localType(value, placement), axis});
  ++transitionsMade;
  if (!isApart)
    known.push_back({placement, made});
  return made;
}

void SpreadRewriter::rewrite(Operation *op) {
  const OpVersion &version = spread.versionOf(op);
  SmallVector<Value> operands;
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    operands.push_back(lookup(operand, spread.operandPlacement(op, index, version), isa<nn::UpdateOp, nn::RunningAverageUpdateOp>(op)));
  SmallVector<Type> types;
  for (OpResult result : op->getResults())
    types.push_back(localType(result, spread.resultPlacement(op, result.getResultNumber(), version)));
  Operation *local = cast<ShardingRuleOpInterface>(op).cloneLocal(builder, operands, types);
  for (auto [index, results] : llvm::enumerate(llvm::zip_equal(op->getResults(), local->getResults())))
    locals[std::get<0>(results)].push_back({spread.resultPlacement(op, index, version), std::get<1>(results)});
}

/// A share of the tensor's dimension, behind those that the argument has already.
void SpreadRewriter::noteShare(unsigned argument, Placement placement) {
  auto type = cast<RankedTensorType>(step.getArgumentTypes()[argument]);
  SmallVector<Attribute> shares;
  if (auto had = step.getArgAttrOfType<ArrayAttr>(argument, dist::names::shares))
    shares.append(had.begin(), had.end());
  shares.push_back(dist::ShareAttr::ofDimension(axis, type.getShape(), placement.dim));
  step.setArgAttr(argument, dist::names::shares, builder.getArrayAttr(shares));
}

void SpreadRewriter::run(const Seeds &seeds) {
  Block &global = step.getBody().front();
  Block *body = new Block;
  step.getBody().push_back(body);
  builder.setInsertionPointToEnd(body);
  for (BlockArgument argument : global.getArguments()) {
    Placement placement = seeds.lookup(argument);
    if (placement.isSharded())
      noteShare(argument.getArgNumber(), placement);
    locals[argument].push_back({placement, body->addArgument(localType(argument, placement), argument.getLoc())});
  }
  for (Operation &op : global.without_terminator())
    rewrite(&op);
  SmallVector<Value> results;
  for (auto [index, result] : llvm::enumerate(global.getTerminator()->getOperands()))
    results.push_back(lookup(result, spread.returned(index)));
  func::ReturnOp::create(builder, global.getTerminator()->getLoc(), results);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  global.erase();
  step.setType(FunctionType::get(step.getContext(), body->getArgumentTypes(), ValueRange(results).getTypes()));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct ShardTensorPass : dtc::impl::ShardTensorPassBase<ShardTensorPass> {
  using ShardTensorPassBase::ShardTensorPassBase;

  void runOnOperation() override {
    if (failed(shard()))
      signalPassFailure();
  }

  LogicalResult shard();
};

/// How arguments lie, by what they are for: the same in all steps.
using NamedSeeds = llvm::StringMap<Placement>;
} // namespace

/// "parameter w", "state adam.m/w"; empty for what has no name.
static std::string nameOf(func::FuncOp step, BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  if (auto name = step.getArgAttrOfType<StringAttr>(number, nn::names::parameter))
    return ("parameter " + name.getValue()).str();
  if (auto name = step.getArgAttrOfType<StringAttr>(number, nn::names::state))
    return ("state " + name.getValue()).str();
  return "";
}

LogicalResult ShardTensorPass::shard() {
  ModuleOp module = getOperation();
  FailureOr<Mesh> mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  if (mesh->size(axis) == 1)
    return success();
  Cluster described = Cluster::defaultCPU();
  if (!cluster.empty()) {
    llvm::Expected<Cluster> read = readCluster(cluster);
    if (!read)
      return module.emitError(llvm::toString(read.takeError()));
    described = std::move(*read);
  }
  if (llvm::Error error = described.checkDeviceCount(mesh->ranks()))
    return module.emitError(llvm::toString(std::move(error)));
  ClusterMachine machine(described);
  SmallVector<int64_t> group;
  for (int64_t coordinate = 0; coordinate < mesh->size(axis); ++coordinate)
    group.push_back(mesh->rankAt(0, *mesh->axisNamed(axis), coordinate));
  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>())
    if (auto phase = function->getAttrOfType<StringAttr>(nn::names::phase))
      steps.insert(phase.getValue() == "train" ? steps.begin() : steps.end(), function);
  NamedSeeds decided;
  for (func::FuncOp step : steps) {
    splitBiases(step);
    FailureOr<AxisSpread> spread = AxisSpread::of(step, group, described, machine);
    if (failed(spread))
      return failure();
    Seeds seeds;
    if (step == steps.front()) {
      seeds = SeedSearch(step, *spread).run();
      for (BlockArgument argument : step.getArguments())
        if (std::string name = nameOf(step, argument); !name.empty())
          decided[name] = seeds.lookup(argument);
      if (llvm::none_of(seeds, [](auto &entry) { return entry.second.isSharded(); }))
        emitWarning(step.getLoc()) << "nothing is spread over the " << group.size() << " ranks of '" << axis
                                   << "': every way of doing so is slower than all ranks doing the same";
    } else {
      for (BlockArgument argument : step.getArguments())
        if (auto known = decided.find(nameOf(step, argument)); known != decided.end())
          seeds[argument] = known->second;
    }
    if (!std::isfinite(spread->decide(seeds)))
      return step.emitError("cannot run with its parameters spread over '") << axis << "' as training has them";
    SpreadRewriter rewriter(step, *spread, StringAttr::get(&getContext(), axis));
    rewriter.run(seeds);
    joinBiasGradients(step);
    transitions += rewriter.transitionsMade;
  }
  return success();
}

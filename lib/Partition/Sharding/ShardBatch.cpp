// dtc-shard-batch: rewrites a step on the global batch to one rank's share.
#include "lib/Partition/Sharding/BatchPropagation.h"
#include "dtc/Partition/Passes.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dtc/Mesh/Mesh.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <cmath>

namespace dtc {
#define GEN_PASS_DEF_SHARDBATCHPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;
using namespace dtc::sharding;

namespace {

/// Makes the local body of one function from what the propagation decided.
class LocalRewriter {
public:
  LocalRewriter(func::FuncOp function, BatchShares batch, StringAttr axis,
                const BatchPropagation &propagation)
      : function(function), batch(batch), axis(axis), propagation(propagation),
        builder(function.getContext()) {}

  void run();

private:
  /// A value that lies so; a partial sum becomes whole behind its definition.
  Value lookup(Value value, Placement placement);
  void rewrite(Operation *op, const OpVersion &version);

  Type localType(Value value, Placement placement) const {
    auto type = cast<RankedTensorType>(value.getType());
    return type.clone(batch.localShape(type.getShape(), placement));
  }

  func::FuncOp function;
  BatchShares batch;
  StringAttr axis;
  const BatchPropagation &propagation;
  OpBuilder builder;
  /// The local values of a global one, each with how it lies.
  DenseMap<Value, SmallVector<std::pair<Placement, Value>, 1>> locals;
};

} // namespace

Value LocalRewriter::lookup(Value value, Placement placement) {
  auto &known = locals[value];
  for (auto [has, local] : known)
    if (has == placement)
      return local;
  for (auto [has, local] : known) {
    if (!has.isPartial() || placement != Placement::replicated())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(local);
    // What is added up over ranks is f32.
    auto type = cast<RankedTensorType>(local.getType());
    auto full = type.clone(nn::accumulatedType(type.getElementType()));
    Value part = builder.createOrFold<nn::CastOp>(local.getLoc(), full, local);
    Value whole = dist::BatchSumOp::create(builder, local.getLoc(), full, part, axis);
    whole = builder.createOrFold<nn::CastOp>(local.getLoc(), type, whole);
    known.push_back({placement, whole});
    return whole;
  }
  llvm_unreachable("the propagation asks for each version before its use");
}

void LocalRewriter::rewrite(Operation *op, const OpVersion &version) {
  SmallVector<Value> operands;
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    operands.push_back(
        lookup(operand, propagation.operandPlacement(op, index, version)));
  SmallVector<Type> types;
  for (OpResult result : op->getResults())
    types.push_back(localType(result, propagation.resultPlacement(
                                          op, result.getResultNumber(), version)));
  Operation *local =
      cast<ShardingRuleOpInterface>(op).cloneLocal(builder, operands, types);
  for (auto [index, results] :
       llvm::enumerate(llvm::zip_equal(op->getResults(), local->getResults()))) {
    auto [global, value] = results;
    locals[global].push_back(
        {propagation.resultPlacement(op, index, version), value});
  }
}

void LocalRewriter::run() {
  Block &global = function.getBody().front();
  Block *body = new Block;
  function.getBody().push_back(body);
  builder.setInsertionPointToEnd(body);
  for (BlockArgument argument : global.getArguments()) {
    Placement placement = propagation.naturalPlacement(argument);
    Value local = body->addArgument(localType(argument, placement), argument.getLoc());
    locals[argument].push_back({placement, local});
  }
  for (Operation &op : global.without_terminator())
    for (const OpVersion &version : propagation.versionsOf(&op))
      rewrite(&op, version);
  SmallVector<Value> results;
  for (auto [index, result] : llvm::enumerate(global.getTerminator()->getOperands()))
    results.push_back(lookup(result, propagation.returnPlacement(index)));
  func::ReturnOp::create(builder, global.getTerminator()->getLoc(), results);

  // Rows for all samples that were only ever needed for a rank's own.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  global.erase();
  function.setType(FunctionType::get(function.getContext(), body->getArgumentTypes(),
                                     ValueRange(results).getTypes()));
}

namespace {
struct ShardBatchPass : dtc::impl::ShardBatchPassBase<ShardBatchPass> {
  using ShardBatchPassBase::ShardBatchPassBase;

  void runOnOperation() override {
    if (failed(shard()))
      signalPassFailure();
  }

  LogicalResult shard();
  LogicalResult shardFunction(func::FuncOp function);
  LogicalResult shareUnevenly(func::FuncOp function, int64_t batch);
  LogicalResult makeLocal(func::FuncOp function, BatchShares shares);
  LogicalResult checkStatistics(func::FuncOp function, BatchShares shares);
  void warnAboutStatistics(func::FuncOp function, BatchShares shares);
  FailureOr<int64_t> markBatch(func::FuncOp function);
  LogicalResult checkMicrobatches(func::FuncOp function, int64_t share);

  bool warned = false;
};
} // namespace

LogicalResult ShardBatchPass::shard() {
  ModuleOp module = getOperation();
  llvm::Expected<Mesh> axes = Mesh::parse(ArrayRef<std::string>(mesh), devices, axis);
  if (!axes)
    return module.emitError(llvm::toString(axes.takeError()));
  devices = axes->size(axis);
  if (microbatches < 1 || microbatches > Mesh::mostRanks)
    return module.emitError("microbatches must be from 1 to ")
           << Mesh::mostRanks << ", not " << microbatches.getValue();
  if (!speeds.empty() && static_cast<int64_t>(speeds.size()) != devices)
    return module.emitError("there are ") << speeds.size() << " speeds for " << devices.getValue()
                                          << " devices along '" << axis << "'";
  for (double speed : speeds)
    if (!(speed > 0) || !std::isfinite(speed))
      return module.emitError("a device's speed is a positive number, not ") << speed;
  if (Operation *symbol = SymbolTable::lookupSymbolIn(module, dist::names::mesh)) {
    InFlightDiagnostic diagnostic = module.emitError("is partitioned already: it has a symbol '")
        << dist::names::mesh << "'";
    diagnostic.attachNote(symbol->getLoc()) << "defined here";
    return diagnostic;
  }
  SmallVector<func::FuncOp> steps;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(nn::names::phase) && !function.isDeclaration())
      steps.push_back(function);
  if (steps.empty())
    return module.emitError("has no step to share out: no function carries '")
           << nn::names::phase << "'";
  for (func::FuncOp step : steps)
    if (failed(shardFunction(step)))
      return failure();
  axes->createIn(module);
  return success();
}

LogicalResult ShardBatchPass::checkMicrobatches(func::FuncOp function, int64_t share) {
  int64_t size = (share + microbatches - 1) / microbatches;
  if ((microbatches - 1) * size < share)
    return success();
  if (fewer) {
    microbatches = (share + size - 1) / size;
    return success();
  }
  int64_t possible = (share + size - 1) / size;
  return function.emitError("a batch of ")
         << share << (devices > 1 ? " on a rank" : "") << " makes " << possible
         << " microbatches of " << size << ", not " << microbatches.getValue()
         << "; use --microbatches=" << possible << " or a batch that "
         << microbatches.getValue() << " divides";
}

/// Marks what is shared out; gives the size of the batch.
FailureOr<int64_t> ShardBatchPass::markBatch(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitError("a step is one block of straight-line code");
  auto shardName = StringAttr::get(&getContext(), axis);
  std::optional<int64_t> batch;
  unsigned first = 0;
  for (unsigned number = 0; number < function.getNumArguments(); ++number) {
    if (!function.getArgAttr(number, nn::names::input) &&
        !function.getArgAttr(number, nn::names::label) &&
        !function.getArgAttr(number, nn::names::sampleWeight) &&
        !function.getArgAttr(number, nn::names::lossWeight) &&
        !function.getArgAttr(number, nn::names::sampleIndex))
      continue;
    Type type = function.getArgumentTypes()[number];
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || tensor.getRank() == 0)
      return function.emitError("argument #")
             << number << " (" << type << ") has no dimension 0 for the batch";
    if (batch && *batch != tensor.getDimSize(0)) {
      InFlightDiagnostic diagnostic = function.emitError("argument #")
          << number << " (" << type << ") has a batch of " << tensor.getDimSize(0);
      diagnostic.attachNote(function.getArgument(first).getLoc())
          << "but argument #" << first << " has a batch of " << *batch;
      return diagnostic;
    }
    if (!batch)
      first = number;
    batch = tensor.getDimSize(0);
    function.setArgAttr(number, dist::names::shard, shardName);
  }
  for (unsigned number = 0; number < function.getNumResults(); ++number)
    if (function.getResultAttr(number, nn::names::output))
      function.setResultAttr(number, dist::names::shard, shardName);
  if (!batch || *batch < 1)
    return function.emitError("has no batch: no argument is an input, a label or a sample weight");
  function->setAttr(dist::names::axis, shardName);
  return *batch;
}

LogicalResult ShardBatchPass::shardFunction(func::FuncOp function) {
  FailureOr<int64_t> batch = markBatch(function);
  if (failed(batch))
    return failure();
  if (devices > 1 && llvm::any_of(speeds, [&](double speed) { return speed != speeds.front(); }))
    return shareUnevenly(function, *batch);
  if (failed(checkMicrobatches(function, (*batch + devices - 1) / devices)))
    return failure();
  return makeLocal(function, BatchShares::even(*batch, devices, microbatches));
}

/// Rows in proportion to the speeds, at least one each: the largest remainders
/// get what rounding down leaves.
static SmallVector<int64_t> apportion(int64_t rows, ArrayRef<double> speeds) {
  double total = 0;
  for (double speed : speeds)
    total += speed;
  SmallVector<int64_t> shares;
  SmallVector<std::pair<double, unsigned>> remainders;
  int64_t left = rows;
  for (auto [index, speed] : llvm::enumerate(speeds)) {
    double exact = rows * (speed / total);
    shares.push_back(std::max<int64_t>(1, static_cast<int64_t>(exact)));
    remainders.push_back({shares.back() - exact, index});
    left -= shares.back();
  }
  llvm::sort(remainders);
  for (size_t i = 0; left > 0; i = (i + 1) % remainders.size(), --left)
    ++shares[remainders[i].second];
  for (; left < 0; ++left)
    --*llvm::max_element(shares);
  return shares;
}

/// A version of the step for each rank of the axis, with as many rows as it can
/// work on while the others work on theirs.
LogicalResult ShardBatchPass::shareUnevenly(func::FuncOp function, int64_t batch) {
  if (batch < devices)
    return function.emitError("a batch of ")
           << batch << " has no row for each of " << devices.getValue() << " devices";
  // All ranks run the same number of microbatches, each of equal size: a share is
  // a multiple of them, but for the last, which ends where the batch does.
  SmallVector<double> rates(speeds.begin(), speeds.end());
  SmallVector<int64_t> shares;
  for (;; microbatches = microbatches - 1) {
    int64_t parts = (batch + microbatches - 1) / microbatches;
    if (parts >= devices) {
      shares = apportion(parts, rates);
      for (int64_t &share : shares)
        share *= microbatches;
      shares.back() -= parts * microbatches - batch;
    }
    int64_t fewest = shares.empty() ? 1 : *llvm::min_element(shares);
    if (fewer && microbatches > 1 &&
        (shares.empty() || (microbatches - 1) * ((fewest + microbatches - 1) / microbatches) >= fewest))
      continue;
    if (failed(checkMicrobatches(function, fewest)))
      return failure();
    break;
  }
  Builder builder(&getContext());
  int64_t first = 0;
  for (auto [coordinate, rows] : llvm::enumerate(shares)) {
    func::FuncOp version = function.clone();
    version.setSymName((function.getSymName() + "_" + axis + Twine(coordinate)).str());
    OpBuilder(function).insert(version);
    version->setAttr(dist::names::at, builder.getDictionaryAttr(builder.getNamedAttr(
                                          axis, builder.getI64IntegerAttr(coordinate))));
    version->setAttr(dist::names::firstRow, builder.getI64IntegerAttr(first));
    first += rows;
    if (failed(makeLocal(version, BatchShares::ofRank(batch, rows, devices, microbatches))))
      return failure();
  }
  function.erase();
  return success();
}

/// Of a single value there is no variance, in every step, and nothing would be learnt through it.
LogicalResult ShardBatchPass::checkStatistics(func::FuncOp function, BatchShares shares) {
  for (auto norm : function.getOps<nn::BatchNormTrainingOp>()) {
    RankedTensorType x = norm.getX().getType();
    if (shares.fewest * (x.getNumElements() / shares.size) > x.getDimSize(1))
      continue;
    InFlightDiagnostic error = emitError(norm.getLoc())
        << "batch normalisation needs more than one value a channel to train on: of the batch of "
        << shares.size;
    if (devices > 1)
      error << " on " << devices.getValue() << " devices";
    if (microbatches > 1)
      error << " in " << microbatches.getValue() << " microbatches";
    return error << ", a share has 1 sample; use a larger batch, or fewer "
                 << (devices > 1 ? "devices" : "microbatches")
                 << ", or --batch-norm=whole where there is no pipeline";
  }
  return success();
}

/// Once a compilation: what is trained is then not quite what one device trains.
void ShardBatchPass::warnAboutStatistics(func::FuncOp function, BatchShares shares) {
  auto norms = function.getOps<nn::BatchNormTrainingOp>();
  if (warned || shares.shares == 1 || norms.empty())
    return;
  warned = true;
  InFlightDiagnostic warning = emitWarning((*norms.begin()).getLoc())
      << "batch normalisation takes its statistics over shares of " << shares.local
      << " samples of the batch of " << shares.size << ", each rank over its own";
  if (microbatches > 1)
    warning << " and each of " << microbatches.getValue() << " microbatches apart";
  warning << "; --batch-norm=whole takes them over the whole batch, where there is no pipeline";
}

LogicalResult ShardBatchPass::makeLocal(func::FuncOp function, BatchShares shares) {
  if (microbatches > 1)
    function->setAttr(dist::names::microbatches,
                      Builder(&getContext()).getI64IntegerAttr(microbatches));
  if (failed(checkStatistics(function, shares)))
    return failure();
  if (shares.shares == 1 && !markSums)
    return success();
  // A dimension of size 1 could not be told from one that is broadcast.
  if (shares.size == 1)
    return function.emitError("a batch of 1 cannot be ")
           << (devices > 1 ? "shared out" : "told from what is the same for all samples")
           << "; use a batch of at least 2";
  warnAboutStatistics(function, shares);
  BatchPropagation propagation(function, shares);
  if (failed(propagation.run()))
    return failure();
  LocalRewriter(function, shares, function->getAttrOfType<StringAttr>(dist::names::axis),
                propagation)
      .run();
  function.walk([&](dist::BatchSumOp) { ++reduced; });
  return success();
}

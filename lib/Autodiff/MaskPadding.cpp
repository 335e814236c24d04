// dtc-mask-padding: rows that pad a partial batch take no part in what mixes samples.
#include "TrainedOutput.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Passes.h"
#include "dtc/Sharding/ShardingRule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace dtc {
#define GEN_PASS_DEF_MASKPADDINGPASS
#include "dtc/Autodiff/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;
namespace names = dtc::nn::names;

namespace {

/// Where the samples of the batch lie in a value: along several dimensions if its elements belong to pairs of samples.
using SamplePlaces = SmallVector<Placement, 1>;

/// Follows the samples through a model and masks what mixes them.
class PaddingMask {
public:
  /// `trained` is the number of the result that the loss takes.
  PaddingMask(func::FuncOp model, int64_t batch, unsigned trained)
      : model(model), batch(batch), trained(trained),
        element(cast<RankedTensorType>(model.getResultTypes().front()).getElementType()),
        builder(model.getLoc(), OpBuilder::atBlockBegin(&model.getBody().front())) {}

  void run();

private:
  void visit(Operation *op);
  Operation *splitMean(nn::ReduceMeanOp mean);
  LogicalResult maskMixed(Operation *op, const ShardingRule &rule, FactorShard shard);
  void visitReturn(Operation *op);
  Value mask(Value value, Placement place, double otherwise);
  Value scalar(double value);
  /// [batch]: positive for a sample, 0 for a row that is none. An argument of the model from its first use on.
  Value sampleWeight();
  /// How many rows are samples, a scalar.
  Value sampleCount();
  /// Notes that the op mixes samples in a way that no mask undoes.
  void needWholeBatch(Operation *op, const Twine &why);

  func::FuncOp model;
  int64_t batch;
  unsigned trained;
  Type element;
  ImplicitLocOpBuilder builder;
  DenseMap<Value, SamplePlaces> places;
  Value weight, count;
  std::string whole;
};

} // namespace

Value PaddingMask::scalar(double value) {
  auto type = RankedTensorType::get({}, element);
  return nn::ConstantOp::create(builder, type, DenseElementsAttr::get(type, builder.getFloatAttr(element, value)));
}

Value PaddingMask::sampleWeight() {
  if (!weight) {
    unsigned number = model.getNumArguments();
    auto flag = builder.getDictionaryAttr(builder.getNamedAttr(names::sampleWeight, builder.getUnitAttr()));
    LogicalResult inserted = model.insertArgument(number, RankedTensorType::get({batch}, element), flag,
                                                  NameLoc::get(builder.getStringAttr("sample_weight")));
    assert(succeeded(inserted) && "a model's function has a body");
    static_cast<void>(inserted);
    weight = model.getArgument(number);
  }
  return weight;
}

Value PaddingMask::sampleCount() {
  if (!count) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&model.getBody().front());
    Value ones = nn::WherePositiveOp::create(builder, sampleWeight(), scalar(1), scalar(0));
    count = nn::ReduceSumOp::create(builder, ones, ArrayRef<int64_t>{0});
  }
  return count;
}

/// `value` with `otherwise` in the elements of rows that are no samples: dimension `dim` is outer x batch x inner.
Value PaddingMask::mask(Value value, Placement place, double otherwise) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t inner = type.getDimSize(place.dim) / (place.outer * batch);
  SmallVector<int64_t> split(type.getShape()), condition;
  split.erase(split.begin() + place.dim);
  condition.assign(split.size(), 1);
  auto insert = [&](int64_t size, int64_t of, bool samples) {
    if (size == 1 && !samples)
      return of;
    split.insert(split.begin() + of, size);
    condition.insert(condition.begin() + of, samples ? size : 1);
    return of + 1;
  };
  insert(inner, insert(batch, insert(place.outer, place.dim, /*samples=*/false), /*samples=*/true), /*samples=*/false);
  auto splitType = type.clone(split);
  Value parts = value;
  if (splitType != type)
    parts = nn::ReshapeOp::create(builder, splitType, parts);
  Value positive = sampleWeight();
  if (condition.size() > 1)
    positive = nn::ReshapeOp::create(builder, RankedTensorType::get(condition, element), positive);
  Value masked = nn::WherePositiveOp::create(builder, positive, parts, scalar(otherwise));
  return splitType == type ? masked : nn::ReshapeOp::create(builder, type, masked).getY();
}

void PaddingMask::needWholeBatch(Operation *op, const Twine &why) {
  emitWarning(op->getLoc()) << op->getName().stripDialect() << " " << why
                            << ": the program refuses data of which the last batch would not be whole";
  if (!whole.empty())
    return;
  whole = op->getName().stripDialect();
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    whole += " '" + name.getName().str() + "'";
}

/// A mean is a sum over the number of its elements, which along samples is known only when the program runs. Gives the sum.
Operation *PaddingMask::splitMean(nn::ReduceMeanOp mean) {
  auto type = cast<RankedTensorType>(mean.getX().getType());
  int64_t elements = 1, sampleAxes = 0;
  for (int64_t axis : mean.getAxes())
    elements *= type.getDimSize(axis);
  for (Placement place : places.lookup(mean.getX()))
    if (llvm::is_contained(mean.getAxes(), place.dim)) {
      elements /= batch;
      ++sampleAxes;
    }
  builder.setLoc(mean.getLoc());
  builder.setInsertionPoint(mean);
  auto sum = nn::ReduceSumOp::create(builder, mean.getX(), mean.getAxes(), mean.getKeepDims());
  Value value = sum;
  if (elements != 1 || !sampleAxes)
    value = nn::MulOp::create(builder, value, scalar(1.0 / static_cast<double>(elements)));
  for (; sampleAxes; --sampleAxes)
    value = nn::DivOp::create(builder, value, sampleCount());
  mean.replaceAllUsesWith(value);
  mean.erase();
  return sum;
}

void PaddingMask::visit(Operation *op) {
  if (llvm::none_of(op->getOperands(), [&](Value operand) { return places.contains(operand); }))
    return;
  auto ruled = dyn_cast<ShardingRuleOpInterface>(op);
  if (!ruled)
    return needWholeBatch(op, "does not say how it works on samples");
  ShardingRule rule = ruled.getShardingRule();
  SmallVector<FactorShard> shards;
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    for (Placement place : places.lookup(operand)) {
      std::optional<FactorShard> shard = rule.shardOf(rule.operands[index], place, batch);
      if (!shard)
        return needWholeBatch(op, "mixes samples");
      if (!llvm::is_contained(shards, *shard))
        shards.push_back(*shard);
    }
  // Statistics are weighted by the sample weights, one for each row.
  if (isa<StatefulOpInterface>(op) && places.lookup(op->getOperand(0)) != SamplePlaces{Placement::sharded(0)})
    return needWholeBatch(op, "takes statistics over samples that are not its rows");

  for (FactorShard shard : shards)
    if (failed(maskMixed(op, rule, shard)))
      return needWholeBatch(op, "mixes samples");
  for (auto [result, factors] : llvm::zip_equal(op->getResults(), rule.results))
    for (FactorShard shard : shards)
      if (std::optional<Placement> place = rule.placementOf(factors, shard)) {
        // Rows of one order met rows of another: a smaller batch would pair other samples.
        if (llvm::any_of(places.lookup(result), [&](Placement other) { return other.dim == place->dim; }))
          return needWholeBatch(op, "mixes samples");
        places[result].push_back(*place);
      }
}

/// Masks what `op` mixes along `shard`; fails if nothing can be put in the place of padding.
LogicalResult PaddingMask::maskMixed(Operation *op, const ShardingRule &rule, FactorShard shard) {
  SmallVector<OpOperand *> padded;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<Placement> place = rule.placementOf(rule.operands[operand.getOperandNumber()], shard);
    if (place && llvm::is_contained(places.lookup(operand.get()), *place))
      padded.push_back(&operand);
  }
  double neutral = 0;
  bool isWhole = rule.factors[shard.factor].kind == FactorKind::Whole;
  if (isWhole) {
    if (!rule.neutral)
      return failure();
    neutral = *rule.neutral;
  } else if (llvm::all_of(rule.results, [&](const TensorFactors &result) { return rule.placementOf(result, shard).has_value(); })) {
    return success(); // each sample alone
  } else if (llvm::none_of(rule.linear, [&](ArrayRef<unsigned> set) {
               return llvm::all_of(set, [&](unsigned index) { return llvm::is_contained(padded, &op->getOpOperand(index)); });
             })) {
    return failure();
  }

  builder.setLoc(op->getLoc());
  builder.setInsertionPoint(op);
  for (OpOperand *operand : padded) {
    // What chooses places is no term of a sum: what padding adds there is 0.
    if (!nn::hasGradient(operand->get().getType()))
      continue;
    Placement place = *rule.placementOf(rule.operands[operand->getOperandNumber()], shard);
    Value masked = mask(operand->get(), place, neutral);
    places[masked] = places.lookup(operand->get());
    operand->set(masked);
  }
  if (!isWhole)
    return success();
  // What the op makes of its neutral value is no number to compute with.
  builder.setInsertionPointAfter(op);
  Value result = op->getResult(0);
  SmallPtrSet<Operation *, 4> before;
  for (Operation *user : result.getUsers())
    before.insert(user);
  Value masked = mask(result, *rule.placementOf(rule.results[0], shard), 0);
  result.replaceUsesWithIf(masked, [&](OpOperand &use) { return before.contains(use.getOwner()); });
  return success();
}

void PaddingMask::visitReturn(Operation *op) {
  Value value = op->getOperand(trained);
  if (llvm::any_of(places.lookup(value), [](Placement place) { return place != Placement::sharded(0); }))
    needWholeBatch(value.getDefiningOp() ? value.getDefiningOp() : op, "gives the loss samples that are not its rows");
}

void PaddingMask::run() {
  for (BlockArgument argument : model.getArguments())
    if (batch > 1 && model.getArgAttr(argument.getArgNumber(), names::input))
      places[argument] = {Placement::sharded(0)};
  Block &body = model.getBody().front();
  // What is made behind an op is visited in its turn.
  for (Operation *op = &body.front(); op; op = op->getNextNode()) {
    if (auto mean = dyn_cast<nn::ReduceMeanOp>(op))
      op = splitMean(mean);
    if (op->hasTrait<OpTrait::IsTerminator>())
      visitReturn(op);
    else
      visit(op);
  }
  if (!whole.empty())
    model->setAttr(names::wholeBatches, builder.getStringAttr(whole));
}

namespace {
struct MaskPaddingPass : dtc::impl::MaskPaddingPassBase<MaskPaddingPass> {
  using MaskPaddingPassBase::MaskPaddingPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto recipe = function->getAttrOfType<nn::RecipeAttr>(names::recipe);
    // What is no model of one block, dtc-differentiate-graph refuses.
    if (!recipe || !function->hasAttr(names::model) || function->hasAttr(names::phase) || !function.getBody().hasOneBlock())
      return;
    FailureOr<unsigned> trained = findTrainedOutput(function, output);
    if (failed(trained))
      return signalPassFailure();
    PaddingMask(function, recipe.getBatch(), *trained).run();
  }
};
} // namespace

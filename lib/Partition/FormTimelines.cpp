// dtc-form-timelines: fragments and timelines out of a rank's step.
#include "FragmentFacts.h"
#include "StepPlan.h"
#include "StepVersion.h"
#include "dtc/Partition/Passes.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace dtc {
#define GEN_PASS_DEF_FORMTIMELINESPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

namespace {

/// Builds the fragments and the timeline of one planned step.
class TimelineBuilder {
public:
  TimelineBuilder(StepPlan &plan, StringRef phase, SymbolTable &symbols)
      : plan(plan), function(plan.function), phase(phase), symbols(symbols),
        role(roleSuffix(function)), builder(function.getContext()) {
    for (Operation &op : function.getBody().front())
      order[&op] = order.size();
  }

  /// Puts fragments and timeline in the function's place; gives the timeline.
  dist::TimelineOp run();
  unsigned fragmentsMade = 0;

private:
  std::string fragmentName(unsigned index) const;
  dist::FragmentKind fragmentKind(unsigned index) const;
  Location named(StringRef name) const {
    return NameLoc::get(StringAttr::get(function->getContext(), name), function->getLoc());
  }
  void runFragment(ArrayRef<Operation *> ops, StringRef name, dist::FragmentKind kind,
                   ArrayRef<Bucket> finished);
  void startBucket(unsigned index);
  void waitForStarted();

  /// Function arguments first, then what ops make, in program order.
  bool comesBefore(Value a, Value b) const;
  /// What the ops need from outside, less the constants.
  SmallVector<Value> inputsOf(ArrayRef<Operation *> ops) const;
  /// What others need of the ops' results: first what travels now, in the
  /// buckets' order, then what is kept for later.
  SmallVector<Value> outputsOf(ArrayRef<Operation *> ops,
                               ArrayRef<Bucket> finished) const;

  StepPlan &plan;
  func::FuncOp function;
  StringRef phase;
  SymbolTable &symbols;
  /// Of the ranks of this version of the step; empty: all.
  std::string role;
  dist::TimelineOp timeline;
  OpBuilder builder; // at the timeline's end
  DenseMap<Operation *, unsigned> order;
  /// The function's values to the timeline's.
  IRMapping values;
  /// What was started, bucket by bucket, and how many were awaited.
  SmallVector<dist::AllReduceStartOp> started;
  size_t awaited = 0;
};

} // namespace

/// A constant is made where it is used, unless it is an op of a fragment: then
/// the timeline itself hands it on.
static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

bool TimelineBuilder::comesBefore(Value a, Value b) const {
  auto key = [&](Value value) -> std::pair<unsigned, unsigned> {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return {0, argument.getArgNumber()};
    auto result = cast<OpResult>(value);
    return {1 + order.lookup(result.getOwner()), result.getResultNumber()};
  };
  return key(a) < key(b);
}

SmallVector<Value> TimelineBuilder::inputsOf(ArrayRef<Operation *> ops) const {
  llvm::SmallPtrSet<Operation *, 16> inside(ops.begin(), ops.end());
  SetVector<Value> inputs;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (!isConstant(operand) && !inside.contains(operand.getDefiningOp()))
        inputs.insert(operand);
  SmallVector<Value> sorted = inputs.takeVector();
  llvm::sort(sorted, [&](Value a, Value b) { return comesBefore(a, b); });
  return sorted;
}

SmallVector<Value> TimelineBuilder::outputsOf(ArrayRef<Operation *> ops,
                                              ArrayRef<Bucket> finished) const {
  llvm::SmallPtrSet<Operation *, 16> inside(ops.begin(), ops.end());
  SetVector<Value> outputs;
  for (const Bucket &bucket : finished)
    for (dist::BatchSumOp member : bucket.members)
      if (inside.contains(member.getValue().getDefiningOp()))
        outputs.insert(member.getValue());
  for (Operation *op : ops)
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers())
        if (!inside.contains(user) &&
            (!isConstant(result) || isa<dist::BatchSumOp>(user) ||
             user->hasTrait<OpTrait::IsTerminator>()))
          outputs.insert(result);
  return outputs.takeVector();
}

std::string TimelineBuilder::fragmentName(unsigned index) const {
  auto numbered = [&](const char *name) { return name + std::to_string(index); };
  unsigned count = plan.fragments.size();
  if (phase == "evaluate")
    return count == 1 ? "evaluate_forward" : numbered("evaluate_forward_");
  if (count == 1)
    return "forward_backward";
  if (index < plan.lossFragment)
    return numbered("forward_");
  if (index == plan.lossFragment)
    return "head";
  return index + 1 == count ? "tail" : numbered("backward_");
}

dist::FragmentKind TimelineBuilder::fragmentKind(unsigned index) const {
  if (phase == "evaluate" || index < plan.lossFragment)
    return dist::FragmentKind::Forward;
  return index == plan.lossFragment ? dist::FragmentKind::ForwardBackward : dist::FragmentKind::Backward;
}

/// Makes a fragment of the ops, and the timeline run it.
void TimelineBuilder::runFragment(ArrayRef<Operation *> ops, StringRef name, dist::FragmentKind kind,
                                  ArrayRef<Bucket> finished) {
  SmallVector<Value> inputs = inputsOf(ops), outputs = outputsOf(ops, finished);
  OpBuilder before(timeline);
  auto fragment = dist::FragmentOp::create(
      before, function.getLoc(), role.empty() ? name.str() : role + "_" + name.str(),
      before.getFunctionType(ValueRange(inputs).getTypes(),
                             ValueRange(outputs).getTypes()));
  symbols.insert(fragment);
  ++fragmentsMade;

  Block &body = fragment.getBody().front();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  IRMapping local;
  for (auto [argument, input] : llvm::zip_equal(body.getArguments(), inputs)) {
    argument.setLoc(input.getLoc());
    local.map(input, argument);
  }
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (isConstant(operand) && !local.contains(operand))
        inside.clone(*operand.getDefiningOp(), local);
    inside.clone(*op, local);
  }
  auto mapped = [](const IRMapping &mapping, ArrayRef<Value> from) {
    return llvm::map_to_vector(from, [&](Value value) { return mapping.lookup(value); });
  };
  dist::ReturnOp::create(inside, function.getLoc(), mapped(local, outputs));
  setFacts(fragment, kind);

  auto run = dist::RunOp::create(
      builder, named(name), fragment.getFunctionType().getResults(),
      fragment.getSymName(), mapped(values, inputs));
  values.map(outputs, run.getResults());
}

/// Starts bucket `index`; its values are those of the rank until the wait.
void TimelineBuilder::startBucket(unsigned index) {
  Bucket &bucket = plan.buckets[index];
  SmallVector<Value> parts;
  SmallVector<Attribute> names;
  for (dist::BatchSumOp member : bucket.members) {
    parts.push_back(values.lookup(member.getValue()));
    names.push_back(builder.getStringAttr(plan.nameOf(member)));
  }
  SmallVector<Type> types(ValueRange(parts).getTypes());
  std::string name = phase == "evaluate" ? "metrics" : "bucket";
  if (phase != "evaluate" || plan.buckets.size() > 1)
    name += std::to_string(index);
  started.push_back(dist::AllReduceStartOp::create(
      builder, named(name), dist::PendingType::get(builder.getContext(), types),
      dist::Reduction::Sum, parts, bucket.axis, builder.getStringAttr(name), builder.getArrayAttr(names)));
}

/// In the order of the starts, so that a rank that makes progress only in waits
/// makes it on what the others wait for.
void TimelineBuilder::waitForStarted() {
  for (; awaited < started.size(); ++awaited) {
    dist::AllReduceStartOp start = started[awaited];
    auto wait = dist::WaitOp::create(builder, named((start.getBucket() + "_sum").str()),
                                     start.getPending().getType().getTypes(),
                                     start.getPending());
    for (auto [member, whole] :
         llvm::zip_equal(plan.buckets[awaited].members, wait.getResults()))
      values.map(member.getResult(), whole);
  }
}

dist::TimelineOp TimelineBuilder::run() {
  OpBuilder before(function);
  timeline = dist::TimelineOp::create(before, function.getLoc(), function.getSymName(),
                                      function.getFunctionType(), phase,
                                      role.empty() ? "all" : role);
  for (StringRef carried : {StringRef(nn::names::model), StringRef(nn::names::recipe), StringRef(nn::names::precision), StringRef(nn::names::wholeBatches),
                            StringRef(dist::names::at), StringRef(dist::names::firstRow)})
    if (Attribute value = function->getAttr(carried))
      timeline->setAttr(carried, value);
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  function.getAllArgAttrs(argumentAttrs);
  function.getAllResultAttrs(resultAttrs);
  timeline.setAllArgAttrs(argumentAttrs);
  timeline.setAllResultAttrs(resultAttrs);
  Block &body = timeline.getBody().front();
  for (auto [argument, global] :
       llvm::zip_equal(body.getArguments(), function.getArguments())) {
    argument.setLoc(global.getLoc());
    values.map(global, argument);
  }

  builder.setInsertionPointToEnd(&body);
  // Buckets lie in the order of the fragments behind which they start.
  for (auto [index, ops] : llvm::enumerate(plan.fragments)) {
    ArrayRef<Bucket> finished = ArrayRef<Bucket>(plan.buckets)
        .drop_front(started.size())
        .take_while([&](const Bucket &bucket) { return bucket.fragment == index; });
    if (!ops.empty())
      runFragment(ops, fragmentName(index), fragmentKind(index), finished);
    for (size_t i = 0; i < finished.size(); ++i)
      startBucket(started.size());
    if (llvm::any_of(finished, [](const Bucket &bucket) { return bucket.immediate; }))
      waitForStarted();
  }
  waitForStarted();
  if (!plan.update.empty())
    runFragment(plan.update, phase == "evaluate" ? "evaluate_result" : "update",
                phase == "evaluate" ? dist::FragmentKind::Forward : dist::FragmentKind::Update, {});
  SmallVector<Value> results = llvm::map_to_vector(
      function.getBody().front().getTerminator()->getOperands(),
      [&](Value value) { return values.lookup(value); });
  dist::ReturnOp::create(builder, function.getLoc(), results);
  return timeline;
}

namespace {
struct FormTimelinesPass : dtc::impl::FormTimelinesPassBase<FormTimelinesPass> {
  using FormTimelinesPassBase::FormTimelinesPassBase;

  void runOnOperation() override {
    if (bucketBytes < 1) {
      getOperation().emitError("bucket-bytes must be at least 1, not ") << bucketBytes.getValue();
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      auto phase = function->getAttrOfType<StringAttr>(nn::names::phase);
      if (!phase)
        continue;
      if (!function->hasAttr(dist::names::axis) || !function.getBody().hasOneBlock()) {
        function.emitError("is no rank's step: '")
            << dist::names::axis << "' is missing (run dtc-shard-batch first)";
        return signalPassFailure();
      }
      // What an evaluation combines is small: one message.
      bool train = phase.getValue() == "train";
      StepPlan plan(function, train ? bucketBytes : INT64_MAX);
      TimelineBuilder timelineBuilder(plan, phase.getValue(), symbols);
      dist::TimelineOp timeline = timelineBuilder.run();
      buckets += plan.buckets.size();
      fragments += timelineBuilder.fragmentsMade;
      symbols.erase(function);
      symbols.insert(timeline);
    }
  }
};
} // namespace

// Cuts a step into pieces by stage and by buckets of sums, and finds what they exchange.
#include "lib/Partition/Timelines/StepPlan.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

using Kind = Task::Kind;

bool dtc::partition::isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

int64_t StepPlan::stageOf(Operation *op) const {
  auto stage = op->getAttrOfType<IntegerAttr>(dist::names::stage);
  return stage ? stage.getInt() : 0;
}

ArrayRef<Piece> StepPlan::piecesOf(Kind kind, int64_t stage) const {
  auto found = pieces.find({kind, stage});
  return found == pieces.end() ? ArrayRef<Piece>() : ArrayRef<Piece>(found->second);
}

ArrayRef<Transfer> StepPlan::transfersOf(Value value) const {
  auto found = transfers.find(value);
  return found == transfers.end() ? ArrayRef<Transfer>() : ArrayRef<Transfer>(found->second);
}

FailureOr<StepPlan> StepPlan::of(const StepGraph &graph,
                                         const StagingOptions &options) {
  StepPlan plan;
  plan.graph = &graph;
  plan.options = options;
  plan.formPieces();
  for (auto &[key, ofTask] : plan.pieces)
    for (Piece &piece : ofTask)
      plan.connect(piece);
  if (options.runsAsOne())
    plan.connectResults();
  if (failed(plan.connectRows()))
    return failure();
  plan.sortExchanged();
  plan.findPrepared();
  if (failed(plan.shareOut()))
    return failure();
  return plan;
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

static std::string phaseOf(func::FuncOp step) {
  return step->getAttrOfType<StringAttr>(nn::names::phase).str();
}
static bool isTraining(func::FuncOp step) { return phaseOf(step) == "train"; }

/// True if the value, or its sum over the ranks, is the step's loss.
bool StepPlan::makesLoss(Value value) const {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<dist::BatchSumOp>(user))
      return makesLoss(user->getResult(0));
    return user->hasTrait<OpTrait::IsTerminator>() &&
           graph->getStep().getResultAttr(use.getOperandNumber(), nn::names::loss);
  });
}

/// With a batch that ranks share, a new piece begins where a bucket is full, so
/// that it travels while the next piece runs.
void StepPlan::cut(ArrayRef<Operation *> ops, Task::Kind task, int64_t stage) {
  auto &list = pieces[{task, stage}];
  auto begin = [&] {
    Piece &piece = list.emplace_back();
    piece.task = task;
    piece.stage = stage;
  };
  begin();
  llvm::MapVector<std::pair<Type, unsigned>, Bucket> open; // by element type, and whether it is cut in parts
  size_t loss = 0;
  // Puts a finished value where it travels; true if the step is cut behind it.
  auto fill = [&](Value value) {
    auto sums = llvm::make_filter_range(value.getUsers(), llvm::IsaPred<dist::BatchSumOp>);
    if (sums.empty())
      return false;
    homes[value] = stage;
    list.back().sums.insert(value);
    if (!options.bucketBytes)
      return false;
    if (llvm::any_of(sums, [&](Operation *sum) { return graph->partOf(sum) == Part::Middle; })) {
      list.back().buckets.push_back({{value}, static_cast<int64_t>(bytesOf(value)), /*immediate=*/true, /*parts=*/false});
      return true;
    }
    bool parts = cast<dist::BatchSumOp>(*sums.begin()).getParts();
    Bucket &bucket = open[{cast<RankedTensorType>(value.getType()).getElementType(), parts}];
    bucket.parts = parts;
    bucket.values.push_back(value);
    bucket.bytes += bytesOf(value);
    return false;
  };
  bool cutHere = false;
  for (Value given : std::exchange(givenSums, {}))
    cutHere |= fill(given);
  for (Operation *op : ops) {
    if (cutHere)
      begin();
    list.back().ops.push_back(op);
    // All results of one op are finished together.
    cutHere = false;
    for (Value result : op->getResults()) {
      cutHere |= fill(result);
      if (makesLoss(result))
        loss = list.size() - 1;
    }
    for (auto &[kind, bucket] : open)
      if (bucket.bytes >= options.bucketBytes) {
        list.back().buckets.push_back(std::exchange(bucket, {}));
        cutHere = true;
      }
    open.remove_if([](auto &entry) { return entry.second.values.empty(); });
  }
  for (auto &[kind, bucket] : open)
    list.back().buckets.push_back(std::move(bucket));
  if (options.runsAsOne())
    nameAlone(list, loss);
  else
    nameByStage(list);
}

/// "stage3_" where there are stages.
static std::string stagePrefix(const StagingOptions &options, int64_t stage) {
  return options.staged ? "stage" + std::to_string(stage) + "_" : "";
}

/// "forward_backward"; cut, "forward_0", "head" (makes the loss), "backward_2", "tail".
void StepPlan::nameAlone(MutableArrayRef<Piece> list, size_t loss) {
  bool train = isTraining(graph->getStep());
  for (auto [index, piece] : llvm::enumerate(list)) {
    std::string number = list.size() > 1 ? "_" + std::to_string(index) : "";
    std::string what = !train                        ? phaseOf(graph->getStep()) + "_forward" + number
                       : list.size() == 1            ? "forward_backward"
                       : index < loss                ? "forward" + number
                       : index == loss               ? "head"
                       : index + 1 == list.size()    ? "tail"
                                                     : "backward" + number;
    piece.name = stagePrefix(options, piece.stage) + what;
    piece.kind = !train || index < loss ? dist::FragmentKind::Forward
                 : index == loss        ? dist::FragmentKind::ForwardBackward
                                        : dist::FragmentKind::Backward;
  }
}

/// "stage0_backward"; cut, "stage0_backward_1".
void StepPlan::nameByStage(MutableArrayRef<Piece> list) {
  bool train = isTraining(graph->getStep());
  for (auto [index, piece] : llvm::enumerate(list)) {
    std::string what;
    switch (piece.task) {
    case Kind::Forward:
      piece.kind = dist::FragmentKind::Forward;
      what = train ? "forward" : phaseOf(graph->getStep()) + "_forward";
      break;
    case Kind::Backward:
      piece.kind = dist::FragmentKind::Backward;
      what = "backward";
      break;
    case Kind::Weight:
      piece.kind = dist::FragmentKind::WeightGradient;
      what = "weight_gradients";
      break;
    }
    piece.name = stagePrefix(options, piece.stage) + what + (list.size() > 1 ? "_" + std::to_string(index + 1) : "");
  }
}

void StepPlan::formPieces() {
  std::map<Key, SmallVector<Operation *>> ops;
  for (Operation &op : graph->getStep().getBody().front()) {
    Part part = graph->partOf(&op);
    if (part == Part::Forward || (part == Part::Backward && options.runsAsOne()))
      ops[{Kind::Forward, stageOf(&op)}].push_back(&op);
    else if (part == Part::Backward)
      ops[{Kind::Backward, stageOf(&op)}].push_back(&op);
  }
  // What no other stage waits for can come later.
  for (int64_t stage = 0; options.schedule.splitsBackward && !options.runsAsOne() && stage < options.shape.stages();
       ++stage) {
    SmallVector<Operation *> all = std::move(ops[{Kind::Backward, stage}]);
    DenseSet<Operation *> urgent;
    for (Operation *op : llvm::reverse(all))
      if (llvm::any_of(op->getUsers(), [&](Operation *user) {
            return urgent.contains(user) || (graph->partOf(user) == Part::Backward &&
                                             stageOf(user) != stage);
          }))
        urgent.insert(op);
    SmallVector<Operation *> &now = ops[{Kind::Backward, stage}];
    for (Operation *op : all)
      (urgent.contains(op) ? now : ops[{Kind::Weight, stage}]).push_back(op);
  }
  // A sum of what the step is given, not of what an op of a piece makes.
  llvm::SetVector<Value> given;
  for (auto sum : graph->getStep().getOps<dist::BatchSumOp>())
    if (Value value = sum.getValue(); isa<BlockArgument>(value) || isConstant(value))
      given.insert(value);
  givenSums = given.takeVector();
  if (!givenSums.empty())
    ops[{Kind::Forward, 0}];
  for (auto &[key, list] : ops)
    if (!list.empty() || !givenSums.empty())
      cut(list, key.first, key.second);
  for (auto &[key, list] : pieces)
    for (Piece &piece : list) {
      for (Operation *op : piece.ops)
        makers[op] = &piece;
      for (Value value : piece.sums)
        if (isa<BlockArgument>(value))
          piece.inputs.insert(value);
    }
  // The last stage's backward follows its forward at once: nothing is gained.
  for (int64_t stage = 0; options.recompute && stage + 1 < options.shape.stages(); ++stage)
    recompute(stage);
}

/// The first piece behind forward runs those forward ops again whose results it
/// or the following pieces take.
void StepPlan::recompute(int64_t stage) {
  SmallVector<Piece *> readers;
  for (Kind kind : {Kind::Backward, Kind::Weight})
    if (auto found = pieces.find({kind, stage}); found != pieces.end())
      for (Piece &piece : found->second)
        readers.push_back(&piece);
  DenseSet<Operation *> again;
  SmallVector<Operation *> work;
  for (Piece *reader : readers)
    work.append(reader->ops);
  while (!work.empty())
    for (Value operand : work.pop_back_val()->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && graph->partOf(producer) == Part::Forward &&
          stageOf(producer) == stage && again.insert(producer).second)
        work.push_back(producer);
    }
  for (Operation &op : graph->getStep().getBody().front())
    if (again.contains(&op)) {
      readers.front()->recomputed.push_back(&op);
      remakers[&op] = readers.front();
    }
}

//===----------------------------------------------------------------------===//
// What pieces exchange
//===----------------------------------------------------------------------===//

/// The piece from which `reader` takes a value; null if it makes the value
/// itself, or nobody does.
Piece *StepPlan::definerOf(Value value, const Piece &reader) const {
  Operation *op = value.getDefiningOp();
  Piece *maker = makers.lookup(op), *remaker = remakers.lookup(op);
  if (maker == &reader || remaker == &reader)
    return nullptr;
  bool again = remaker && remaker->stage == reader.stage && reader.task != Kind::Forward;
  return again ? remaker : maker;
}

/// After the layer; a second value of it gets a number, so that the verifier can
/// tell their messages apart.
std::string StepPlan::nameOf(Value value) {
  Operation *op = value.getDefiningOp();
  std::string name = graph->getLayers()[graph->layerOf(op)].name();
  if (graph->partOf(op) == Part::Backward)
    name += ".gradient";
  std::string unique = name;
  for (unsigned number = 2; named.try_emplace(unique, value).first->second != value; ++number)
    unique = name + "." + std::to_string(number);
  return unique;
}

void StepPlan::connect(Piece &piece) {
  auto read = [&](Value value) {
    if (isConstant(value))
      return;
    Operation *op = value.getDefiningOp();
    if (!op || graph->isPrepared(value) || isa<dist::BatchSumOp>(op)) {
      piece.inputs.insert(value);
      return;
    }
    Piece *definer = definerOf(value, piece);
    if (!definer)
      return;
    piece.inputs.insert(value);
    definer->outputs.insert(value);
    if (definer->stage == piece.stage)
      return;
    auto &ofValue = transfers[value];
    if (llvm::none_of(ofValue, [&](const Transfer &t) { return t.to == piece.stage; }))
      ofValue.push_back({value, piece.stage, nameOf(value)});
  };
  for (ArrayRef<Operation *> ops : {ArrayRef(piece.recomputed), ArrayRef(piece.ops)})
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        read(operand);
}

/// What the update takes straight from the pieces, and what the step returns of them.
void StepPlan::connectResults() {
  for (Operation &op : graph->getStep().getBody().front()) {
    if (graph->partOf(&op) != Part::Update && !op.hasTrait<OpTrait::IsTerminator>())
      continue;
    for (Value operand : op.getOperands())
      if (Piece *maker = makers.lookup(operand.getDefiningOp()))
        maker->outputs.insert(operand);
  }
}

/// Rows of an output leave the piece that makes them.
LogicalResult StepPlan::connectRows() {
  func::FuncOp step = graph->getStep();
  for (OpOperand &result : step.getBody().front().getTerminator()->getOpOperands()) {
    if (!step.getResultAttr(result.getOperandNumber(), dist::names::shard))
      continue;
    Piece *maker = makers.lookup(result.get().getDefiningOp());
    if (!maker)
      return step.emitError("result #") << result.getOperandNumber() << " has a row for each sample, but no op makes them of the samples";
    maker->outputs.insert(result.get());
  }
  return success();
}

void StepPlan::sort(SetVector<Value> &values) const {
  auto key = [&](Value value) -> std::pair<unsigned, unsigned> {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return {0, argument.getArgNumber()};
    auto result = cast<OpResult>(value);
    return {1 + order.lookup(result.getOwner()), result.getResultNumber()};
  };
  SmallVector<Value> sorted = values.takeVector();
  llvm::sort(sorted, [&](Value a, Value b) { return key(a) < key(b); });
  values.insert(sorted.begin(), sorted.end());
}

void StepPlan::sortExchanged() {
  for (Operation &op : graph->getStep().getBody().front())
    order[&op] = order.size();
  for (auto &[task, list] : pieces)
    for (Piece &piece : list) {
      sort(piece.inputs);
      sort(piece.outputs);
    }
}

//===----------------------------------------------------------------------===//
// What each device holds
//===----------------------------------------------------------------------===//

/// The ops of the step, in its order, that prepare what the pieces of a device take.
void StepPlan::findPrepared() {
  prepared.resize(options.shape.devices);
  for (auto [device, ofDevice] : llvm::enumerate(prepared)) {
    DenseSet<Operation *> needed;
    SmallVector<Value> work;
    for (auto &[key, list] : pieces)
      for (Piece &piece : list)
        if (deviceOf(piece.stage) == static_cast<int64_t>(device))
          work.append(piece.inputs.begin(), piece.inputs.end());
    while (!work.empty())
      if (Value value = work.pop_back_val(); graph->isPrepared(value))
        if (Operation *op = value.getDefiningOp(); needed.insert(op).second)
          work.append(op->operand_begin(), op->operand_end());
    for (Operation &op : graph->getStep().getBody().front())
      if (needed.contains(&op))
        ofDevice.push_back(&op);
  }
}

/// Without stages every rank holds everything.
void StepPlan::takeAll() {
  func::FuncOp step = graph->getStep();
  llvm::append_range(arguments.front(), llvm::seq(step.getNumArguments()));
  llvm::append_range(results.front(), llvm::seq(step.getNumResults()));
  for (Operation &op : step.getBody().front().without_terminator())
    if (graph->partOf(&op) == Part::Update)
      updates.front().push_back(&op);
}

LogicalResult StepPlan::shareOut() {
  func::FuncOp step = graph->getStep();
  int64_t devices = options.shape.devices;
  arguments.resize(devices);
  results.resize(devices);
  updates.resize(devices);
  neededSums.resize(devices);
  if (!options.staged) {
    takeAll();
    return success();
  }
  auto terminator = step.getBody().front().getTerminator();
  bool train = isTraining(step);

  // The devices that compute with an argument before the sums.
  SmallVector<SetVector<int64_t>> users(step.getNumArguments());
  for (auto &[key, list] : pieces)
    for (Piece &piece : list)
      for (Value input : piece.inputs)
        for (BlockArgument argument : graph->argumentsBehind(input))
          users[argument.getArgNumber()].insert(deviceOf(piece.stage));

  llvm::StringMap<unsigned> parameterNamed;
  for (unsigned i = 0; i < step.getNumArguments(); ++i)
    if (auto name = step.getArgAttrOfType<StringAttr>(i, nn::names::parameter)) {
      parameterNamed[name.getValue()] = i;
      if (train && users[i].empty())
        users[i].insert(0);
    }

  // The model's statistics go where their sums are made: no parameter's update
  // needs them.
  DenseMap<unsigned, int64_t> deviceOfStatistic;
  llvm::StringSet<> statistics;
  for (unsigned i = 0; i < step.getNumArguments(); ++i)
    if (step.getArgAttr(i, nn::names::statistic))
      statistics.insert(
          step.getArgAttrOfType<StringAttr>(i, nn::names::state).getValue());
  for (unsigned i = 0; i < step.getNumResults(); ++i) {
    auto name = step.getResultAttrOfType<StringAttr>(i, nn::names::state);
    if (!name || !statistics.contains(name.getValue()))
      continue;
    int64_t stage = 0;
    SmallVector<Value> work = {terminator->getOperand(i)};
    while (!work.empty()) {
      Operation *op = work.pop_back_val().getDefiningOp();
      if (auto reduce = dyn_cast_or_null<dist::BatchSumOp>(op))
        stage = std::max(stage, homes.lookup(reduce.getValue()));
      else if (op && graph->partOf(op) == Part::Update)
        work.append(op->operand_begin(), op->operand_end());
    }
    deviceOfStatistic[i] = deviceOf(stage);
  }

  for (int64_t device = 0; device < devices; ++device) {
    // Loss and metrics on every rank; parameters where they are computed with.
    SetVector<unsigned> wanted;
    for (unsigned i = 0; i < step.getNumResults(); ++i) {
      auto parameter = step.getResultAttrOfType<StringAttr>(i, nn::names::parameter);
      bool state = step.getResultAttr(i, nn::names::state) != nullptr;
      // Rows of an output are where they are made.
      if (step.getResultAttr(i, dist::names::shard) && deviceOf(stageOf(terminator->getOperand(i).getDefiningOp())) != device)
        continue;
      if (auto home = deviceOfStatistic.find(i);
          home != deviceOfStatistic.end() && home->second == device)
        wanted.insert(i);
      if (parameter ? users[parameterNamed.lookup(parameter.getValue())].contains(device)
                    : !state)
        wanted.insert(i);
    }
    DenseSet<Operation *> needed;
    SetVector<Value> sums;
    SmallVector<Value> work;
    auto need = [&](unsigned result) { work.push_back(terminator->getOperand(result)); };
    auto close = [&] {
      while (!work.empty()) {
        Value value = work.pop_back_val();
        Operation *op = value.getDefiningOp();
        if (auto argument = dyn_cast<BlockArgument>(value)) {
          users[argument.getArgNumber()].insert(device);
        } else if (auto reduce = dyn_cast<dist::BatchSumOp>(op)) {
          sums.insert(reduce.getValue());
        } else if (graph->partOf(op) == Part::Update && needed.insert(op).second) {
          work.append(op->operand_begin(), op->operand_end());
        }
      }
    };
    for (unsigned result : wanted)
      need(result);
    close();
    // State goes with the update that makes it; what nobody makes, with device 0.
    for (unsigned i = 0; i < step.getNumResults(); ++i) {
      Operation *op = terminator->getOperand(i).getDefiningOp();
      // Its parts may be put together behind it.
      while (auto gather = dyn_cast_or_null<dist::AllGatherOp>(op))
        op = gather.getValue().getDefiningOp();
      if (step.getResultAttr(i, nn::names::state) && !deviceOfStatistic.contains(i) &&
          (op && !isConstant(terminator->getOperand(i)) ? needed.contains(op) : device == 0)) {
        wanted.insert(i);
        need(i);
      }
    }
    close();
    results[device] = wanted.takeVector();
    llvm::sort(results[device]);
    neededSums[device] = sums.takeVector();
    for (Operation &op : step.getBody().front())
      if (needed.contains(&op))
        updates[device].push_back(&op);
  }

  SmallVector<DenseSet<Attribute>> given(devices);
  for (int64_t device = 0; device < devices; ++device)
    for (unsigned result : results[device])
      given[device].insert(step.getResultAttr(result, nn::names::parameter));
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto parameter = step.getArgAttrOfType<StringAttr>(i, nn::names::parameter);
    for (int64_t device : users[i]) {
      arguments[device].push_back(i);
      // An update on one device may read a parameter of its own alone.
      if (parameter && train && !given[device].contains(parameter))
        return step.emitError("the update of device ")
               << device << " reads the parameter '" << parameter.getValue()
               << "', which is on other devices";
    }
  }
  return success();
}

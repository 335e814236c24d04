// Cuts the parts of a step into pieces by stage, and finds what they exchange.
#include "PipelinePlan.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

using Kind = Task::Kind;

bool dtc::partition::isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

int64_t PipelinePlan::stageOf(Operation *op) const {
  return cast<IntegerAttr>(op->getAttr(dist::names::stage)).getInt();
}

ArrayRef<Piece> PipelinePlan::piecesOf(Kind kind, int64_t stage) const {
  auto found = pieces.find({kind, stage});
  return found == pieces.end() ? ArrayRef<Piece>() : ArrayRef<Piece>(found->second);
}

ArrayRef<Transfer> PipelinePlan::transfersOf(Value value) const {
  auto found = transfers.find(value);
  return found == transfers.end() ? ArrayRef<Transfer>() : ArrayRef<Transfer>(found->second);
}

FailureOr<PipelinePlan> PipelinePlan::of(const StepGraph &graph,
                                         const StagingOptions &options) {
  PipelinePlan plan;
  plan.graph = &graph;
  plan.options = options;
  plan.formPieces();
  for (auto &[key, ofTask] : plan.pieces)
    for (Piece &piece : ofTask)
      plan.connect(piece);
  plan.findPrepared();
  if (failed(plan.shareOut()))
    return failure();
  return plan;
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

/// The values of which an op makes a part of a sum.
static void collectSums(Operation *op, SetVector<Value> &sums) {
  for (Value result : op->getResults())
    if (llvm::any_of(result.getUsers(), llvm::IsaPred<dist::BatchSumOp>))
      sums.insert(result);
}

/// With a batch that ranks share, a new piece begins where a bucket is full, so
/// that it travels while the next piece runs.
void PipelinePlan::splitByBuckets(ArrayRef<Operation *> ops, Kind kind, int64_t stage) {
  if (ops.empty())
    return;
  auto &list = pieces[{kind, stage}];
  list.push_back({kind, stage});
  int64_t bytes = 0;
  for (auto [index, op] : llvm::enumerate(ops)) {
    list.back().ops.push_back(op);
    size_t before = list.back().sums.size();
    collectSums(op, list.back().sums);
    for (Value sum : list.back().getSums().drop_front(before)) {
      homes[sum] = stage;
      bytes += bytesOf(sum);
    }
    if (options.bucketBytes && bytes >= options.bucketBytes && index + 1 < ops.size()) {
      list.push_back({kind, stage});
      bytes = 0;
    }
  }
  bool train = graph->getStep()->getAttrOfType<StringAttr>(nn::names::phase).getValue() == "train";
  std::string what = kind == Kind::Forward    ? train ? "forward" : "evaluate_forward"
                     : kind == Kind::Backward ? "backward"
                                              : "weight_gradients";
  for (auto [index, piece] : llvm::enumerate(list)) {
    piece.name = "stage" + std::to_string(stage) + "_" + what;
    if (list.size() > 1)
      piece.name += "_" + std::to_string(index + 1);
  }
}

void PipelinePlan::formPieces() {
  std::map<Key, SmallVector<Operation *>> ops;
  for (Operation &op : graph->getStep().getBody().front()) {
    Part part = graph->partOf(&op);
    if (part == Part::Forward)
      ops[{Kind::Forward, stageOf(&op)}].push_back(&op);
    if (part == Part::Backward)
      ops[{Kind::Backward, stageOf(&op)}].push_back(&op);
  }
  // What no other stage waits for can come later.
  for (int64_t stage = 0; options.schedule.splitsBackward && stage < options.shape.stages();
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
  for (auto &[key, list] : ops)
    splitByBuckets(list, key.first, key.second);
  // A sum of what the step is given, not of what an op makes.
  for (auto reduce : graph->getStep().getOps<dist::BatchSumOp>())
    if (Value value = reduce.getValue();
        graph->partOf(reduce) == Part::Sum && !homes.contains(value)) {
      auto first = llvm::find_if(pieces, [](auto &entry) {
        return entry.first.first == Kind::Forward;
      });
      first->second.front().sums.insert(value);
      if (!isConstant(value))
        first->second.front().inputs.insert(value);
      homes[value] = first->first.second;
    }
  // The last stage's backward follows its forward at once: nothing is gained.
  for (int64_t stage = 0; options.recompute && stage + 1 < options.shape.stages(); ++stage)
    recompute(stage);
}

/// The first piece behind forward runs those forward ops again whose results it
/// or the following pieces take.
void PipelinePlan::recompute(int64_t stage) {
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
    if (again.contains(&op))
      readers.front()->recomputed.push_back(&op);
}

//===----------------------------------------------------------------------===//
// What pieces exchange
//===----------------------------------------------------------------------===//

/// The piece from which `reader` takes a value; null if it makes the value
/// itself, or nobody does.
const Piece *PipelinePlan::definerOf(Value value, const Piece &reader) const {
  Operation *op = value.getDefiningOp();
  if (!op)
    return nullptr;
  auto makes = [&](const Piece &piece) {
    return llvm::is_contained(piece.ops, op) ||
           (piece.stage == reader.stage && reader.kind != Kind::Forward &&
            llvm::is_contained(piece.recomputed, op));
  };
  if (makes(reader))
    return nullptr;
  for (Kind kind : {Kind::Weight, Kind::Backward, Kind::Forward})
    for (const Piece &piece : piecesOf(kind, stageOf(op)))
      if (&piece != &reader && makes(piece))
        return &piece;
  return nullptr;
}

/// After the layer; a second value of it gets a number, so that the verifier can
/// tell their messages apart.
std::string PipelinePlan::nameOf(Value value) {
  Operation *op = value.getDefiningOp();
  std::string name = graph->getLayers()[graph->layerOf(op)].name();
  if (graph->partOf(op) == Part::Backward)
    name += ".gradient";
  std::string unique = name;
  for (unsigned number = 2; named.try_emplace(unique, value).first->second != value; ++number)
    unique = name + "." + std::to_string(number);
  return unique;
}

void PipelinePlan::connect(Piece &piece) {
  auto read = [&](Value value) {
    if (isConstant(value))
      return;
    if (graph->isPrepared(value)) {
      piece.inputs.insert(value);
      return;
    }
    const Piece *definer = definerOf(value, piece);
    bool inside = !definer && value.getDefiningOp();
    if (inside)
      return;
    piece.inputs.insert(value);
    if (!definer)
      return;
    const_cast<Piece *>(definer)->outputs.insert(value);
    auto &ofValue = transfers[value];
    if (definer->stage != piece.stage &&
        llvm::none_of(ofValue, [&](const Transfer &t) { return t.to == piece.stage; }))
      ofValue.push_back({value, piece.stage, nameOf(value)});
  };
  for (ArrayRef<Operation *> ops : {ArrayRef(piece.recomputed), ArrayRef(piece.ops)})
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        read(operand);
}

//===----------------------------------------------------------------------===//
// What each device holds
//===----------------------------------------------------------------------===//

/// The ops of the step, in its order, that prepare what the pieces of a device take.
void PipelinePlan::findPrepared() {
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

LogicalResult PipelinePlan::shareOut() {
  func::FuncOp step = graph->getStep();
  int64_t devices = options.shape.devices;
  arguments.resize(devices);
  results.resize(devices);
  updates.resize(devices);
  neededSums.resize(devices);
  auto terminator = step.getBody().front().getTerminator();
  bool train = step->getAttrOfType<StringAttr>(nn::names::phase).getValue() == "train";

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

  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto parameter = step.getArgAttrOfType<StringAttr>(i, nn::names::parameter);
    for (int64_t device : users[i]) {
      arguments[device].push_back(i);
      // An update on one device may read a parameter of its own alone.
      if (!parameter || !train)
        continue;
      bool given = llvm::any_of(results[device], [&](unsigned result) {
        return step.getResultAttrOfType<StringAttr>(result, nn::names::parameter) == parameter;
      });
      if (!given)
        return step.emitError("the update of device ")
               << device << " reads the parameter '" << parameter.getValue()
               << "', which is on other devices";
    }
  }
  return success();
}

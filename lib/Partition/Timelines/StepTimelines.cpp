// The fragments of a step, and which messages its devices exchange.
#include "lib/Partition/Timelines/DeviceTimeline.h"
#include "lib/Partition/Timelines/FragmentFacts.h"
#include "lib/Partition/Timelines/StepVersion.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

StepTimelines::StepTimelines(const StepPlan &plan, StringRef axis,
                                     StringAttr batchAxis, SymbolTable &symbols)
    : plan(plan), step(plan.graph->getStep()),
      phase(step->getAttrOfType<StringAttr>(nn::names::phase).getValue()), axis(axis),
      batchAxis(batchAxis), symbols(symbols),
      suffix(roleSuffix(plan.graph->getStep())),
      microbatches(plan.options.shape.microbatches) {}

/// "stage0"; of one version of the step "stage0_data1"; without stages "data1", or "all".
std::string StepTimelines::roleOf(int64_t device) const {
  if (!plan.options.staged)
    return suffix.empty() ? "all" : suffix;
  std::string role = (plan.options.shape.stagesPerDevice > 1 ? "device" : "stage") +
                     std::to_string(device);
  return suffix.empty() ? role : role + "_" + suffix;
}

/// A fragment of these ops; constants are made in it.
static dist::FragmentOp cloneInto(func::FuncOp step, StringRef name,
                                  ArrayRef<Operation *> ops, ArrayRef<Value> inputs,
                                  SymbolTable &symbols, IRMapping &local) {
  OpBuilder before(step);
  std::string suffix = roleSuffix(step);
  auto fragment = dist::FragmentOp::create(
      before, step.getLoc(), suffix.empty() ? name.str() : (name + "_" + suffix).str(),
      before.getFunctionType(ValueRange(inputs).getTypes(), {}));
  symbols.insert(fragment);
  Block &body = fragment.getBody().front();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  for (auto [argument, input] : llvm::zip_equal(body.getArguments(), inputs)) {
    argument.setLoc(input.getLoc());
    local.map(input, argument);
  }
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (isConstant(operand) && !local.contains(operand))
        inside.clone(*operand.getDefiningOp(), local);
    inside.clone(*op, local)->removeAttr(dist::names::stage);
  }
  return fragment;
}

static void finish(dist::FragmentOp fragment, ArrayRef<Value> results, dist::FragmentKind kind, int64_t stage) {
  Block &body = fragment.getBody().front();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  dist::ReturnOp::create(inside, fragment.getLoc(), results);
  fragment.setFunctionType(inside.getFunctionType(body.getArgumentTypes(),
                                                  ValueRange(results).getTypes()));
  setFacts(fragment, kind, stage);
}

SmallVector<Value> StepTimelines::summedIn(const Piece &piece) const {
  // What the step is given is no result where nothing is added to it.
  return llvm::filter_to_vector(piece.sums.getArrayRef(), [&](Value value) {
    return microbatches > 1 || !isa<BlockArgument>(value);
  });
}

SmallVector<Value> StepTimelines::handedOnBy(const Piece &piece) const {
  return llvm::filter_to_vector(piece.outputs.getArrayRef(), [&](Value value) {
    return microbatches > 1 || !piece.sums.contains(value);
  });
}

/// Takes the piece's inputs and, where there are several microbatches, the sums
/// so far; gives the sums and the piece's outputs. None if the piece has nothing to do.
dist::FragmentOp StepTimelines::makeFragment(const Piece &piece) {
  IRMapping local;
  SmallVector<Operation *> ops(piece.recomputed);
  ops.append(piece.ops);
  SmallVector<Value> summed = summedIn(piece), handedOn = handedOnBy(piece);
  if (ops.empty() && summed.empty())
    return nullptr;
  dist::FragmentOp fragment =
      cloneInto(step, piece.name, ops, piece.inputs.getArrayRef(), symbols, local);
  Block &body = fragment.getBody().front();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  SmallVector<Value> results;
  SmallVector<std::pair<unsigned, unsigned>> inPlace; // result, argument
  for (Value value : summed) {
    if (isConstant(value) && !local.contains(value))
      inside.clone(*value.getDefiningOp(), local);
    Value part = local.lookup(value);
    if (microbatches > 1) {
      Value sum = body.addArgument(value.getType(), value.getLoc());
      inPlace.push_back({results.size(), body.getNumArguments() - 1});
      part = nn::AddOp::create(inside, value.getLoc(), sum, part);
    }
    results.push_back(part);
  }
  for (Value output : handedOn)
    results.push_back(local.lookup(output));
  finish(fragment, results, piece.kind, plan.options.staged ? piece.stage : -1);
  for (auto [result, argument] : inPlace)
    fragment.setResultAttr(result, dist::names::inPlace, inside.getI64IntegerAttr(argument));
  return fragment;
}

/// Groups the ops by the last bucket that they need, so that what the first makes is gathered while the next are still summed up.
void StepTimelines::listUpdates(int64_t device) {
  // Buckets start behind the last run of their piece.
  llvm::DenseMap<const Piece *, size_t> last;
  for (auto [index, action] : llvm::enumerate(actions[device]))
    last[action.piece] = index;
  DenseMap<Value, size_t> bucketOf; // counted from 1
  size_t buckets = 0;
  for (auto [index, action] : llvm::enumerate(actions[device]))
    if (last[action.piece] == index)
      for (const Bucket &bucket : action.piece->buckets) {
        ++buckets;
        for (Value value : bucket.values)
          bucketOf[value] = buckets;
      }
  ArrayRef<Operation *> ops = plan.updateOf(device);
  // Along other axes parts are taken and put together where that stands.
  auto gatherOf = [&](Operation *op) {
    auto gather = dyn_cast<dist::AllGatherOp>(op);
    return gather && gather.getAxis() == batchAxis.getValue() ? gather : dist::AllGatherOp();
  };
  bool gathers = llvm::any_of(ops, gatherOf);
  auto partOf = [&](Operation *op) {
    auto part = dyn_cast_or_null<dist::PartOp>(op);
    return gathers && part && part->hasOneUse() && part.getAxis() == batchAxis.getValue() ? part : dist::PartOp();
  };
  std::map<size_t, Update> byBucket;
  DenseMap<Operation *, size_t> needs;
  constexpr size_t behindGathers = SIZE_MAX;
  for (Operation *op : ops) {
    size_t need = gathers ? 0 : buckets;
    for (Value operand : op->getOperands())
      if (Operation *maker = operand.getDefiningOp()) {
        auto sum = dyn_cast<dist::BatchSumOp>(maker);
        // What devices exchange is there when all is.
        need = std::max(need, !sum ? needs.lookup(maker) : bucketOf.contains(sum.getValue()) ? bucketOf[sum.getValue()] : buckets);
        if (gatherOf(maker))
          need = behindGathers;
      }
    needs[op] = need;
    // A part of a parameter is taken where it is used.
    if (partOf(op))
      continue;
    Update &update = byBucket[need];
    for (Value operand : op->getOperands())
      if (dist::PartOp part = partOf(operand.getDefiningOp()))
        update.ops.push_back(part);
    if (dist::AllGatherOp gather = gatherOf(op))
      update.gathers.push_back(gather);
    else
      update.ops.push_back(op);
    update.buckets = std::min(need, buckets);
    update.isBehindGathers = need == behindGathers;
  }
  for (auto &[need, update] : byBucket) {
    std::string number = byBucket.size() > 1 ? "_" + std::to_string(updates[device].size() + 1) : "";
    update.name = nameOnDevice(device, (phase == "train" ? "update" : phase.str() + "_result") + number);
    updates[device].push_back(std::move(update));
  }
}

void StepTimelines::makeUpdate(int64_t device, Update &update) {
  DenseSet<Operation *> inside(update.ops.begin(), update.ops.end());
  for (Operation *op : update.ops) {
    for (Value operand : op->getOperands())
      if (!isConstant(operand) && !inside.contains(operand.getDefiningOp()))
        update.inputs.insert(operand);
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers())
        if (!inside.contains(user) && !user->hasTrait<OpTrait::IsTerminator>())
          update.outputs.insert(result);
  }
  plan.sort(update.inputs);
  Operation *terminator = step.getBody().front().getTerminator();
  for (unsigned result : plan.resultsOf(device))
    if (Value value = terminator->getOperand(result); inside.contains(value.getDefiningOp()))
      update.outputs.insert(value);
  if (update.ops.empty())
    return;
  IRMapping local;
  update.fragment = cloneInto(step, update.name, update.ops, update.inputs.getArrayRef(), symbols, local);
  finish(update.fragment, llvm::map_to_vector(update.outputs, [&](Value value) { return local.lookup(value); }),
         phase == "train" ? dist::FragmentKind::Update : dist::FragmentKind::Forward, onlyStageOf(device));
}

/// -1 where it has several, or there are none.
int64_t StepTimelines::onlyStageOf(int64_t device) const {
  return plan.options.staged && plan.options.shape.stagesPerDevice == 1 ? plan.options.shape.stageOf(device, 0) : -1;
}

/// "stage0_update"; the suffix of the role comes behind.
std::string StepTimelines::nameOnDevice(int64_t device, StringRef what) const {
  if (!plan.options.staged)
    return what.str();
  std::string role = roleOf(device);
  if (!suffix.empty())
    role.resize(role.size() - suffix.size() - 1);
  return role + "_" + what.str();
}

/// Gives what the device's microbatches take.
dist::FragmentOp StepTimelines::makePreparation(int64_t device) {
  ArrayRef<Operation *> ops = plan.preparedOn(device);
  if (ops.empty())
    return nullptr;
  SetVector<Value> inputs, outputs;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (isa<BlockArgument>(operand))
        inputs.insert(operand);
  const PipelineShape &shape = plan.options.shape;
  for (int64_t round = 0; round < shape.stagesPerDevice; ++round)
    for (Task::Kind kind : {Task::Kind::Forward, Task::Kind::Backward, Task::Kind::Weight})
      for (const Piece &piece : plan.piecesOf(kind, shape.stageOf(device, round)))
        for (Value input : piece.inputs)
          if (plan.graph->isPrepared(input))
            outputs.insert(input);
  preparedFrom[device] = llvm::to_vector(inputs);
  preparedValues[device] = llvm::to_vector(outputs);
  IRMapping local;
  dist::FragmentOp fragment =
      cloneInto(step, nameOnDevice(device, phase == "train" ? "weights" : phase.str() + "_weights"), ops,
                inputs.getArrayRef(), symbols, local);
  finish(fragment, llvm::map_to_vector(outputs, [&](Value value) { return local.lookup(value); }),
         dist::FragmentKind::Prepare, onlyStageOf(device));
  return fragment;
}

unsigned StepTimelines::makeFragments() {
  listActions();
  int64_t devices = plan.options.shape.devices;
  for (int64_t stage = 0; stage < plan.options.shape.stages(); ++stage)
    for (Task::Kind kind : {Task::Kind::Forward, Task::Kind::Backward, Task::Kind::Weight})
      for (const Piece &piece : plan.piecesOf(kind, stage))
        if (dist::FragmentOp made = makeFragment(piece))
          fragments[&piece] = made;
  updates.resize(devices);
  preparedFrom.resize(devices);
  preparedValues.resize(devices);
  unsigned made = fragments.size();
  for (int64_t device = 0; device < devices; ++device) {
    listUpdates(device);
    for (Update &update : updates[device]) {
      makeUpdate(device, update);
      made += update.fragment != nullptr;
    }
    preparations.push_back(makePreparation(device));
    made += preparations.back() != nullptr;
  }
  return made;
}

/// Runs each device's schedule: which pieces, what they send, what they need.
void StepTimelines::listActions() {
  const PipelineShape &shape = plan.options.shape;
  actions.resize(shape.devices);
  DenseMap<std::tuple<void *, int64_t, int64_t>, unsigned> sent; // value, stage, microbatch
  PipelineSchedule order =
      phase == "train" ? plan.options.schedule.order(shape) : forwardOnly(shape);
  for (int64_t device = 0; device < shape.devices; ++device)
    for (const Task &task : order[device]) {
      for (const Piece &piece : plan.piecesOf(task.kind, task.stage)) {
        Action &action = actions[device].emplace_back();
        action.piece = &piece;
        action.microbatch = task.microbatch;
        for (Value output : piece.outputs)
          for (const Transfer &transfer : plan.transfersOf(output)) {
            int64_t to = plan.deviceOf(transfer.to);
            std::tuple<void *, int64_t, int64_t> key{output.getAsOpaquePointer(), transfer.to,
                                                     task.microbatch};
            // What runs again is not sent again.
            if (to == device || sent.contains(key))
              continue;
            sent[key] = messages.size();
            action.sends.push_back(messages.size());
            messages.push_back({output, device, to, transfer.to, task.microbatch, transfer.name});
          }
      }
    }
  for (auto &ofDevice : actions)
    for (Action &action : ofDevice)
      for (Value input : action.piece->inputs)
        if (auto found = sent.find({input.getAsOpaquePointer(), action.piece->stage,
                                    action.microbatch});
            found != sent.end())
          action.needs.push_back(found->second);
}

/// Plays the schedules in rounds: in each a device does one action, once it has
/// what that needs.
void StepTimelines::orderActions() {
  SmallVector<int64_t> sentIn(messages.size(), -1);
  SmallVector<size_t> next(actions.size());
  for (bool moved = true; moved;) {
    moved = false;
    for (auto [device, ofDevice] : llvm::enumerate(actions))
      for (; next[device] < ofDevice.size(); ++next[device], moved = true) {
        Action &action = ofDevice[next[device]];
        if (llvm::any_of(action.needs, [&](unsigned message) { return sentIn[message] < 0; }))
          break;
        action.round = next[device] ? ofDevice[next[device] - 1].round + 1 : 0;
        for (unsigned message : action.needs)
          action.round = std::max(action.round, sentIn[message] + 1);
        for (unsigned message : action.needs)
          messages[message].takenAt = std::min(messages[message].takenAt, action.round);
        for (unsigned message : action.sends)
          sentIn[message] = action.round;
      }
  }
}

/// A sum that another device's update takes, or the loss: sent once it is whole.
void StepTimelines::listSumMessages() {
  int64_t devices = plan.options.shape.devices;
  sumMessages.resize(devices);
  for (int64_t from = 0; from < devices; ++from)
    for (int64_t to = 0; to < devices; ++to)
      for (Value value : plan.sumsNeededBy(to)) {
        if (from == to || plan.deviceOf(plan.homeOfSum(value)) != from)
          continue;
        sumMessages[from].push_back(messages.size());
        messages.push_back({value, from, to, -1, -1, ""});
      }
}

/// The step's own name without stages, that of the role with them.
std::string StepTimelines::timelineName(int64_t device) {
  if (!plan.options.staged)
    return step.getSymName().str();
  return roleOf(device) + (phase == "train" ? "" : "_" + phase.str());
}

void StepTimelines::makeTimelines() {
  orderActions();
  listSumMessages();
  for (int64_t device = 0; device < plan.options.shape.devices; ++device) {
    DeviceTimeline timeline(*this, device);
    timelines.push_back(timeline.build());
    buckets += timeline.bucketsMade();
  }
}

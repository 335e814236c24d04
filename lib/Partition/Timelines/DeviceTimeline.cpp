// The order of one device: receive, run, send; then sums and update.
#include "lib/Partition/Timelines/DeviceTimeline.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

DeviceTimeline::DeviceTimeline(StepTimelines &made, int64_t device)
    : made(made), plan(made.plan), step(made.step), device(device),
      builder(step.getContext()) {
  incoming.resize(plan.options.shape.devices);
  for (auto [index, message] : llvm::enumerate(made.messages))
    if (message.to == device)
      incoming[message.from].push_back(index);
}

Location DeviceTimeline::named(const Twine &name) {
  Location place = timeline.getLoc();
  return NameLoc::get(StringAttr::get(place.getContext(), name), place);
}

IntegerAttr DeviceTimeline::numberOf(int64_t microbatch) {
  return made.microbatches > 1 && microbatch >= 0 ? builder.getI64IntegerAttr(microbatch)
                                                      : IntegerAttr();
}

/// Arguments that the ranks share out have all microbatches' rows.
void DeviceTimeline::createTimeline() {
  SmallVector<Type> argumentTypes, resultTypes;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  for (unsigned i : plan.argumentsOf(device)) {
    auto type = cast<RankedTensorType>(step.getArgumentTypes()[i]);
    if (step.getArgAttr(i, dist::names::shard)) {
      SmallVector<int64_t> shape(type.getShape());
      shape[0] *= made.microbatches;
      type = type.clone(shape);
    }
    argumentTypes.push_back(type);
    argumentAttrs.push_back(step.getArgAttrDict(i));
  }
  for (unsigned i : plan.resultsOf(device)) {
    // Rows of each microbatch.
    int64_t times = step.getResultAttr(i, dist::names::shard) ? made.microbatches : 1;
    resultTypes.append(times, step.getResultTypes()[i]);
    resultAttrs.append(times, step.getResultAttrDict(i));
  }
  OpBuilder before(step);
  timeline = dist::TimelineOp::create(before, step.getLoc(), made.timelineName(device),
                                      before.getFunctionType(argumentTypes, resultTypes), made.phase,
                                      made.roleOf(device));
  timeline.setAllArgAttrs(argumentAttrs);
  timeline.setAllResultAttrs(resultAttrs);
  for (StringRef carried : {StringRef(nn::names::model), StringRef(nn::names::recipe), StringRef(nn::names::precision),
                            StringRef(nn::names::wholeBatches)})
    if (Attribute value = step->getAttr(carried))
      timeline->setAttr(carried, value);
  SmallVector<NamedAttribute> at;
  if (plan.options.staged)
    at.push_back(before.getNamedAttr(made.axis, before.getI64IntegerAttr(device)));
  if (auto version = step->getAttrOfType<DictionaryAttr>(dist::names::at))
    llvm::append_range(at, version);
  if (!at.empty())
    timeline->setAttr(dist::names::at, before.getDictionaryAttr(at));
  if (Attribute firstRow = step->getAttr(dist::names::firstRow))
    timeline->setAttr(dist::names::firstRow, firstRow);
  // Of a stage that takes no samples.
  for (unsigned i = 0; plan.options.staged && i < step.getNumArguments(); ++i)
    if (step.getArgAttr(i, nn::names::sampleWeight))
      timeline->setAttr(dist::names::localBatch,
                        before.getI64IntegerAttr(
                            cast<RankedTensorType>(step.getArgumentTypes()[i]).getDimSize(0) *
                            made.microbatches));
  for (auto [index, argument] : llvm::zip_equal(plan.argumentsOf(device),
                                                timeline.getBody().front().getArguments())) {
    argument.setLoc(step.getArgument(index).getLoc());
    arguments[index] = argument;
  }
  builder.setInsertionPointToEnd(&timeline.getBody().front());
}

void DeviceTimeline::createZeros() {
  if (made.microbatches == 1)
    return;
  DenseSet<const Piece *> seen;
  for (const Action &action : made.actions[device])
    if (seen.insert(action.piece).second)
      for (Value value : action.piece->sums) {
        std::string name = nameOfPart(value);
        sums[value] = dist::ZerosOp::create(builder, named(name), value.getType(), name);
      }
}

/// "conv1.weight" (and `ofParameter` behind it), "loss": the name of what is made
/// with the sum; of one in the middle of the step, its layer's.
std::string DeviceTimeline::nameOfSum(Value value, StringRef ofParameter) {
  SmallVector<Operation *> work;
  for (Operation *user : value.getUsers())
    if (isa<dist::BatchSumOp>(user)) {
      if (plan.graph->partOf(user) == Part::Middle) {
        auto layer = user->getLoc()->findInstanceOf<NameLoc>();
        return layer ? layer.getName().str() : "sum";
      }
      work.push_back(user);
    }
  DenseSet<Operation *> seen;
  std::optional<unsigned> first;
  while (!work.empty())
    for (OpOperand &use : work.pop_back_val()->getUses()) {
      Operation *user = use.getOwner();
      if (user->hasTrait<OpTrait::IsTerminator>())
        first = std::min(first.value_or(use.getOperandNumber()), use.getOperandNumber());
      else if (seen.insert(user).second)
        work.push_back(user);
    }
  if (!first)
    return "unused";
  for (StringRef named : {StringRef(nn::names::parameter), StringRef(nn::names::state)})
    if (auto name = step.getResultAttrOfType<StringAttr>(*first, named))
      return (name.getValue() + ofParameter).str();
  if (auto name = step.getResultAttrOfType<StringAttr>(*first, nn::names::output))
    return name.str();
  for (StringRef flag : {StringRef(nn::names::loss), StringRef(nn::names::correct)})
    if (step.getResultAttr(*first, flag))
      return flag.drop_front(StringRef("nn.").size()).str();
  return "result" + std::to_string(*first);
}

/// Once a step, before the microbatches that use it.
void DeviceTimeline::prepare() {
  dist::FragmentOp fragment = made.preparations[device];
  if (!fragment)
    return;
  auto operands = llvm::map_to_vector(made.preparedFrom[device], [&](Value value) {
    return arguments.lookup(cast<BlockArgument>(value).getArgNumber());
  });
  auto run = dist::RunOp::create(builder, named(fragment.getSymName()), fragment.getResultTypes(),
                                 fragment.getSymName(), operands);
  for (auto [value, result] : llvm::zip_equal(made.preparedValues[device], run.getResults()))
    prepared[value] = result;
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void DeviceTimeline::startReceive(unsigned index) {
  const Message &message = made.messages[index];
  std::string name = message.name.empty() ? nameOfPart(message.value) : message.name;
  receiving[index] = dist::RecvStartOp::create(
      builder, named(name),
      dist::PendingType::get(builder.getContext(), {typeOf(message)}), name,
      message.from, made.axis, numberOf(message.microbatch));
}

/// Messages of one sender are received in the order in which they are sent: all
/// that stand before the needed one start too.
void DeviceTimeline::startReceives(size_t action) {
  if (action >= made.actions[device].size())
    return;
  for (unsigned needed : made.actions[device][action].needs) {
    int64_t from = made.messages[needed].from;
    size_t &next = nextFrom[from];
    while (next < incoming[from].size() && !receiving.contains(needed))
      startReceive(incoming[from][next++]);
  }
}

Value DeviceTimeline::await(unsigned index) {
  const Message &message = made.messages[index];
  Value pending = receiving.lookup(index);
  return dist::WaitOp::create(builder, pending.getLoc(), TypeRange(typeOf(message)), pending)
      .getValues()
      .front();
}

void DeviceTimeline::startSend(const Message &message, Value value) {
  std::string name = message.name.empty() ? nameOfPart(message.value) : message.name;
  Value pending = dist::SendStartOp::create(
      builder, named(name + "_sent"), dist::PendingType::get(builder.getContext(), {}), value,
      name, message.to, made.axis, numberOf(message.microbatch));
  sending.push_back({pending, nullptr, message.microbatch, message.takenAt});
}

/// What was sent is kept until the microbatch's backward, whose gradients come
/// from who received it; what backward sent, until the one after the next. But it
/// is not awaited before the round in which it is taken: the receiver might wait
/// for this device. (A skip's gradient is sent early and taken late.)
void DeviceTimeline::awaitSends(const Action &next) {
  llvm::erase_if(sending, [&](const Sending &sent) {
    if (!sent.piece || sent.piece->stage != next.piece->stage || sent.takenAt >= next.round)
      return false;
    bool sameKind = sent.piece->task == next.piece->task;
    bool returns = sent.piece->task == Task::Kind::Forward &&
                   next.piece->task != Task::Kind::Forward &&
                   sent.microbatch <= next.microbatch;
    bool isOld = sameKind && sent.microbatch + 2 <= next.microbatch &&
                 (sent.piece->task != Task::Kind::Forward || made.phase != "train");
    if (!returns && !isOld)
      return false;
    dist::WaitOp::create(builder, sent.pending.getLoc(), TypeRange(), sent.pending);
    return true;
  });
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

Value DeviceTimeline::rowsOf(BlockArgument argument, int64_t microbatch) {
  Value batch = arguments.lookup(argument.getArgNumber());
  if (made.microbatches == 1 ||
      !step.getArgAttr(argument.getArgNumber(), dist::names::shard))
    return batch;
  Value &part = rows[{argument.getArgNumber(), microbatch}];
  if (!part)
    part = dist::MicrobatchOp::create(builder, argument.getLoc(), argument.getType(),
                                      microbatch, batch);
  return part;
}

Value DeviceTimeline::valueFor(Value value, const Action &action) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return rowsOf(argument, action.microbatch);
  if (Value once = prepared.lookup(value))
    return once;
  if (auto sum = value.getDefiningOp<dist::BatchSumOp>())
    return sums.lookup(sum.getValue());
  return live.lookup({value.getAsOpaquePointer(), action.microbatch, action.piece->stage});
}

void DeviceTimeline::runPiece(const Action &action) {
  const Piece &piece = *action.piece;
  if (made.microbatches == 1)
    for (Value value : piece.sums)
      if (isa<BlockArgument>(value))
        sums[value] = valueFor(value, action);
  dist::FragmentOp fragment = made.fragments.lookup(&piece);
  if (!fragment)
    return;
  SmallVector<Value> operands;
  for (Value input : piece.inputs)
    operands.push_back(valueFor(input, action));
  if (made.microbatches > 1)
    for (Value value : piece.sums)
      operands.push_back(sums.lookup(value));
  auto run = dist::RunOp::create(builder, named(piece.name), fragment.getResultTypes(),
                                 fragment.getSymName(), operands,
                                 numberOf(action.microbatch));
  SmallVector<Value> summed = made.summedIn(piece), handedOn = made.handedOnBy(piece);
  for (auto [value, result] : llvm::zip(summed, run.getResults()))
    sums[value] = result;
  auto keep = [&](Value output, Value result) {
    live[{output.getAsOpaquePointer(), action.microbatch, piece.stage}] = result;
    for (const Transfer &transfer : plan.transfersOf(output))
      if (plan.deviceOf(transfer.to) == device)
        live.try_emplace({output.getAsOpaquePointer(), action.microbatch, transfer.to}, result);
  };
  for (auto [output, result] : llvm::zip_equal(handedOn, run.getResults().drop_front(summed.size())))
    keep(output, result);
  // With one microbatch its part is the sum so far.
  if (made.microbatches == 1)
    for (Value value : summed)
      if (piece.outputs.contains(value))
        keep(value, sums.lookup(value));
  for (unsigned index : action.sends) {
    const Message &message = made.messages[index];
    startSend(message, live.lookup({message.value.getAsOpaquePointer(), action.microbatch,
                                    piece.stage}));
    sending.back().piece = &piece;
  }
}

//===----------------------------------------------------------------------===//
// Sums and update
//===----------------------------------------------------------------------===//

Type DeviceTimeline::typeOfSum(Value value) const {
  auto sum = llvm::find_if(value.getUsers(), llvm::IsaPred<dist::BatchSumOp>);
  return cast<dist::BatchSumOp>(*sum).getType();
}

/// Sums travel once they are whole, all else as it is.
Type DeviceTimeline::typeOf(const Message &message) const {
  return message.toStage < 0 ? typeOfSum(message.value) : message.value.getType();
}

bool DeviceTimeline::exchanges() const {
  return !made.sumMessages[device].empty() || llvm::any_of(llvm::enumerate(incoming), [&](auto from) {
    return nextFrom.lookup(from.index()) < from.value().size();
  });
}

std::string DeviceTimeline::nameOfResult(Value value) {
  for (OpOperand &use : value.getUses())
    if (use.getOwner()->hasTrait<OpTrait::IsTerminator>())
      if (auto name = step.getResultAttrOfType<StringAttr>(use.getOperandNumber(), nn::names::parameter))
        return name.str();
  return "unused";
}

/// "bucket0", "bucket1", …; what an evaluation adds up "metrics", if that is one message.
std::string DeviceTimeline::nameOfBucket() const {
  std::string number = std::to_string(started.size());
  if (made.phase == "train")
    return "bucket" + number;
  size_t all = 0;
  DenseSet<const Piece *> seen;
  for (const Action &action : made.actions[device])
    if (seen.insert(action.piece).second)
      all += action.piece->buckets.size();
  return "metrics" + (all > 1 ? number : "");
}

/// Its values are those of the rank until the wait.
void DeviceTimeline::startBucket(const Bucket &bucket) {
  SmallVector<Value> parts;
  SmallVector<Attribute> names;
  for (Value value : bucket.values) {
    parts.push_back(sums.lookup(value));
    names.push_back(builder.getStringAttr(nameOfSum(value)));
  }
  std::string name = nameOfBucket();
  SmallVector<Type> types = llvm::map_to_vector(bucket.values, [&](Value value) { return typeOfSum(value); });
  auto pending = dist::PendingType::get(builder.getContext(), types);
  Operation *start;
  if (bucket.parts)
    start = dist::ReduceScatterStartOp::create(builder, named(name), pending, dist::Reduction::Sum, parts, made.batchAxis, IntegerAttr(),
                                               builder.getStringAttr(name), builder.getArrayAttr(names));
  else
    start = dist::AllReduceStartOp::create(builder, named(name), pending, dist::Reduction::Sum, parts, made.batchAxis,
                                           builder.getStringAttr(name), builder.getArrayAttr(names));
  started.push_back({start->getResult(0), name, bucket.values});
}

/// In the order of the starts, so that a rank that makes progress only in waits
/// makes it on what the others wait for.
void DeviceTimeline::awaitBuckets(size_t count) {
  for (; awaited < std::min(count, started.size()); ++awaited) {
    const Started &sum = started[awaited];
    auto wait = dist::WaitOp::create(builder, named(sum.name + "_sum"), cast<dist::PendingType>(sum.pending.getType()).getTypes(), sum.pending);
    for (auto [value, whole] : llvm::zip_equal(sum.values, wait.getResults()))
      sums[value] = whole;
  }
}

/// New parameters of which each rank has made its part; a message for each element type.
void DeviceTimeline::startGathers(ArrayRef<dist::AllGatherOp> gathers) {
  llvm::MapVector<Type, SmallVector<dist::AllGatherOp>> byType;
  for (dist::AllGatherOp gather : gathers)
    byType[gather.getValue().getType().getElementType()].push_back(gather);
  for (auto &[element, ofType] : byType) {
    SmallVector<Value> parts, wholes;
    SmallVector<Attribute> names;
    for (dist::AllGatherOp gather : ofType) {
      parts.push_back(updated.lookup(gather.getValue()));
      wholes.push_back(gather.getResult());
      names.push_back(builder.getStringAttr(nameOfResult(gather.getResult())));
    }
    std::string name = "gather" + std::to_string(gathering.size());
    Value pending = dist::AllGatherStartOp::create(
        builder, named(name), dist::PendingType::get(builder.getContext(), llvm::to_vector(ValueRange(wholes).getTypes())), parts,
        made.batchAxis, IntegerAttr(), builder.getStringAttr(name), builder.getArrayAttr(names));
    gathering.push_back({pending, name, wholes});
  }
}

void DeviceTimeline::awaitGathers() {
  for (; gathered < gathering.size(); ++gathered) {
    const Gathering &gather = gathering[gathered];
    auto wait = dist::WaitOp::create(builder, named(gather.name + "_whole"), ValueRange(gather.values).getTypes(), gather.pending);
    for (auto [value, whole] : llvm::zip_equal(gather.values, wait.getResults()))
      updated[value] = whole;
  }
}

void DeviceTimeline::exchangeSums() {
  for (unsigned index : made.sumMessages[device])
    startSend(made.messages[index], sums.lookup(made.messages[index].value));
  SmallVector<unsigned> coming;
  for (auto [from, indices] : llvm::enumerate(incoming))
    for (unsigned index : ArrayRef(indices).drop_front(nextFrom[from])) {
      startReceive(index);
      coming.push_back(index);
    }
  for (unsigned index : coming)
    sums[made.messages[index].value] = await(index);
}

void DeviceTimeline::update() {
  auto lookup = [&](Value value) -> Value {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return arguments.lookup(argument.getArgNumber());
    if (auto sum = value.getDefiningOp<dist::BatchSumOp>())
      return sums.lookup(sum.getValue());
    if (Value result = updated.lookup(value))
      return result;
    // Of a step that runs as one.
    return live.lookup({value.getAsOpaquePointer(), 0, 0});
  };
  for (StepTimelines::Update &update : made.updates[device]) {
    awaitBuckets(update.buckets);
    if (update.isBehindGathers)
      awaitGathers();
    if (update.fragment) {
      auto run = dist::RunOp::create(builder, named(update.name), update.fragment.getResultTypes(), update.fragment.getSymName(),
                                     llvm::map_to_vector(update.inputs.getArrayRef(), lookup));
      for (auto [value, result] : llvm::zip_equal(update.outputs.getArrayRef(), run.getResults()))
        updated[value] = result;
    }
    startGathers(update.gathers);
  }
  awaitBuckets(started.size());
  awaitGathers();
  for (const Sending &sent : sending)
    dist::WaitOp::create(builder, sent.pending.getLoc(), TypeRange(), sent.pending);
  Operation *terminator = step.getBody().front().getTerminator();
  SmallVector<Value> values;
  for (unsigned result : plan.resultsOf(device)) {
    Value value = terminator->getOperand(result);
    if (step.getResultAttr(result, dist::names::shard)) {
      for (int64_t microbatch = 0; microbatch < made.microbatches; ++microbatch)
        values.push_back(live.lookup({value.getAsOpaquePointer(), microbatch, plan.stageOf(value.getDefiningOp())}));
      continue;
    }
    if (isConstant(value))
      value = builder.clone(*value.getDefiningOp())->getResult(0);
    else
      value = lookup(value);
    values.push_back(value);
  }
  dist::ReturnOp::create(builder, step.getLoc(), values);
}

dist::TimelineOp DeviceTimeline::build() {
  createTimeline();
  createZeros();
  prepare();
  ArrayRef<Action> actions = made.actions[device];
  DenseMap<const Piece *, int64_t> left;
  for (const Action &action : actions)
    ++left[action.piece];
  for (auto [index, action] : llvm::enumerate(actions)) {
    // What the next one needs travels while this one runs.
    startReceives(index);
    startReceives(index + 1);
    awaitSends(action);
    for (unsigned message : action.needs)
      if (receiving.contains(message)) {
        const Message &coming = made.messages[message];
        Value &value = live[{coming.value.getAsOpaquePointer(), coming.microbatch,
                             coming.toStage}];
        if (!value)
          value = await(message);
      }
    runPiece(action);
    if (--left[action.piece] > 0)
      continue;
    for (const Bucket &bucket : action.piece->buckets)
      startBucket(bucket);
    if (llvm::any_of(action.piece->buckets, [](const Bucket &bucket) { return bucket.immediate; }))
      awaitBuckets(started.size());
  }
  // Sums that devices exchange are whole by then.
  if (exchanges())
    awaitBuckets(started.size());
  exchangeSums();
  update();
  return timeline;
}

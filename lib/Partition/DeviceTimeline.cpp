// The order of one device: receive, run, send; then sums and update.
#include "DeviceTimeline.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

DeviceTimeline::DeviceTimeline(PipelineTimelines &pipeline, int64_t device)
    : pipeline(pipeline), plan(pipeline.plan), step(pipeline.step), device(device),
      builder(step.getContext()) {
  incoming.resize(plan.options.shape.devices);
  for (auto [index, message] : llvm::enumerate(pipeline.messages))
    if (message.to == device)
      incoming[message.from].push_back(index);
}

Location DeviceTimeline::named(const Twine &name) {
  Location place = timeline.getLoc();
  return NameLoc::get(StringAttr::get(place.getContext(), name), place);
}

IntegerAttr DeviceTimeline::numberOf(int64_t microbatch) {
  return pipeline.microbatches > 1 && microbatch >= 0 ? builder.getI64IntegerAttr(microbatch)
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
      shape[0] *= pipeline.microbatches;
      type = type.clone(shape);
    }
    argumentTypes.push_back(type);
    argumentAttrs.push_back(step.getArgAttrDict(i));
  }
  for (unsigned i : plan.resultsOf(device)) {
    resultTypes.push_back(step.getResultTypes()[i]);
    resultAttrs.push_back(step.getResultAttrDict(i));
  }
  OpBuilder before(step);
  std::string role = pipeline.roleOf(device);
  timeline = dist::TimelineOp::create(
      before, step.getLoc(), pipeline.phase == "train" ? role : role + "_evaluate",
      before.getFunctionType(argumentTypes, resultTypes), pipeline.phase, role);
  timeline.setAllArgAttrs(argumentAttrs);
  timeline.setAllResultAttrs(resultAttrs);
  for (StringRef carried : {StringRef(nn::names::model), StringRef(nn::names::recipe), StringRef(nn::names::precision),
                            StringRef(nn::names::wholeBatches)})
    if (Attribute value = step->getAttr(carried))
      timeline->setAttr(carried, value);
  SmallVector<NamedAttribute> at = {
      before.getNamedAttr(pipeline.axis, before.getI64IntegerAttr(device))};
  if (auto version = step->getAttrOfType<DictionaryAttr>(dist::names::at))
    llvm::append_range(at, version);
  timeline->setAttr(dist::names::at, before.getDictionaryAttr(at));
  if (Attribute firstRow = step->getAttr(dist::names::firstRow))
    timeline->setAttr(dist::names::firstRow, firstRow);
  for (unsigned i = 0; i < step.getNumArguments(); ++i)
    if (step.getArgAttr(i, nn::names::sampleWeight))
      timeline->setAttr(dist::names::localBatch,
                        before.getI64IntegerAttr(
                            cast<RankedTensorType>(step.getArgumentTypes()[i]).getDimSize(0) *
                            pipeline.microbatches));
  pipeline.symbols.insert(timeline);
  for (auto [index, argument] : llvm::zip_equal(plan.argumentsOf(device),
                                                timeline.getBody().front().getArguments())) {
    argument.setLoc(step.getArgument(index).getLoc());
    arguments[index] = argument;
  }
  builder.setInsertionPointToEnd(&timeline.getBody().front());
}

void DeviceTimeline::createZeros() {
  if (pipeline.microbatches == 1)
    return;
  DenseSet<const Piece *> seen;
  for (const Action &action : pipeline.actions[device])
    if (seen.insert(action.piece).second)
      for (Value value : action.piece->sums) {
        std::string name = nameOfSum(value);
        sums[value] = dist::ZerosOp::create(builder, named(name), value.getType(), name);
      }
}

/// "conv1.weight.gradient", "loss": after what is made with the sum.
std::string DeviceTimeline::nameOfSum(Value value) {
  SmallVector<Operation *> work;
  for (Operation *user : value.getUsers())
    if (isa<dist::BatchSumOp>(user))
      work.push_back(user);
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
    return "sum";
  for (StringRef attribute : {StringRef(nn::names::parameter), StringRef(nn::names::state)})
    if (auto name = step.getResultAttrOfType<StringAttr>(*first, attribute))
      return (name.getValue() + ".gradient").str();
  return step.getResultAttr(*first, nn::names::loss) ? "loss" : "correct";
}

/// Once a step, before the microbatches that use it.
void DeviceTimeline::prepare() {
  dist::FragmentOp fragment = pipeline.preparations[device];
  if (!fragment)
    return;
  auto operands = llvm::map_to_vector(pipeline.preparedFrom[device], [&](Value value) {
    return arguments.lookup(cast<BlockArgument>(value).getArgNumber());
  });
  auto run = dist::RunOp::create(builder, named(fragment.getSymName()), fragment.getResultTypes(),
                                 fragment.getSymName(), operands);
  for (auto [value, result] : llvm::zip_equal(pipeline.preparedValues[device], run.getResults()))
    prepared[value] = result;
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void DeviceTimeline::startReceive(unsigned index) {
  const Message &message = pipeline.messages[index];
  std::string name = message.name.empty() ? nameOfSum(message.value) : message.name;
  receiving[index] = dist::RecvStartOp::create(
      builder, named(name),
      dist::PendingType::get(builder.getContext(), {message.value.getType()}), name,
      message.from, pipeline.axis, numberOf(message.microbatch));
}

/// Messages of one sender are received in the order in which they are sent: all
/// that stand before the needed one start too.
void DeviceTimeline::startReceives(size_t action) {
  if (action >= pipeline.actions[device].size())
    return;
  for (unsigned needed : pipeline.actions[device][action].needs) {
    int64_t from = pipeline.messages[needed].from;
    size_t &next = nextFrom[from];
    while (next < incoming[from].size() && !receiving.contains(needed))
      startReceive(incoming[from][next++]);
  }
}

Value DeviceTimeline::await(unsigned index) {
  const Message &message = pipeline.messages[index];
  Value pending = receiving.lookup(index);
  return dist::WaitOp::create(builder, pending.getLoc(), TypeRange(message.value.getType()), pending)
      .getValues()
      .front();
}

void DeviceTimeline::startSend(const Message &message, Value value) {
  std::string name = message.name.empty() ? nameOfSum(message.value) : message.name;
  Value pending = dist::SendStartOp::create(
      builder, named(name + "_sent"), dist::PendingType::get(builder.getContext(), {}), value,
      name, message.to, pipeline.axis, numberOf(message.microbatch));
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
    bool sameKind = sent.piece->kind == next.piece->kind;
    bool returns = sent.piece->kind == Task::Kind::Forward &&
                   next.piece->kind != Task::Kind::Forward &&
                   sent.microbatch <= next.microbatch;
    bool isOld = sameKind && sent.microbatch + 2 <= next.microbatch &&
                 (sent.piece->kind != Task::Kind::Forward || pipeline.phase == "evaluate");
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
  if (pipeline.microbatches == 1 ||
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
  return live.lookup({value.getAsOpaquePointer(), action.microbatch, action.piece->stage});
}

void DeviceTimeline::runPiece(const Action &action) {
  const Piece &piece = *action.piece;
  SmallVector<Value> operands;
  for (Value input : piece.inputs)
    operands.push_back(valueFor(input, action));
  if (pipeline.microbatches > 1)
    for (Value value : piece.sums)
      operands.push_back(sums.lookup(value));
  dist::FragmentOp fragment = pipeline.fragments.lookup(&piece);
  auto run = dist::RunOp::create(builder, named(piece.name), fragment.getResultTypes(),
                                 fragment.getSymName(), operands,
                                 numberOf(action.microbatch));
  for (auto [output, result] :
       llvm::zip(piece.outputs.getArrayRef(),
                 run.getResults().take_front(piece.outputs.size()))) {
    live[{output.getAsOpaquePointer(), action.microbatch, piece.stage}] = result;
    for (const Transfer &transfer : plan.transfersOf(output))
      if (plan.deviceOf(transfer.to) == device)
        live.try_emplace({output.getAsOpaquePointer(), action.microbatch, transfer.to}, result);
  }
  for (auto [value, result] :
       llvm::zip(piece.sums.getArrayRef(), run.getResults().drop_front(piece.outputs.size())))
    sums[value] = result;
  for (unsigned index : action.sends) {
    const Message &message = pipeline.messages[index];
    startSend(message, live.lookup({message.value.getAsOpaquePointer(), action.microbatch,
                                    piece.stage}));
    sending.back().piece = &piece;
  }
}

//===----------------------------------------------------------------------===//
// Sums and update
//===----------------------------------------------------------------------===//

/// One message for each element type of what the last microbatch has completed.
void DeviceTimeline::startBuckets(const Piece &piece) {
  llvm::MapVector<Type, SmallVector<Value>> byType;
  for (Value value : piece.sums)
    byType[cast<RankedTensorType>(value.getType()).getElementType()].push_back(value);
  for (auto &[type, values] : byType) {
    SmallVector<Value> parts;
    SmallVector<Attribute> names;
    for (Value value : values) {
      parts.push_back(sums.lookup(value));
      StringRef name = builder.getStringAttr(nameOfSum(value)).getValue();
      name.consume_back(".gradient");
      names.push_back(builder.getStringAttr(name));
    }
    std::string name = (pipeline.phase == "evaluate" ? "metrics" : "bucket") +
                       std::to_string(buckets.size());
    buckets.push_back(
        {dist::AllReduceStartOp::create(
             builder, named(name),
             dist::PendingType::get(builder.getContext(),
                                    llvm::to_vector(ValueRange(parts).getTypes())),
             dist::Reduction::Sum, parts, pipeline.batchAxis, builder.getStringAttr(name),
             builder.getArrayAttr(names)),
         values});
  }
}

void DeviceTimeline::awaitBuckets() {
  for (Bucket &bucket : buckets) {
    auto wait = dist::WaitOp::create(
        builder, named(bucket.start.getBucket() + "_sum"),
        bucket.start.getPending().getType().getTypes(), bucket.start.getPending());
    for (auto [value, whole] : llvm::zip_equal(bucket.values, wait.getResults()))
      sums[value] = whole;
  }
}

void DeviceTimeline::exchangeSums() {
  for (unsigned index : pipeline.sumMessages[device])
    startSend(pipeline.messages[index], sums.lookup(pipeline.messages[index].value));
  SmallVector<unsigned> coming;
  for (auto [from, indices] : llvm::enumerate(incoming))
    for (unsigned index : ArrayRef(indices).drop_front(nextFrom[from])) {
      startReceive(index);
      coming.push_back(index);
    }
  for (unsigned index : coming)
    sums[pipeline.messages[index].value] = await(index);
}

void DeviceTimeline::update() {
  DenseMap<Value, Value> results;
  auto lookup = [&](Value value) -> Value {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return arguments.lookup(argument.getArgNumber());
    if (auto reduce = value.getDefiningOp<dist::BatchSumOp>())
      return sums.lookup(reduce.getValue());
    return results.lookup(value);
  };
  if (dist::FragmentOp fragment = pipeline.updateFragments[device]) {
    auto inputs = pipeline.updateInputs[device].getArrayRef();
    auto run = dist::RunOp::create(builder, named(fragment.getSymName()),
                                   fragment.getResultTypes(), fragment.getSymName(),
                                   llvm::map_to_vector(inputs, lookup));
    for (auto [value, result] :
         llvm::zip_equal(pipeline.updateOutputs[device].getArrayRef(), run.getResults()))
      results[value] = result;
  }
  for (const Sending &sent : sending)
    dist::WaitOp::create(builder, sent.pending.getLoc(), TypeRange(), sent.pending);
  Operation *terminator = step.getBody().front().getTerminator();
  SmallVector<Value> values;
  for (unsigned result : plan.resultsOf(device)) {
    Value value = terminator->getOperand(result);
    if (isConstant(value))
      value = builder.clone(*value.getDefiningOp())->getResult(0);
    else
      value = lookup(value);
    values.push_back(value);
  }
  dist::ReturnOp::create(builder, step.getLoc(), values);
}

void DeviceTimeline::build() {
  createTimeline();
  createZeros();
  prepare();
  ArrayRef<Action> actions = pipeline.actions[device];
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
        const Message &coming = pipeline.messages[message];
        Value &value = live[{coming.value.getAsOpaquePointer(), coming.microbatch,
                             coming.toStage}];
        if (!value)
          value = await(message);
      }
    runPiece(action);
    if (--left[action.piece] == 0 && plan.options.bucketBytes)
      startBuckets(*action.piece);
  }
  awaitBuckets();
  exchangeSums();
  update();
}

// Timelines to buffers, fragments and calls, op by op.
#include "RoleLowering.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"
#include "dtc/Cost/Signature.h"
#include "dtc/Plan/Passes.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

MemRefType dtc::plan::rowMajor(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

//===----------------------------------------------------------------------===//
// Arguments and results
//===----------------------------------------------------------------------===//

std::optional<RoleLowering::ArgumentKind>
RoleLowering::classify(dist::TimelineOp timeline, unsigned index) {
  auto named = [&](StringRef attribute) {
    return timeline.getArgAttrOfType<StringAttr>(index, attribute);
  };
  if (StringAttr name = named(nn::names::input))
    return ArgumentKind{rt::BufferKind::Input, name};
  if (StringAttr name = named(nn::names::parameter))
    return ArgumentKind{rt::BufferKind::Parameter, name};
  if (StringAttr name = named(nn::names::state))
    return ArgumentKind{timeline.getArgAttr(index, nn::names::statistic)
                            ? rt::BufferKind::Statistic
                            : rt::BufferKind::State,
                        name};
  if (timeline.getArgAttr(index, nn::names::label))
    return ArgumentKind{rt::BufferKind::Label, "label"};
  if (timeline.getArgAttr(index, nn::names::sampleWeight))
    return ArgumentKind{rt::BufferKind::SampleWeight, "sample_weight"};
  if (timeline.getArgAttr(index, nn::names::lossWeight))
    return ArgumentKind{rt::BufferKind::LossWeight, "loss_weight"};
  if (timeline.getArgAttr(index, nn::names::sampleIndex))
    return ArgumentKind{rt::BufferKind::SampleIndex, "sample_index"};
  if (timeline.getArgAttr(index, nn::names::step))
    return ArgumentKind{rt::BufferKind::Step, "step"};
  if (timeline.getArgAttr(index, nn::names::learningRate))
    return ArgumentKind{rt::BufferKind::LearningRate, "learning_rate"};
  return std::nullopt;
}

Value RoleLowering::getOrCreateBuffer(Location location, ArgumentKind what,
                                      MemRefType type, Attribute init) {
  auto name = StringAttr::get(program.getContext(), what.name);
  Value &buffer = shared[{static_cast<int>(what.kind), name}];
  if (!buffer)
    buffer = fragments.createBuffer(location, what.name, what.kind, type, init);
  return buffer;
}

void RoleLowering::setPlace(Value value, Value memory, IntegerAttr microbatch) {
  fragments.alias(value, memory);
  placedIn[rt::rootBuffer(memory)].push_back(value);
  if (microbatch && rt::isPerMicrobatch(memory))
    microbatchOf[value] = microbatch;
}

LogicalResult RoleLowering::bindArguments(dist::TimelineOp timeline) {
  for (auto [i, argument] :
       llvm::enumerate(timeline.getBody().front().getArguments())) {
    std::optional<ArgumentKind> what = classify(timeline, i);
    if (!what)
      return timeline.emitOpError("argument ")
             << i << " is neither input, label, weight, loss weight, sample index, step, learning rate, parameter nor state";
    MemRefType type = rowMajor(argument.getType());
    Value buffer = getOrCreateBuffer(argument.getLoc(), *what, type,
                                     timeline.getArgAttr(i, nn::names::init));
    if (auto classes = timeline.getArgAttrOfType<IntegerAttr>(i, nn::names::classes))
      buffer.getDefiningOp<rt::BufferOp>().setClassesAttr(classes);
    if (auto shares = timeline.getArgAttrOfType<ArrayAttr>(i, dist::names::shares))
      buffer.getDefiningOp<rt::BufferOp>().setSharesAttr(shares);
    if (buffer.getType() != type)
      return timeline.emitOpError("has '")
             << what->name << "' as " << type << " but another phase as "
             << buffer.getType();
    setPlace(argument, buffer);
  }
  return success();
}

Value RoleLowering::origin(Value value) {
  while (auto run = value.getDefiningOp<dist::RunOp>()) {
    auto fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
    value = fragment.getReturn()
                .getValues()[cast<OpResult>(value).getResultNumber()];
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return value;
    value = run.getOperands()[argument.getArgNumber()];
  }
  return value;
}

/// What a sum over microbatches begins with; the value itself if it is none.
Value RoleLowering::beginningOf(Value sum) {
  while (auto run = sum.getDefiningOp<dist::RunOp>()) {
    auto fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
    auto argument = fragment.getInPlaceArgument(cast<OpResult>(sum).getResultNumber());
    if (!argument)
      return sum;
    sum = run.getOperands()[*argument];
  }
  return sum;
}

void RoleLowering::promise(Value value, Value memory) {
  Value beginning = beginningOf(value);
  // Awaited from another rank, or zeros that grow: the timeline's own values.
  if (!beginning.getDefiningOp<dist::RunOp>()) {
    if (beginning.getDefiningOp())
      promised.try_emplace(beginning, memory);
    return;
  }
  Value made = origin(value);
  if (isa<OpResult>(made) && !isa<dist::TimelineOp>(made.getDefiningOp()->getParentOp()) &&
      promised.try_emplace(made, memory).second)
    fragments.promise(made, memory);
}

void RoleLowering::promiseReplaced(Value value, Value memory) {
  if (!value.hasOneUse())
    return;
  Value made = origin(value);
  // Reshapes and slices may be views; of two results of a fragment one may be read after the other was replaced.
  for (Operation *view = made.getDefiningOp(); isa_and_nonnull<nn::ReshapeOp, nn::SliceOp>(view); view = view->getOperand(0).getDefiningOp())
    if (!view->getOperand(0).hasOneUse())
      return;
  unsigned returned = 0;
  for (Operation *user : made.getUsers()) {
    if (isa<nn::ReshapeOp, nn::SliceOp>(user))
      return;
    returned += user->hasTrait<OpTrait::IsTerminator>();
  }
  if (returned <= 1)
    promise(value, memory);
}

/// Each at a multiple of 64 bytes so that kernels load aligned vectors.
static constexpr int64_t bucketAlignment = 64;

SmallVector<Value> RoleLowering::layOut(Location location, StringRef name, ArrayRef<MemRefType> types,
                                        ArrayRef<std::string> names) {
  Type element = types.front().getElementType();
  int64_t alignment = bucketAlignment / llvm::divideCeil(element.getIntOrFloatBitWidth(), 8), size = 0;
  SmallVector<int64_t> positions;
  for (MemRefType type : types) {
    positions.push_back(size);
    size = llvm::alignTo(size + type.getNumElements(), alignment);
  }
  Value bucket = fragments.createBuffer(location, name, rt::BufferKind::Bucket, MemRefType::get({size}, element));
  SmallVector<Value> views;
  for (auto [type, position, view] : llvm::zip_equal(types, positions, names))
    views.push_back(fragments.createView(location, view, bucket, position, type));
  return views;
}

/// Rows of all microbatches, one behind the other.
void RoleLowering::planOutput(dist::TimelineOp timeline) {
  SmallVector<unsigned> rows;
  for (unsigned i = 0; i < timeline.getNumResults(); ++i)
    if (timeline.getResultAttr(i, nn::names::output))
      rows.push_back(i);
  if (rows.empty())
    return;
  Value first = timeline.getReturn().getValues()[rows.front()];
  StringRef name = timeline.getResultAttrOfType<StringAttr>(rows.front(), nn::names::output);
  MemRefType type = rowMajor(first.getType());
  SmallVector<int64_t> shape(type.getShape());
  int64_t parts = rows.size();
  shape.front() *= parts;
  Value memory = getOrCreateBuffer(first.getLoc(), {rt::BufferKind::Output, name}, MemRefType::get(shape, type.getElementType()), {});
  if (parts > 1)
    memory = fragments.createRows(first.getLoc(), (name + ".rows").str(), memory, type, parts);
  for (unsigned i : rows) {
    returned[i] = memory;
    promise(timeline.getReturn().getValues()[i], memory);
  }
}

void RoleLowering::planResults(dist::TimelineOp timeline) {
  planOutput(timeline);
  for (auto [i, value] : llvm::enumerate(timeline.getReturn().getValues())) {
    bool loss = timeline.getResultAttr(i, nn::names::loss) != nullptr;
    bool correct = timeline.getResultAttr(i, nn::names::correct) != nullptr;
    if (!loss && !correct)
      continue;
    Value buffer = getOrCreateBuffer(
        value.getLoc(),
        loss ? ArgumentKind{rt::BufferKind::Loss, "loss"}
             : ArgumentKind{rt::BufferKind::Correct, "correct"},
        rowMajor(value.getType()), {});
    returned[i] = buffer;
    promise(value, buffer);
  }
}

Value RoleLowering::homeOf(dist::TimelineOp timeline, unsigned index) {
  auto find = [&](rt::BufferKind kind, StringAttr name) -> Value {
    return name ? shared.lookup({static_cast<int>(kind), name}) : Value();
  };
  if (Value parameter = find(rt::BufferKind::Parameter, timeline.getResultAttrOfType<StringAttr>(index, nn::names::parameter)))
    return parameter;
  auto state = timeline.getResultAttrOfType<StringAttr>(index, nn::names::state);
  Value home = find(rt::BufferKind::State, state);
  return home ? home : find(rt::BufferKind::Statistic, state);
}

Value RoleLowering::freeHome(Value value, Operation *start) {
  auto timeline = cast<dist::TimelineOp>(start->getParentOp());
  Value home;
  for (OpOperand &use : value.getUses())
    if (isa<dist::ReturnOp>(use.getOwner()) && !home)
      home = homeOf(timeline, use.getOperandNumber());
  if (!home)
    return {};
  for (Value old : placedIn.lookup(rt::rootBuffer(home)))
    for (Operation *user : old.getUsers())
      if (old.getParentBlock() == start->getBlock() && start->isBeforeInBlock(user))
        return {};
  return home;
}

LogicalResult RoleLowering::returnResults(dist::TimelineOp timeline) {
  for (auto [i, value] : llvm::enumerate(timeline.getReturn().getValues())) {
    Value target = returned.lookup(i);
    if (!target) {
      auto parameter =
          timeline.getResultAttrOfType<StringAttr>(i, nn::names::parameter);
      auto state = timeline.getResultAttrOfType<StringAttr>(i, nn::names::state);
      if (!parameter && !state)
        return timeline.emitOpError("result ")
               << i << " is neither loss, correct, output, parameter nor state";
      target = homeOf(timeline, i);
      if (!target)
        return timeline.emitOpError("gives back '")
               << (parameter ? parameter : state).getValue()
               << "', which it does not take";
    }
    Value memory = fragments.memory(value);
    fragments.setMicrobatch(microbatchOf.lookup(value));
    if (memory != target)
      fragments.copy(timeline.getLoc(), memory, target);
    fragments.setMicrobatch({});
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

LogicalResult RoleLowering::lowerFragment(dist::FragmentOp source, dist::RunOp run) {
  Block &body = source.getBody().front();
  SmallVector<Value> &arguments = argumentsOf[source];
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), run.getOperands())) {
    arguments.push_back(fragments.memory(operand));
    fragments.alias(argument, arguments.back());
  }
  for (auto [index, value] : llvm::enumerate(source.getReturn().getValues()))
    if (auto argument = source.getInPlaceArgument(index))
      fragments.promise(value, arguments[*argument]);

  OpBuilder &builder = fragments.getBuilder();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(timelineOp);
  Cost cost = costOf(source.getBody());
  auto fragment = rt::FragmentOp::create(
      builder, source.getLoc(), source.getSymName(),
      llvm::APFloat(static_cast<double>(cost.flops)),
      static_cast<int64_t>(std::min<uint64_t>(
          llvm::SaturatingAdd(cost.bytesRead, cost.bytesWritten), INT64_MAX)),
      source.getKind() ? builder.getStringAttr(dist::stringifyFragmentKind(*source.getKind())) : StringAttr(),
      source.getStageAttr(), source.getLayersAttr());
  builder.setInsertionPointToStart(&fragment.getBody().emplaceBlock());
  Block &calls = fragment.getBody().front();
  for (auto [number, op] : llvm::enumerate(body.without_terminator())) {
    Operation *last = calls.empty() ? nullptr : &calls.back();
    auto lowering = dyn_cast<RuntimeLoweringOpInterface>(op);
    if (!lowering)
      return op.emitOpError("has no runtime call (RuntimeLoweringOpInterface)");
    if (failed(lowering.lowerToRuntime(fragments)))
      return failure();
    fragments.keepPromises(&op);
    if (!markOps)
      continue;
    Attribute mark = builder.getArrayAttr(
        {builder.getI64IntegerAttr(number), builder.getStringAttr(signatureOf(&op))});
    for (Operation *call = last ? last->getNextNode() : calls.empty() ? nullptr : &calls.front();
         call; call = call->getNextNode())
      call->setAttr(opAttribute, mark);
  }
  if (!run.getMicrobatch())
    return success();
  // What leaves the fragment stays while other microbatches run.
  for (auto [index, value] : llvm::enumerate(source.getReturn().getValues())) {
    Value place = fragments.placeOf(value);
    rt::BufferOp root = rt::rootBuffer(place);
    if (root && root.getKind() == rt::BufferKind::Temporary && !root.getSlots() &&
        !source.getInPlaceArgument(index))
      root.setSlots(microbatches);
  }
  return success();
}

LogicalResult RoleLowering::lowerRun(dist::RunOp run) {
  auto source = symbols.lookup<dist::FragmentOp>(run.getFragment());
  bool again = argumentsOf.contains(source);
  if (again && !run.getMicrobatch())
    return run.emitOpError("runs '")
           << source.getSymName() << "' a second time without a microbatch; a fragment "
           << "has its buffers once";
  if (!again && failed(lowerFragment(source, run)))
    return failure();
  for (auto [index, pair] :
       llvm::enumerate(llvm::zip_equal(run.getOperands(), argumentsOf[source]))) {
    auto [operand, memory] = pair;
    if (fragments.memory(operand) != memory)
      return run.emitOpError("gives '") << source.getSymName() << "' another buffer as argument "
                                        << index << " than the run before";
    IntegerAttr slot = microbatchOf.lookup(operand);
    if (slot && slot != run.getMicrobatchAttr())
      return run.emitOpError("gives '") << source.getSymName() << "' argument " << index
                                        << " of microbatch " << slot.getInt();
  }
  for (auto [result, value] :
       llvm::zip_equal(run.getResults(), source.getReturn().getValues()))
    setPlace(result, fragments.placeOf(value), run.getMicrobatchAttr());
  rt::RunOp::create(fragments.getBuilder(), run.getLoc(),
                    FlatSymbolRefAttr::get(source.getSymNameAttr()), run.getMicrobatchAttr());
  return success();
}

//===----------------------------------------------------------------------===//
// Communication
//===----------------------------------------------------------------------===//

void RoleLowering::copy(Location location, Value value, Value memory) {
  if (fragments.memory(value) == memory)
    return;
  fragments.setMicrobatch(microbatchOf.lookup(value));
  fragments.copy(location, fragments.memory(value), memory);
  fragments.setMicrobatch({});
}

Value RoleLowering::plain(Location location, Value value, MemRefType type) {
  Value memory = fragments.memory(value);
  if (memory.getType() == type && rt::rootBuffer(memory) && !rt::isPerMicrobatch(memory))
    return memory;
  auto name = memory.getDefiningOp()->getAttrOfType<StringAttr>("name");
  Value copied = fragments.createBuffer(location, (name.getValue() + ".sent").str(), rt::BufferKind::Temporary, type);
  copy(location, value, copied);
  return copied;
}

LogicalResult RoleLowering::lowerStart(StartLoweringOpInterface start) {
  FailureOr<Value> pending = start.lowerStart(*this);
  if (succeeded(pending))
    pendings[start->getResult(0)] = *pending;
  return pending;
}

LogicalResult RoleLowering::lowerWait(dist::WaitOp wait) {
  Value pending = pendings.lookup(wait.getPending());
  if (!pending)
    return wait.emitOpError("waits for something that this timeline did not begin");
  rt::WaitOp::create(fragments.getBuilder(), wait.getLoc(), pending);
  cast<StartLoweringOpInterface>(wait.getPending().getDefiningOp()).lowerWait(*this, wait);
  return success();
}

LogicalResult RoleLowering::lowerAtOnce(RuntimeLoweringOpInterface op) {
  for (Value operand : op->getOperands())
    if (microbatchOf.contains(operand))
      return op.emitOpError("of a microbatch stands in a fragment, or is started and awaited");
  return op.lowerToRuntime(fragments);
}

//===----------------------------------------------------------------------===//
// Microbatches
//===----------------------------------------------------------------------===//

LogicalResult RoleLowering::lowerMicrobatch(dist::MicrobatchOp rows) {
  Value batch = fragments.memory(rows.getBatch());
  MemRefType type = rowMajor(rows.getRows().getType());
  Value &view = rowsOf[{batch, type}];
  if (!view) {
    auto name = batch.getDefiningOp()->getAttrOfType<StringAttr>("name");
    view = fragments.createRows(rows.getLoc(), (name.getValue() + ".rows").str(), batch, type,
                                cast<MemRefType>(batch.getType()).getDimSize(0) /
                                    type.getDimSize(0));
  }
  setPlace(rows.getRows(), view, rows.getNumberAttr());
  return success();
}

LogicalResult RoleLowering::lowerZeros(dist::ZerosOp zeros) {
  Value memory = promised.lookup(zeros.getValue());
  if (!memory)
    memory = fragments.createBuffer(zeros.getLoc(), zeros.getName(),
                                    rt::BufferKind::Temporary, rowMajor(zeros.getType()));
  fragments.call(zeros.getLoc(), {}, memory, fragments.options("fill").argument("value", 0));
  setPlace(zeros.getValue(), memory);
  return success();
}

//===----------------------------------------------------------------------===//
// Timelines
//===----------------------------------------------------------------------===//

LogicalResult RoleLowering::lowerOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](dist::RunOp run) { return lowerRun(run); })
      .Case([&](StartLoweringOpInterface start) { return lowerStart(start); })
      .Case([&](dist::WaitOp wait) { return lowerWait(wait); })
      .Case([&](dist::MicrobatchOp rows) { return lowerMicrobatch(rows); })
      .Case([&](dist::ZerosOp zeros) { return lowerZeros(zeros); })
      .Default([&](Operation *other) -> LogicalResult {
        auto atOnce = dyn_cast<RuntimeLoweringOpInterface>(other);
        if (atOnce && isa<CommunicationOpInterface>(other))
          return lowerAtOnce(atOnce);
        return other->emitOpError("has no place in a timeline of rt");
      });
}

LogicalResult RoleLowering::lower(dist::TimelineOp timeline) {
  returned.clear();
  OpBuilder &builder = fragments.getBuilder();
  builder.setInsertionPointToEnd(&program.getBody().front());
  timelineOp = rt::TimelineOp::create(builder, timeline.getLoc(),
                                      timeline.getSymName(), timeline.getPhase());
  builder.setInsertionPointToStart(&timelineOp.getBody().emplaceBlock());
  microbatches = 1;
  for (auto run : timeline.getOps<dist::RunOp>())
    microbatches = std::max<int64_t>(microbatches, run.getMicrobatch().value_or(0) + 1);
  if (failed(bindArguments(timeline)))
    return failure();
  auto plan = [&](bool collectives) {
    for (auto start : timeline.getOps<StartLoweringOpInterface>())
      if (cast<CommunicationOpInterface>(start.getOperation()).isCollective() == collectives)
        start.planMemory(*this);
  };
  plan(true);
  planResults(timeline);
  plan(false);
  for (Operation &op : timeline.getBody().front().without_terminator())
    if (failed(lowerOp(&op)))
      return failure();
  return returnResults(timeline);
}

// Equal layers and equal microbatches become loops.
#include "BufferArrays.h"
#include "LayerParts.h"
#include "NameSeries.h"
#include "Printer.h"
#include "Repetition.h"

#include "dtc/Emit/Passes.h"

#include "mlir/IR/Builders.h"

namespace dtc {
#define GEN_PASS_DEF_ROLLREPETITIONPASS
#include "dtc/Emit/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

namespace {

/// Numbers for what is equal: the same words, the same number.
class Keys {
public:
  using Words = std::vector<uintptr_t>;
  unsigned of(Words words) {
    return numbers.try_emplace(std::move(words), numbers.size()).first->second;
  }

private:
  std::map<Words, unsigned> numbers;
};

uintptr_t word(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

/// Sends, or receives, of one message in the microbatches of a timeline.
struct Stream {
  SmallVector<CommunicationOpInterface> starts;
  /// No microbatch twice: its number says which start a wait belongs to.
  bool isKnownByMicrobatch = true;
};

/// The ops of a fragment or a timeline, and its loops.
struct Sequence {
  SmallVector<Operation *> ops;
  SmallVector<Repetition> repetitions;
};

class Roller {
public:
  explicit Roller(rt::ProgramOp program)
      : program(program), arrays(program), parts(program) {}
  void run();
  int64_t loops = 0, rolled = 0;

private:
  unsigned familyOf(Value memory);
  uintptr_t meaningOf(Value memory);
  void addTuples(ArrayRef<Value> inputs, size_t tuple);
  void addListed();
  void addDeclared();
  Sequence readFragment(rt::FragmentOp fragment);
  Sequence readTimeline(rt::TimelineOp timeline);
  void readStreams(rt::TimelineOp timeline);
  void keepByMicrobatch(rt::TimelineOp timeline, Sequence &sequence);
  void addColumns(Sequence &sequence);
  void roll(const Sequence &sequence);
  SmallVector<Value> columnOf(const Sequence &sequence,
                              const Repetition &repetition, size_t item,
                              unsigned operand) const;

  rt::ProgramOp program;
  BufferArrays arrays;
  LayerParts parts;
  Keys families, keys;
  /// Of the timeline that is read.
  llvm::DenseMap<Operation *, unsigned> streamOf;
  SmallVector<Stream> streams;
};

} // namespace

/// What buffers of one array have in common.
unsigned Roller::familyOf(Value memory) {
  rt::BufferOp root = rt::rootBuffer(memory);
  if (!root) // a constant
    return families.of({word(memory.getAsOpaquePointer())});
  return families.of({word(memory.getType().getAsOpaquePointer()),
                      static_cast<uintptr_t>(root.getKind()),
                      static_cast<uintptr_t>(Printer::slotsOf(memory)),
                      static_cast<uintptr_t>(strideOf(memory))});
}

/// What a buffer is in the model, whichever layer's: an array of weights has no
/// biases between them.
uintptr_t Roller::meaningOf(Value memory) {
  return word(StringAttr::get(program.getContext(), withoutNumbers(nameOf(memory))).getAsOpaquePointer());
}

static std::optional<int64_t> microbatchOf(Operation *op) {
  if (auto microbatch = op->getAttrOfType<IntegerAttr>("microbatch"))
    return microbatch.getInt();
  return std::nullopt;
}

/// All that an op says but its buffers, what it has of their names, and its
/// microbatch.
static std::vector<uintptr_t> wordsOf(Operation *op) {
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.erase("microbatch");
  auto communication = dyn_cast<CommunicationOpInterface>(op);
  if (communication && isNamedAsTensor(communication))
    attributes.erase("name");
  return {
      word(op->getName().getAsOpaquePointer()),
      word(attributes.getDictionary(op->getContext()).getAsOpaquePointer())};
}

//===----------------------------------------------------------------------===//
// What repeats
//===----------------------------------------------------------------------===//

/// Parameters, their gradients and states lie in the order in which the
/// optimizer takes them; so do wholes and parts of a collective.
void Roller::addTuples(ArrayRef<Value> inputs, size_t tuple) {
  SmallVector<SequenceItem> rows;
  for (size_t row = 0; row < inputs.size(); row += tuple) {
    std::vector<uintptr_t> words{meaningOf(inputs[row])};
    for (Value input : inputs.slice(row, tuple))
      words.push_back(familyOf(input));
    rows.push_back({keys.of(std::move(words))});
  }
  for (const Repetition &repetition : findRepetitions(rows))
    for (size_t i = 0; i < repetition.period; ++i)
      for (size_t place = 0; place < tuple; ++place) {
        SmallVector<Value> column;
        for (size_t row = repetition.begin + i; row < repetition.end();
             row += repetition.period)
          column.push_back(inputs[row * tuple + place]);
        arrays.add(column);
      }
}

void Roller::addListed() {
  program.walk([&](Operation *op) {
    if (auto call = dyn_cast<rt::CallOp>(op); call && call.getTuple())
      addTuples(llvm::to_vector(call.getTupleInputs()), *call.getTuple());
    auto communication = dyn_cast<CommunicationOpInterface>(op);
    if (!communication || !communication.hasTargets())
      return;
    SmallVector<Value> pairs;
    for (auto [source, target] : llvm::zip_equal(communication.getSources(),
                                                 communication.getTargets()))
      pairs.append({source, target});
    addTuples(pairs, 2);
  });
}

/// Parameters and states that no optimizer takes (frozen ones) are bound in the
/// order of their declarations.
void Roller::addDeclared() {
  for (rt::BufferKind kind :
       {rt::BufferKind::Parameter, rt::BufferKind::State}) {
    SmallVector<Value> buffers;
    SmallVector<SequenceItem> rows;
    for (auto buffer : program.getOps<rt::BufferOp>())
      if (buffer.getKind() == kind) {
        buffers.push_back(buffer.getMemory());
        rows.push_back(
            {keys.of({meaningOf(buffer.getMemory()), familyOf(buffer.getMemory()),
                      word(buffer.getInitAttr().getAsOpaquePointer())})});
      }
    for (const Repetition &repetition : findRepetitions(rows))
      for (size_t i = 0; i < repetition.period; ++i) {
        SmallVector<Value> column;
        for (size_t row = repetition.begin + i; row < repetition.end();
             row += repetition.period)
          column.push_back(buffers[row]);
        arrays.add(column);
      }
  }
}

Sequence Roller::readFragment(rt::FragmentOp fragment) {
  Sequence sequence;
  SmallVector<SequenceItem> items;
  for (Operation &op : fragment.getBody().front()) {
    sequence.ops.push_back(&op);
    std::vector<uintptr_t> words = wordsOf(&op);
    for (Value operand : op.getOperands())
      words.push_back(familyOf(operand));
    items.push_back({keys.of(std::move(words))});
  }
  SmallVector<LayerParts::Part> layers = parts.of(sequence.ops);
  sequence.repetitions = findRepetitions(
      items, [&](size_t i) { return i == 0 || !(layers[i] == layers[i - 1]); });
  return sequence;
}

void Roller::readStreams(rt::TimelineOp timeline) {
  streams.clear();
  streamOf.clear();
  std::map<std::vector<uintptr_t>, unsigned> known;
  std::vector<llvm::DenseSet<int64_t>> microbatches;
  for (auto start : timeline.getOps<CommunicationOpInterface>()) {
    std::vector<uintptr_t> words = wordsOf(start);
    for (Value operand : start->getOperands())
      words.push_back(word(operand.getAsOpaquePointer()));
    unsigned stream =
        known.try_emplace(std::move(words), streams.size()).first->second;
    if (stream == streams.size()) {
      streams.emplace_back();
      microbatches.emplace_back();
    }
    std::optional<int64_t> microbatch = microbatchOf(start);
    streams[stream].starts.push_back(start);
    streams[stream].isKnownByMicrobatch &=
        start.isStarted() && microbatch &&
        microbatches[stream].insert(*microbatch).second;
    streamOf[start] = stream;
  }
}

Sequence Roller::readTimeline(rt::TimelineOp timeline) {
  readStreams(timeline);
  Sequence sequence;
  SmallVector<SequenceItem> items;
  for (Operation &op : timeline.getBody().front()) {
    sequence.ops.push_back(&op);
    auto wait = dyn_cast<rt::WaitOp>(op);
    Operation *start = wait ? wait.getStarted().getOperation()
                       : isa<CommunicationOpInterface>(op) ? &op
                                                           : nullptr;
    if (start) {
      unsigned stream = streamOf.lookup(start);
      if (streams[stream].isKnownByMicrobatch)
        items.push_back(
            {keys.of({word(op.getName().getAsOpaquePointer()), stream}),
             microbatchOf(start)});
      else // which start a wait belongs to is known by name alone
        items.push_back({keys.of({word(&op)})});
      continue;
    }
    std::vector<uintptr_t> words = wordsOf(&op);
    for (Value operand : op.getOperands())
      words.push_back(familyOf(operand));
    items.push_back({keys.of(std::move(words)), microbatchOf(&op)});
  }
  sequence.repetitions = findRepetitions(
      items, [&](size_t i) { return isa<rt::RunOp>(sequence.ops[i]); });
  llvm::erase_if(sequence.repetitions, [](const Repetition &repetition) {
    return repetition.shift < 0;
  });
  return sequence;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// What an operand is in each run.
SmallVector<Value> Roller::columnOf(const Sequence &sequence,
                                    const Repetition &repetition, size_t item,
                                    unsigned operand) const {
  SmallVector<Value> column;
  for (size_t i = repetition.begin + item; i < repetition.end();
       i += repetition.period)
    column.push_back(sequence.ops[i]->getOperand(operand));
  return column;
}

/// Communication under way is found by its microbatch, not in an array of
/// buffers.
static bool isBuffer(Value operand) {
  return isa<MemRefType>(operand.getType());
}

void Roller::addColumns(Sequence &sequence) {
  llvm::erase_if(sequence.repetitions, [&](const Repetition &repetition) {
    SmallVector<SmallVector<Value>> columns;
    for (size_t item = 0; item < repetition.period; ++item)
      for (auto [i, operand] : llvm::enumerate(
               sequence.ops[repetition.begin + item]->getOperands()))
        if (isBuffer(operand))
          if (SmallVector<Value> column =
                  columnOf(sequence, repetition, item, i);
              !llvm::all_equal(column))
            columns.push_back(std::move(column));
    // The loop's variable counts microbatches, or else runs.
    if (repetition.shift > 1 && !columns.empty())
      return true;
    for (ArrayRef<Value> column : columns)
      arrays.add(column);
    return false;
  });
}

/// Of all streams that a loop starts or waits for.
void Roller::keepByMicrobatch(rt::TimelineOp timeline, Sequence &sequence) {
  llvm::SmallSetVector<unsigned, 8> kept;
  for (const Repetition &repetition : sequence.repetitions)
    for (size_t i = repetition.begin; i < repetition.begin + repetition.period;
         ++i) {
      Operation *op = sequence.ops[i];
      if (auto wait = dyn_cast<rt::WaitOp>(op))
        kept.insert(streamOf.lookup(wait.getStarted()));
      else if (isa<CommunicationOpInterface>(op))
        kept.insert(streamOf.lookup(op));
    }
  OpBuilder builder(timeline.getBody());
  llvm::DenseMap<Operation *, Operation *> replaced;
  for (unsigned stream : kept) {
    SmallVector<CommunicationOpInterface> &starts = streams[stream].starts;
    CommunicationOpInterface first = starts.front();
    int64_t count = 0;
    for (Operation *start : starts)
      count = std::max(count, *microbatchOf(start) + 1);
    std::string name =
        (first.getLabel() +
         (first.getCommunicationKind() == CommunicationKind::Send ? "_to_"
                                                                  : "_from_") +
         Twine(first.getPeerCoordinate().value_or(0)))
            .str();
    builder.setInsertionPointToStart(&timeline.getBody().front());
    Value pendings = rt::PendingsOp::create(
        builder, first->getLoc(),
        rt::PendingArrayType::get(program.getContext()), name, count);
    for (Operation *start : starts) {
      int64_t microbatch = *microbatchOf(start);
      for (Operation *user :
           llvm::make_early_inc_range(start->getResult(0).getUsers())) {
        builder.setInsertionPoint(user);
        replaced[user] = rt::WaitKeptOp::create(builder, user->getLoc(),
                                                pendings, microbatch);
        user->erase();
      }
      builder.setInsertionPointAfter(start);
      rt::KeepOp::create(builder, start->getLoc(), start->getResult(0),
                         pendings, microbatch);
    }
  }
  for (Operation *&op : sequence.ops)
    if (Operation *other = replaced.lookup(op))
      op = other;
}

/// An op, and what keeps what it has started: they move together.
static SmallVector<Operation *> withCompanion(Operation *op) {
  if (isa<CommunicationOpInterface>(op) &&
      isa_and_present<rt::KeepOp>(op->getNextNode()))
    return {op, op->getNextNode()};
  return {op};
}

void Roller::roll(const Sequence &sequence) {
  OpBuilder builder(program.getContext());
  SmallVector<LayerParts::Part> layers = parts.of(sequence.ops);
  for (const Repetition &repetition : sequence.repetitions) {
    builder.setInsertionPoint(sequence.ops[repetition.begin]);
    SmallVector<Attribute> names;
    bool isOfLayers =
        isa<rt::FragmentOp>(sequence.ops[repetition.begin]->getParentOp());
    for (size_t i = repetition.begin; isOfLayers && i < repetition.end();
         i += repetition.period)
      for (size_t item = i; item < i + repetition.period; ++item)
        if (layers[item].layer &&
            !llvm::is_contained(ArrayRef<Attribute>(names).take_back(1),
                                layers[item].layer))
          names.push_back(layers[item].layer);
    auto repeat = rt::RepeatOp::create(
        builder, sequence.ops[repetition.begin]->getLoc(), repetition.count,
        repetition.shift ? builder.getI64IntegerAttr(repetition.shift)
                         : IntegerAttr(),
        names.empty() ? ArrayAttr() : builder.getArrayAttr(names));
    Block &body = repeat.getBody().emplaceBlock();
    Value run = body.addArgument(builder.getIndexType(), repeat.getLoc());
    std::map<std::tuple<void *, int64_t, int64_t>, Value> elements;
    for (size_t item = 0; item < repetition.period; ++item) {
      Operation *op = sequence.ops[repetition.begin + item];
      SmallVector<std::pair<unsigned, Value>> replaced;
      for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
        if (!isBuffer(operand))
          continue;
        SmallVector<Value> column = columnOf(sequence, repetition, item, i);
        if (llvm::all_equal(column))
          continue;
        auto [array, at, step] = arrays.find(column);
        Value &element = elements[{array.getAsOpaquePointer(), at, step}];
        if (!element) {
          builder.setInsertionPointToEnd(&body);
          element = rt::ElementOp::create(
              builder, op->getLoc(), operand.getType(), array, run, at, step);
        }
        replaced.push_back({i, element});
      }
      for (Operation *moved : withCompanion(op))
        moved->moveBefore(&body, body.end());
      for (auto [i, element] : replaced)
        op->setOperand(i, element);
    }
    for (size_t i = repetition.end();
         i-- > repetition.begin + repetition.period;) {
      SmallVector<Operation *> repeated = withCompanion(sequence.ops[i]);
      for (Operation *erased : llvm::reverse(repeated))
        erased->erase();
    }
    ++loops;
    rolled += repetition.size();
  }
}

void Roller::run() {
  addListed();
  addDeclared();
  SmallVector<Sequence> sequences;
  for (auto fragment : program.getOps<rt::FragmentOp>()) {
    sequences.push_back(readFragment(fragment));
    addColumns(sequences.back());
  }
  for (auto timeline : program.getOps<rt::TimelineOp>()) {
    Sequence sequence = readTimeline(timeline);
    addColumns(sequence);
    keepByMicrobatch(timeline, sequence);
    sequences.push_back(std::move(sequence));
  }
  arrays.create();
  for (const Sequence &sequence : sequences)
    roll(sequence);
}

namespace {
struct RollRepetitionPass
    : dtc::impl::RollRepetitionPassBase<RollRepetitionPass> {
  void runOnOperation() override {
    rt::ProgramOp program = getOperation();
    if (!program.getArena()) {
      program.emitOpError("has no memory plan: run dtc-plan-memory first");
      return signalPassFailure();
    }
    Roller roller(program);
    roller.run();
    loops += roller.loops;
    rolled += roller.rolled;
    arrays += llvm::range_size(program.getOps<rt::ArrayOp>());
  }
};
} // namespace

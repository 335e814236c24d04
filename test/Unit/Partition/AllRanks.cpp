// Each rank goes on until it waits for what no rank has started yet.
#include "test/Unit/Partition/AllRanks.h"

#include <map>
#include <memory>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {

const Rules &allRules() {
  static const Rules rules = [] {
    Rules made;
    addElementwiseRules(made);
    addConvolutionRules(made);
    addMatmulRules(made);
    addPoolingRules(made);
    addShapeRules(made);
    addSoftmaxRules(made);
    addRandomRules(made);
    addGatherRules(made);
    addSampleNormalisationRules(made);
    addAttentionRules(made);
    addLossRules(made);
    addOptimizerRules(made);
    return made;
  }();
  return rules;
}

using Values = DenseMap<Value, Tensor>;

LogicalResult evaluateOp(Operation *op, Values &values) {
  auto rule = allRules().find(op->getName().getStringRef());
  if (rule == allRules().end())
    return op->emitError("no rule in the reference");
  SmallVector<const Tensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(&values.at(operand));
  Tensors results;
  for (Type type : op->getResultTypes())
    results.push_back(zeros(cast<ShapedType>(type).getShape()));
  if (failed(rule->second(op, operands, results)))
    return failure();
  for (auto [value, tensor] : llvm::zip_equal(op->getResults(), results))
    values[value] = std::move(tensor);
  return success();
}

struct Sent {
  dist::SendStartOp send;
  Tensor value;
};

/// The k-th collective of one group of ranks.
struct Round {
  std::map<int64_t, Tensors> parts; // by coordinate
};

/// What ranks have sent each other.
struct Network {
  std::map<std::pair<int64_t, int64_t>, std::vector<Sent>> messages; // sender, receiver
  std::map<std::pair<unsigned, int64_t>, std::vector<Round>> rounds; // axis, rank at coordinate 0
};

class Rank {
public:
  Rank(int64_t rank, dist::TimelineOp timeline, const Mesh &mesh, Network &network)
      : timeline(timeline), rank(rank), mesh(mesh), network(network) {
    frames.push_back(std::make_unique<Frame>(timeline.getBody().front()));
  }

  void setArgument(Value argument, Tensor value) { frames.front()->values[argument] = std::move(value); }
  /// Whether anything was done; nothing if an op failed.
  FailureOr<bool> advance();
  bool isDone() { return frames.size() == 1 && frames.front()->isAtEnd(); }
  Operation *current() { return &*frames.back()->next; }
  Tensors results() {
    Tensors all;
    for (Value value : timeline.getReturn().getValues())
      all.push_back(frames.front()->values.at(value));
    return all;
  }

  dist::TimelineOp timeline;

private:
  /// The timeline, and behind it the fragment that runs.
  struct Frame {
    explicit Frame(Block &block) : next(block.begin()), last(std::prev(block.end())) {}
    bool isAtEnd() const { return next == last; }
    Block::iterator next, last;
    Values values;
    dist::RunOp run;
  };

  /// False if it has to wait.
  FailureOr<bool> step(Operation *op, Values &values);
  LogicalResult compute(Operation *op, Values &values);
  void begin(dist::RunOp run, const Values &outside);
  void end(const Frame &inside, Values &outside);
  void bring(CommunicationOpInterface collective, const Values &values);
  FailureOr<bool> waitForMessage(dist::WaitOp wait, dist::RecvStartOp receive, Values &values);
  /// What `collective` gives, in `results`; false if not all have come.
  bool finish(CommunicationOpInterface collective, ResultRange results, Values &values);
  Tensor finishOne(CommunicationOpInterface collective, const Round &round, size_t index, Value result, int64_t coordinate);
  void takeRows(dist::MicrobatchOp rows, Values &values);

  int64_t rank;
  const Mesh &mesh;
  Network &network;
  std::vector<std::unique_ptr<Frame>> frames;
  /// How many there were before it. A collective in a fragment runs again with the fragment.
  DenseMap<Operation *, size_t> numberOf;
  std::map<int64_t, size_t> receivedFrom;
  std::map<unsigned, size_t> brought;
};

} // namespace

FailureOr<bool> Rank::advance() {
  bool moved = false;
  while (!isDone()) {
    Frame &frame = *frames.back();
    if (frame.isAtEnd()) {
      std::unique_ptr<Frame> inside = std::move(frames.back());
      frames.pop_back();
      end(*inside, frames.back()->values);
      ++frames.back()->next;
      continue;
    }
    if (auto run = dyn_cast<dist::RunOp>(*frame.next)) {
      begin(run, frame.values);
      moved = true;
      continue;
    }
    FailureOr<bool> done = step(&*frame.next, frame.values);
    if (failed(done))
      return failure();
    if (!*done)
      break;
    ++frame.next;
    moved = true;
  }
  return moved;
}

void Rank::begin(dist::RunOp run, const Values &outside) {
  auto fragment = SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(run, run.getFragmentAttr());
  Block &body = fragment.getBody().front();
  auto inside = std::make_unique<Frame>(body);
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), run.getOperands()))
    inside->values[argument] = outside.at(operand);
  inside->run = run;
  frames.push_back(std::move(inside));
}

void Rank::end(const Frame &inside, Values &outside) {
  auto returned = cast<dist::ReturnOp>(*inside.last);
  for (auto [result, value] : llvm::zip_equal(dist::RunOp(inside.run).getResults(), returned.getValues()))
    outside[result] = inside.values.at(value);
}

FailureOr<bool> Rank::step(Operation *op, Values &values) {
  if (auto send = dyn_cast<dist::SendStartOp>(op)) {
    int64_t to = mesh.rankAt(rank, *mesh.axisNamed(send.getAxis()), send.getPeer());
    network.messages[{rank, to}].push_back({send, values.at(send.getValue())});
  } else if (auto receive = dyn_cast<dist::RecvStartOp>(op)) {
    int64_t from = mesh.rankAt(rank, *mesh.axisNamed(receive.getAxis()), receive.getPeer());
    numberOf[op] = receivedFrom[from]++;
  } else if (auto collective = dyn_cast<CommunicationOpInterface>(op); collective && collective.isCollective()) {
    // One that does not wait here has its turn once; at once, it is tried until all have come.
    if (!numberOf.contains(op) || collective.isStarted())
      bring(collective, values);
    if (!collective.isStarted()) {
      if (!finish(collective, op->getResults(), values))
        return false;
      numberOf.erase(op);
    }
  } else if (auto wait = dyn_cast<dist::WaitOp>(op)) {
    Operation *begun = wait.getPending().getDefiningOp();
    if (auto receive = dyn_cast<dist::RecvStartOp>(begun))
      return waitForMessage(wait, receive, values);
    if (auto collective = dyn_cast<CommunicationOpInterface>(begun); collective && collective.isCollective())
      return finish(collective, op->getResults(), values);
  } else if (auto rows = dyn_cast<dist::MicrobatchOp>(op)) {
    takeRows(rows, values);
  } else if (isa<dist::ZerosOp>(op)) {
    values[op->getResult(0)] = zeros(cast<ShapedType>(op->getResult(0).getType()).getShape());
  } else if (failed(compute(op, values))) {
    return failure();
  }
  return true;
}

LogicalResult Rank::compute(Operation *op, Values &values) {
  auto part = dyn_cast<dist::PartOp>(op);
  if (!part)
    return evaluateOp(op, values);
  values[part.getResult()] = partOf(values.at(part.getValue()), part.getResult().getType().getShape(), part.getDimension(),
                                    mesh.coordinate(rank, *mesh.axisNamed(part.getAxis())));
  return success();
}

FailureOr<bool> Rank::waitForMessage(dist::WaitOp wait, dist::RecvStartOp receive, Values &values) {
  int64_t from = mesh.rankAt(rank, *mesh.axisNamed(receive.getAxis()), receive.getPeer());
  auto &sent = network.messages[{from, rank}];
  size_t number = numberOf.at(receive);
  if (number >= sent.size())
    return false;
  Sent &message = sent[number];
  if (message.send.getName() != receive.getName() ||
      message.send.getMicrobatch() != receive.getMicrobatch())
    return receive.emitOpError("gets '") << message.send.getName() << "'";
  values[wait.getValues().front()] = message.value;
  return true;
}

void Rank::bring(CommunicationOpInterface collective, const Values &values) {
  unsigned axis = *mesh.axisNamed(collective.getAxis());
  size_t number = numberOf[collective] = brought[axis]++;
  auto &rounds = network.rounds[{axis, mesh.rankAt(rank, axis, 0)}];
  rounds.resize(std::max(rounds.size(), number + 1));
  Tensors &part = rounds[number].parts[mesh.coordinate(rank, axis)];
  for (Value value : collective->getOperands())
    part.push_back(values.at(value));
}

bool Rank::finish(CommunicationOpInterface collective, ResultRange results, Values &values) {
  unsigned axis = *mesh.axisNamed(collective.getAxis());
  const Round &round = network.rounds[{axis, mesh.rankAt(rank, axis, 0)}][numberOf.at(collective)];
  if (static_cast<int64_t>(round.parts.size()) < mesh.axes[axis].size)
    return false;
  for (auto [index, value] : llvm::enumerate(results))
    values[value] = finishOne(collective, round, index, value, mesh.coordinate(rank, axis));
  return true;
}

Tensor Rank::finishOne(CommunicationOpInterface collective, const Round &round, size_t index, Value result, int64_t coordinate) {
  auto shape = cast<ShapedType>(result.getType()).getShape();
  std::optional<int64_t> dimension;
  if (auto along = collective->getAttrOfType<IntegerAttr>("dimension"))
    dimension = along.getInt();
  std::vector<const Tensor *> parts;
  for (const auto &[from, tensors] : round.parts)
    parts.push_back(&tensors[index]);
  switch (collective.getCommunicationKind()) {
  case CommunicationKind::AllGather:
    return putTogether(parts, shape, dimension);
  case CommunicationKind::AllToAll: {
    int64_t from = collective->getAttrOfType<IntegerAttr>("from").getInt(), to = collective->getAttrOfType<IntegerAttr>("to").getInt();
    std::vector<Tensor> mine;
    for (const Tensor *tensor : parts) {
      SmallVector<int64_t> piece(tensor->shape.begin(), tensor->shape.end());
      piece[to] /= parts.size();
      mine.push_back(partOf(*tensor, piece, to, coordinate));
    }
    std::vector<const Tensor *> pointers;
    for (const Tensor &tensor : mine)
      pointers.push_back(&tensor);
    return putTogether(pointers, shape, from);
  }
  default:
    break;
  }
  Tensor sum = zeros(parts.front()->shape);
  for (const Tensor *part : parts)
    for (size_t i = 0; i < sum.data.size(); ++i)
      sum.data[i] += part->data[i];
  return collective.getCommunicationKind() == CommunicationKind::ReduceScatter ? partOf(sum, shape, dimension, coordinate) : sum;
}

void Rank::takeRows(dist::MicrobatchOp rows, Values &values) {
  const Tensor &batch = values.at(rows.getBatch());
  Tensor part = zeros(cast<ShapedType>(rows.getRows().getType()).getShape());
  auto first = batch.data.begin() + rows.getNumber() * part.data.size();
  std::copy(first, first + part.data.size(), part.data.begin());
  values[rows.getRows()] = std::move(part);
}

/// Calls `visit(position in the whole, position in the part)` for the elements of a part; without a dimension of a piece in row-major order.
static void forEachElement(ArrayRef<int64_t> whole, ArrayRef<int64_t> part, std::optional<int64_t> dimension, int64_t coordinate,
                           llvm::function_ref<void(size_t, size_t)> visit) {
  int64_t elements = llvm::product_of(part), size = llvm::product_of(whole);
  int64_t inner = dimension ? llvm::product_of(part.drop_front(*dimension)) : elements;
  int64_t outerStride = dimension ? llvm::product_of(whole.drop_front(*dimension)) : size;
  for (int64_t i = 0; i < elements; ++i)
    if (int64_t at = i / inner * outerStride + coordinate * inner + i % inner; at < size)
      visit(at, i);
}

Tensor dtc::reference::partOf(const Tensor &whole, ArrayRef<int64_t> shape, std::optional<int64_t> dimension, int64_t coordinate) {
  Tensor part = zeros(shape);
  forEachElement(whole.shape, shape, dimension, coordinate, [&](size_t from, size_t to) { part.data[to] = whole.data[from]; });
  return part;
}

Tensor dtc::reference::putTogether(ArrayRef<const Tensor *> parts, ArrayRef<int64_t> shape, std::optional<int64_t> dimension) {
  Tensor whole = zeros(shape);
  for (auto [coordinate, part] : llvm::enumerate(parts))
    forEachElement(shape, part->shape, dimension, coordinate, [&, part = part](size_t to, size_t from) { whole.data[to] = part->data[from]; });
  return whole;
}


dist::TimelineOp dtc::reference::timelineOf(ModuleOp module, StringRef phase,
                                            const Mesh &mesh, int64_t rank) {
  for (auto timeline : module.getOps<dist::TimelineOp>()) {
    if (timeline.getPhase() != phase)
      continue;
    auto at = timeline->getAttrOfType<DictionaryAttr>(dist::names::at);
    if (!at || llvm::all_of(at, [&](NamedAttribute place) {
          return mesh.coordinate(rank, *mesh.axisNamed(place.getName())) ==
                 cast<IntegerAttr>(place.getValue()).getInt();
        }))
      return timeline;
  }
  return nullptr;
}

FailureOr<std::vector<RankResult>> dtc::reference::runAllRanks(
    ModuleOp module, StringRef phase,
    llvm::function_ref<Tensor(int64_t, dist::TimelineOp, unsigned)> argument) {
  auto mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  Network network;
  std::vector<std::unique_ptr<Rank>> ranks;
  for (int64_t number = 0; number < mesh->ranks(); ++number) {
    dist::TimelineOp timeline = timelineOf(module, phase, *mesh, number);
    if (!timeline)
      return module.emitError("rank ") << number << " has no timeline of '" << phase << "'";
    ranks.push_back(std::make_unique<Rank>(number, timeline, *mesh, network));
    for (auto [index, value] : llvm::enumerate(timeline.getBody().front().getArguments()))
      ranks.back()->setArgument(value, argument(number, timeline, index));
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (auto &rank : ranks) {
      FailureOr<bool> did = rank->advance();
      if (failed(did))
        return failure();
      moved |= *did;
    }
  }
  std::vector<RankResult> results;
  for (auto &rank : ranks) {
    if (!rank->isDone())
      return rank->current()->emitOpError("waits forever");
    results.push_back({rank->timeline, rank->results()});
  }
  return results;
}

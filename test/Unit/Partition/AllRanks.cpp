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
      : timeline(timeline), rank(rank), mesh(mesh), network(network),
        next(timeline.getBody().front().begin()) {}

  /// Whether anything was done; nothing if an op failed.
  FailureOr<bool> advance();
  bool isDone() { return next == std::prev(timeline.getBody().front().end()); }
  Operation *current() { return &*next; }
  Tensors results() {
    Tensors all;
    for (Value value : timeline.getReturn().getValues())
      all.push_back(values.at(value));
    return all;
  }

  Values values;
  dist::TimelineOp timeline;

private:
  /// False if it has to wait.
  FailureOr<bool> step(Operation *op);
  LogicalResult run(dist::RunOp run);
  FailureOr<bool> waitForMessage(dist::WaitOp wait, dist::RecvStartOp receive);
  bool waitForCollective(dist::WaitOp wait, dist::AllReduceStartOp start);
  void takeRows(dist::MicrobatchOp rows);

  int64_t rank;
  const Mesh &mesh;
  Network &network;
  Block::iterator next;
  /// How many there were before it.
  DenseMap<Operation *, size_t> numberOf;
  std::map<int64_t, size_t> receivedFrom;
  std::map<unsigned, size_t> reduced;
};

} // namespace

FailureOr<bool> Rank::advance() {
  bool moved = false;
  for (; !isDone(); ++next, moved = true) {
    FailureOr<bool> done = step(&*next);
    if (failed(done))
      return failure();
    if (!*done)
      break;
  }
  return moved;
}

FailureOr<bool> Rank::step(Operation *op) {
  if (auto runOp = dyn_cast<dist::RunOp>(op)) {
    if (failed(run(runOp)))
      return failure();
  } else if (auto send = dyn_cast<dist::SendStartOp>(op)) {
    int64_t to = mesh.rankAt(rank, *mesh.axisNamed(send.getAxis()), send.getPeer());
    network.messages[{rank, to}].push_back({send, values.at(send.getValue())});
  } else if (auto receive = dyn_cast<dist::RecvStartOp>(op)) {
    int64_t from = mesh.rankAt(rank, *mesh.axisNamed(receive.getAxis()), receive.getPeer());
    numberOf[op] = receivedFrom[from]++;
  } else if (auto start = dyn_cast<dist::AllReduceStartOp>(op)) {
    unsigned axis = *mesh.axisNamed(start.getAxis());
    size_t number = numberOf[op] = reduced[axis]++;
    auto &rounds = network.rounds[{axis, mesh.rankAt(rank, axis, 0)}];
    rounds.resize(std::max(rounds.size(), number + 1));
    Tensors &part = rounds[number].parts[mesh.coordinate(rank, axis)];
    for (Value value : start.getValues())
      part.push_back(values.at(value));
  } else if (auto wait = dyn_cast<dist::WaitOp>(op)) {
    Operation *begun = wait.getPending().getDefiningOp();
    if (auto receive = dyn_cast<dist::RecvStartOp>(begun))
      return waitForMessage(wait, receive);
    if (auto reduce = dyn_cast<dist::AllReduceStartOp>(begun))
      return waitForCollective(wait, reduce);
  } else if (auto rows = dyn_cast<dist::MicrobatchOp>(op)) {
    takeRows(rows);
  } else if (isa<dist::ZerosOp>(op)) {
    values[op->getResult(0)] = zeros(cast<ShapedType>(op->getResult(0).getType()).getShape());
  } else if (failed(evaluateOp(op, values))) {
    return failure();
  }
  return true;
}

LogicalResult Rank::run(dist::RunOp run) {
  auto fragment =
      SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(run, run.getFragmentAttr());
  Block &body = fragment.getBody().front();
  Values inside;
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), run.getOperands()))
    inside[argument] = values.at(operand);
  for (Operation &op : body.without_terminator())
    if (failed(evaluateOp(&op, inside)))
      return failure();
  for (auto [result, value] :
       llvm::zip_equal(run.getResults(), fragment.getReturn().getValues()))
    values[result] = inside.at(value);
  return success();
}

FailureOr<bool> Rank::waitForMessage(dist::WaitOp wait, dist::RecvStartOp receive) {
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

bool Rank::waitForCollective(dist::WaitOp wait, dist::AllReduceStartOp start) {
  unsigned axis = *mesh.axisNamed(start.getAxis());
  const Round &round =
      network.rounds[{axis, mesh.rankAt(rank, axis, 0)}][numberOf.at(start)];
  if (static_cast<int64_t>(round.parts.size()) < mesh.axes[axis].size)
    return false;
  for (auto [index, value] : llvm::enumerate(wait.getValues())) {
    Tensor sum = zeros(cast<ShapedType>(value.getType()).getShape());
    for (const auto &[coordinate, part] : round.parts)
      for (size_t i = 0; i < sum.data.size(); ++i)
        sum.data[i] += part[index].data[i];
    values[value] = std::move(sum);
  }
  return true;
}

void Rank::takeRows(dist::MicrobatchOp rows) {
  const Tensor &batch = values.at(rows.getBatch());
  Tensor part = zeros(cast<ShapedType>(rows.getRows().getType()).getShape());
  auto first = batch.data.begin() + rows.getNumber() * part.data.size();
  std::copy(first, first + part.data.size(), part.data.begin());
  values[rows.getRows()] = std::move(part);
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
      ranks.back()->values[value] = argument(number, timeline, index);
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

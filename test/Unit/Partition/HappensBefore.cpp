// Nodes, edges and Kahn's algorithm.
#include "HappensBefore.h"

#include "dialects/Dist/Dist.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/Support/raw_ostream.h"

#include <deque>
#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::test;

namespace {
/// One direction of one pair of ranks, or a collective's group.
using Partners = std::tuple<std::string, int64_t, int64_t>;

struct Item {
  std::string what;
  size_t start;
  std::optional<size_t> wait;
};

struct Graph {
  explicit Graph(ModuleOp module);
  bool acyclic() const;

  size_t nodes = 0;
  /// Waits of collectives keep the order of the starts.
  bool inOrder = true;
  std::vector<std::pair<size_t, size_t>> edges;
  /// By partners and by rank.
  std::map<Partners, std::map<int64_t, std::vector<Item>>> traffic;
  /// The two ends of a channel; all of a group.
  std::map<Partners, size_t> members;
};
} // namespace

template <typename... Parts>
static std::string show(const Parts &...parts) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ((os << parts << ' '), ...);
  return text;
}

Graph::Graph(ModuleOp module) {
  auto grid = *module.getOps<shard::GridOp>().begin();
  int64_t data = grid.getShape()[0], pipe = grid.getShape()[1];
  for (auto timeline : module.getOps<dist::TimelineOp>()) {
    auto at = timeline->getAttrOfType<DictionaryAttr>("dist.at");
    int64_t stage = cast<IntegerAttr>(at.get("pipe")).getInt();
    for (int64_t replica = 0; replica < data; ++replica) {
      int64_t rank = replica * pipe + stage;
      std::map<Operation *, std::pair<Partners, size_t>> items;
      std::deque<Operation *> collectives;
      bool first = true;
      for (Operation &op : timeline.getBody().front()) {
        if (!first)
          edges.push_back({nodes - 1, nodes});
        first = false;
        size_t node = nodes++;
        auto add = [&](Partners partners, size_t count, std::string what) {
          members[partners] = count;
          std::vector<Item> &list = traffic[partners][rank];
          items[&op] = {partners, list.size()};
          list.push_back({what, node, std::nullopt});
          if (std::get<0>(partners) != "message")
            collectives.push_back(&op);
        };
        if (auto send = dyn_cast<dist::SendStartOp>(op))
          add({"message", rank, replica * pipe + send.getPeer()}, 2,
              show(send.getName(), send.getMicrobatch().value_or(-1), send.getValue().getType()));
        if (auto receive = dyn_cast<dist::RecvStartOp>(op))
          add({"message", replica * pipe + receive.getPeer(), rank}, 2,
              show(receive.getName(), receive.getMicrobatch().value_or(-1),
                   receive.getPending().getType().getTypes()[0]));
        if (auto start = dyn_cast<CommunicationOpInterface>(op); start && start.isCollective()) {
          bool along = start.getAxis() == "data";
          add({start.getAxis().str(), along ? stage : replica, 0}, along ? data : pipe,
              show(op.getName(), start.getLabel(), start.getReductionWord(), start.getTerms(), op.getOperandTypes(),
                   cast<dist::PendingType>(op.getResult(0).getType())));
        }
        if (auto wait = dyn_cast<dist::WaitOp>(op)) {
          auto [partners, index] = items.at(wait.getPending().getDefiningOp());
          traffic[partners][rank][index].wait = node;
          if (std::get<0>(partners) != "message" && !collectives.empty()) {
            inOrder &= collectives.front() == wait.getPending().getDefiningOp();
            collectives.pop_front();
          }
        }
      }
    }
  }
}

bool Graph::acyclic() const {
  std::vector<std::vector<size_t>> next(nodes);
  std::vector<size_t> missing(nodes, 0);
  for (auto [from, to] : edges) {
    next[from].push_back(to);
    ++missing[to];
  }
  std::vector<size_t> ready;
  for (size_t node = 0; node < nodes; ++node)
    if (!missing[node])
      ready.push_back(node);
  size_t done = 0;
  while (!ready.empty()) {
    size_t node = ready.back();
    ready.pop_back();
    ++done;
    for (size_t to : next[node])
      if (--missing[to] == 0)
        ready.push_back(to);
  }
  return done == nodes;
}

Verdict dtc::test::judge(ModuleOp module) {
  Graph graph(module);
  if (!graph.inOrder)
    return Verdict::Unmatched;
  for (auto &[partners, ranks] : graph.traffic) {
    auto &[kind, from, to] = partners;
    std::erase_if(ranks, [](auto &entry) { return entry.second.empty(); });
    if (ranks.size() != graph.members[partners])
      return Verdict::Unmatched;
    const std::vector<Item> &one = ranks.begin()->second;
    for (auto &[rank, items] : ranks) {
      if (items.size() != one.size())
        return Verdict::Unmatched;
      for (size_t k = 0; k < items.size(); ++k)
        if (items[k].what != one[k].what || !items[k].wait)
          return Verdict::Unmatched;
    }
    if (kind == "message") {
      auto &sends = ranks.at(from), &receives = ranks.at(to);
      for (size_t k = 0; k < sends.size(); ++k) {
        graph.edges.push_back({sends[k].start, *receives[k].wait});
        // The receiver has come to its wait when the op before it is done.
        graph.edges.push_back({*receives[k].wait - 1, *sends[k].wait});
      }
      continue;
    }
    for (auto &[rank, items] : ranks)
      for (auto &[other, theirs] : ranks)
        for (size_t k = 0; k < items.size(); ++k)
          graph.edges.push_back({theirs[k].start, *items[k].wait});
  }
  return graph.acyclic() ? Verdict::Safe : Verdict::Cyclic;
}

std::vector<std::string> dtc::test::trafficOf(ModuleOp module) {
  std::vector<std::string> lines;
  Graph graph(module);
  for (auto &[partners, ranks] : graph.traffic)
    for (auto &[rank, items] : ranks)
      for (auto [k, item] : llvm::enumerate(items)) {
        auto [kind, from, to] = partners;
        lines.push_back(show(kind, from, to, rank, kind == "message" ? k : 0, item.what));
      }
  llvm::sort(lines);
  return lines;
}

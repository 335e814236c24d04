// Linear orders of a graph in which good cuts are likely.
#include "lib/Partition/Stages/StageSearch.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <queue>
#include <random>

using namespace dtc;
using namespace dtc::stages;

// Small graphs have time for orders that are good for no reason.
static constexpr unsigned maxRandomOrders = 16, fewPositions = 1 << 14;

namespace {

/// Which nodes have all they read, as nodes are taken one by one (Kahn 1962).
class Ready {
public:
  explicit Ready(const Problem &problem) : problem(problem), missing(problem.nodes) {
    for (unsigned node = 0; node < problem.nodes; ++node)
      missing[node] = problem.inputs[node].size();
  }

  bool atFirst(unsigned node) const { return problem.inputs[node].empty(); }

  template <typename Callback>
  void take(unsigned node, Callback becomesReady) {
    for (unsigned value : problem.outputs[node])
      for (unsigned reader : problem.readers[value])
        if (--missing[reader] == 0)
          becomesReady(reader);
  }

private:
  const Problem &problem;
  std::vector<unsigned> missing;
};

Order programOrder(const Problem &problem) {
  Order order(problem.nodes);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// The oldest ready node first, or the newest.
Order firstReady(const Problem &problem, bool newest) {
  Ready ready(problem);
  std::deque<unsigned> waiting;
  for (unsigned node = 0; node < problem.nodes; ++node)
    if (ready.atFirst(node))
      waiting.push_back(node);
  if (newest)
    std::reverse(waiting.begin(), waiting.end());
  Order order;
  while (!waiting.empty()) {
    unsigned node = newest ? waiting.back() : waiting.front();
    newest ? waiting.pop_back() : waiting.pop_front();
    order.push_back(node);
    ready.take(node, [&](unsigned reader) { waiting.push_back(reader); });
  }
  return order;
}

/// Every node just before the first that reads it: depth-first from the ends.
Order onDemand(const Problem &problem) {
  Order order;
  std::vector<bool> taken(problem.nodes);
  std::vector<std::pair<unsigned, unsigned>> path; // a node, and its next input
  for (unsigned last = 0; last < problem.nodes; ++last) {
    if (!problem.outputs[last].empty())
      continue;
    path.emplace_back(last, 0);
    while (!path.empty()) {
      auto &[node, next] = path.back();
      llvm::ArrayRef<unsigned> inputs = problem.inputs[node];
      if (taken[node] || next == inputs.size()) {
        if (!taken[node])
          order.push_back(node);
        taken[node] = true;
        path.pop_back();
        continue;
      }
      unsigned producer = problem.values[inputs[next++]].producer;
      if (!taken[producer])
        path.emplace_back(producer, 0);
    }
  }
  return order;
}

/// Always the ready node after which the fewest bytes are live.
Order fewestLiveBytes(const Problem &problem) {
  Ready ready(problem);
  // Readers that a value waits for: how many, and the sum of their numbers, which
  // is the last one's number when one is left.
  std::vector<unsigned> waiting(problem.values.size());
  std::vector<uint64_t> sum(problem.values.size());
  std::vector<int64_t> growth(problem.nodes);
  std::vector<bool> isReady(problem.nodes), taken(problem.nodes);
  for (auto [number, value] : llvm::enumerate(problem.values)) {
    llvm::ArrayRef<unsigned> readers = problem.readers[number];
    waiting[number] = readers.size();
    sum[number] = std::accumulate(readers.begin(), readers.end(), uint64_t(0));
    growth[value.producer] += value.bytes;
    if (readers.size() == 1)
      growth[readers.front()] -= value.bytes;
  }

  using Entry = std::pair<int64_t, unsigned>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue;
  auto push = [&](unsigned node) {
    isReady[node] = true;
    queue.emplace(growth[node], node);
  };
  for (unsigned node = 0; node < problem.nodes; ++node)
    if (ready.atFirst(node))
      push(node);
  Order order;
  while (!queue.empty()) {
    auto [bytes, node] = queue.top();
    queue.pop();
    if (taken[node] || bytes != growth[node])
      continue; // it was pushed again with fewer
    taken[node] = true;
    order.push_back(node);
    for (unsigned value : problem.inputs[node]) {
      sum[value] -= node;
      if (--waiting[value] != 1)
        continue;
      unsigned last = sum[value];
      growth[last] -= problem.values[value].bytes;
      if (isReady[last])
        push(last);
    }
    ready.take(node, push);
  }
  return order;
}

} // namespace

/// Any ready node.
static Order anyReady(const Problem &problem, std::mt19937 &engine) {
  Ready ready(problem);
  std::vector<unsigned> waiting;
  for (unsigned node = 0; node < problem.nodes; ++node)
    if (ready.atFirst(node))
      waiting.push_back(node);
  Order order;
  while (!waiting.empty()) {
    // The generator's own numbers: a distribution's differ from library to library.
    std::swap(waiting[engine() % waiting.size()], waiting.back());
    unsigned node = waiting.back();
    waiting.pop_back();
    order.push_back(node);
    ready.take(node, [&](unsigned reader) { waiting.push_back(reader); });
  }
  return order;
}

std::vector<NamedOrder> stages::linearOrders(const Problem &problem) {
  std::vector<NamedOrder> orders = {{"the program's order", programOrder(problem)},
          {"the depth-first order", firstReady(problem, /*newest=*/true)},
          {"the breadth-first order", firstReady(problem, /*newest=*/false)},
          {"the order on demand", onDemand(problem)},
          {"the order of fewest live bytes", fewestLiveBytes(problem)}};
  std::mt19937 engine(1);
  for (unsigned i = 0; i < maxRandomOrders && problem.nodes * problem.stages <= fewPositions; ++i)
    orders.push_back({"a random order", anyReady(problem, engine)});
  return orders;
}

Order stages::orderByStage(const Problem &problem, const Assignment &stageOf) {
  Order order = programOrder(problem);
  llvm::stable_sort(order, [&](unsigned a, unsigned b) { return stageOf[a] < stageOf[b]; });
  return order;
}

// The exact search: dynamic programming over down-sets.
//
// A down-set holds all that its nodes read, so the stages before a border are one, and a
// stage is the difference of two:
//
//     {} = D0  <  D1  <  ...  <  DK = all        stage k = D(k+1) \ D(k)
//
// What a stage costs depends on the two alone. From each D all larger ones are visited
// node by node, and a stage that is too slow or too large is not grown further, since
// growing only adds to it. With the time of a good cut as the limit little is left.
#include "lib/Partition/Stages/StageSearch.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <random>

using namespace dtc;
using namespace dtc::stages;

// Keeps the search within some seconds, and the sets within 128 MiB.
static constexpr uint64_t maxVisits = 40'000'000;
static constexpr size_t maxWords = size_t(8) << 20, maxSteps = size_t(8) << 20;

struct DownSets::Lattice {
  /// A set with one node more.
  struct Step {
    unsigned node, set;
  };

  const Problem &problem;
  unsigned words;
  bool complete = false;
  /// By set: its bits (`words` for each), its size, its work, the steps from it.
  std::vector<uint64_t> bits;
  std::vector<unsigned> sizes;
  std::vector<double> work;
  std::vector<std::vector<Step>> steps;

  Lattice(const Problem &problem, size_t most)
      : problem(problem), words((problem.nodes + 63) / 64) {
    if (problem.nodes < most)
      complete = enumerate(most);
  }

  bool has(unsigned set, unsigned node) const {
    return bits[size_t(set) * words + node / 64] >> (node % 64) & 1;
  }
  size_t size() const { return sizes.size(); }

private:
  size_t stepsInAll = 0;

  bool enumerate(size_t most);
  std::vector<Step> stepsAfter(unsigned set, unsigned node, unsigned next) const;
  bool isReady(unsigned set, unsigned node) const {
    return llvm::all_of(problem.inputs[node],
                        [&](unsigned value) { return has(set, problem.values[value].producer); });
  }
};

/// What can be added to `next`, which is `set` and `node`.
std::vector<DownSets::Lattice::Step>
DownSets::Lattice::stepsAfter(unsigned set, unsigned node, unsigned next) const {
  std::vector<unsigned> ready;
  for (const Step &step : steps[set])
    if (step.node != node)
      ready.push_back(step.node);
  size_t others = ready.size();
  for (unsigned value : problem.outputs[node])
    for (unsigned reader : problem.readers[value])
      if (isReady(next, reader))
        ready.push_back(reader);
  // A node may read several of `node`'s values.
  std::sort(ready.begin() + others, ready.end());
  ready.erase(std::unique(ready.begin() + others, ready.end()), ready.end());
  std::vector<Step> following;
  for (unsigned reader : ready)
    following.push_back({reader, 0});
  return following;
}

bool DownSets::Lattice::enumerate(size_t most) {
  // A set's key is the exclusive or of its nodes' keys (Zobrist 1970).
  std::mt19937_64 engine(1);
  std::vector<uint64_t> keys(problem.nodes);
  for (uint64_t &key : keys)
    key = engine() >> 1; // never one of DenseMap's two own
  std::vector<uint64_t> keyOf = {0};
  llvm::DenseMap<uint64_t, unsigned> setOf = {{0, 0}};

  bits.assign(words, 0);
  sizes = {0};
  work = {0};
  steps.emplace_back();
  for (unsigned node = 0; node < problem.nodes; ++node)
    if (isReady(0, node))
      steps[0].push_back({node, 0});
  for (unsigned set = 0; set < sizes.size(); ++set)
    for (size_t i = 0; i < steps[set].size(); ++i) {
      unsigned node = steps[set][i].node;
      uint64_t key = keyOf[set] ^ keys[node];
      auto [entry, isNew] = setOf.try_emplace(key, sizes.size());
      steps[set][i].set = entry->second;
      if (!isNew) {
        if (sizes[entry->second] != sizes[set] + 1 || !has(entry->second, node))
          return false; // two sets of one key
        continue;
      }
      if (sizes.size() == most || bits.size() + words > maxWords)
        return false;
      unsigned next = sizes.size();
      keyOf.push_back(key);
      sizes.push_back(sizes[set] + 1);
      work.push_back(work[set] + problem.work[node]);
      bits.resize(bits.size() + words);
      std::copy_n(bits.begin() + size_t(set) * words, words, bits.end() - words);
      bits[size_t(next) * words + node / 64] |= uint64_t(1) << (node % 64);
      steps.push_back(stepsAfter(set, node, next));
      if ((stepsInAll += steps.back().size()) > maxSteps)
        return false;
    }
  return true;
}

namespace {

/// The best way to each set by so many stages.
struct Layer {
  std::vector<double> best;
  std::vector<unsigned> before;
  std::vector<unsigned> reached;
};

} // namespace

/// One search: its goal and limits, and the state of the stage that grows.
struct DownSets::Search {
  const Lattice &lattice;
  const Problem &problem;
  Goal goal;
  Limits limits;
  uint64_t visits = 0;
  bool givenUp = false;

  // The stage that grows, from set `from`.
  unsigned stage = 0, from = 0;
  double bestBefore = 0;
  Load load;
  std::vector<unsigned> readersInside;
  std::vector<unsigned> visited; // set -> the last growth that met it
  unsigned growth = 0;
  std::vector<Layer> layers;
  std::vector<double> speedAfter;

  Search(const Lattice &lattice, Goal goal, Limits limits)
      : lattice(lattice), problem(lattice.problem), goal(goal), limits(limits),
        readersInside(problem.values.size()), visited(lattice.size()),
        layers(problem.stages + 1), speedAfter(problem.stages + 1) {
    for (unsigned stage = problem.stages; stage-- > 0;)
      speedAfter[stage] = speedAfter[stage + 1] + problem.speed[stage];
  }

  Answer run();

private:
  bool inTime(double seconds) const {
    return limits.orEqual ? seconds <= limits.seconds : seconds < limits.seconds;
  }
  bool stageFits() const {
    return inTime(problem.seconds(load, stage)) && problem.memoryOf(load, stage) <= limits.memory;
  }
  double valueOf() const {
    switch (goal) {
    case Goal::Seconds:
      return std::max(bestBefore, problem.seconds(load, stage));
    case Goal::Bytes:
      return bestBefore + load.bytes;
    case Goal::Memory:
      return std::max<double>(bestBefore, problem.memoryOf(load, stage));
    }
    return 0;
  }
  /// Whether what is left can be done by the later stages at all.
  bool canEnd(unsigned set) const {
    unsigned later = problem.stages - 1 - stage;
    if (problem.nodes - lattice.sizes[set] < later)
      return false;
    if (later == 0)
      return lattice.sizes[set] == problem.nodes;
    double left = lattice.work.back() - lattice.work[set];
    return inTime(left / speedAfter[stage + 1] * (1 - 1e-9));
  }

  void add(unsigned node);
  void remove(unsigned node);
  void grow(unsigned set);
  void note(unsigned set);
  Assignment traceBack() const;
};

void DownSets::Search::add(unsigned node) {
  load.work += problem.work[node];
  load.parameters += problem.parameters[node];
  load.saved += problem.saved[node];
  for (unsigned value : problem.inputs[node])
    if (readersInside[value]++ == 0 && lattice.has(from, problem.values[value].producer)) {
      load.transfer += problem.values[value].seconds;
      load.bytes += problem.values[value].bytes;
    }
}

void DownSets::Search::remove(unsigned node) {
  load.work -= problem.work[node];
  load.parameters -= problem.parameters[node];
  load.saved -= problem.saved[node];
  for (unsigned value : problem.inputs[node])
    if (--readersInside[value] == 0 && lattice.has(from, problem.values[value].producer)) {
      load.transfer -= problem.values[value].seconds;
      load.bytes -= problem.values[value].bytes;
    }
}

void DownSets::Search::note(unsigned set) {
  if (!canEnd(set))
    return;
  Layer &next = layers[stage + 1];
  double value = valueOf();
  if (next.best[set] == std::numeric_limits<double>::infinity())
    next.reached.push_back(set);
  if (value < next.best[set]) {
    next.best[set] = value;
    next.before[set] = from;
  }
}

/// Visits all that can be added to `set` while the stage fits. The path is a stack
/// of its own, since stages may be as long as the graph.
void DownSets::Search::grow(unsigned start) {
  struct Place {
    unsigned set;
    size_t next;
    unsigned node; // added to reach it
  };
  std::vector<Place> path = {{start, 0, 0}};
  ++growth;
  while (!path.empty()) {
    Place &place = path.back();
    if (place.next == lattice.steps[place.set].size()) {
      if (path.size() > 1)
        remove(place.node);
      path.pop_back();
      continue;
    }
    auto [node, set] = lattice.steps[place.set][place.next++];
    if (std::exchange(visited[set], growth) == growth)
      continue;
    if (++visits > maxVisits) {
      givenUp = true;
      return;
    }
    add(node);
    if (!stageFits()) {
      remove(node);
      continue;
    }
    note(set);
    path.push_back({set, 0, node});
  }
}

DownSets::Answer DownSets::Search::run() {
  for (Layer &layer : layers) {
    layer.best.assign(lattice.size(), std::numeric_limits<double>::infinity());
    layer.before.assign(lattice.size(), 0);
  }
  layers[0].best[0] = 0;
  layers[0].reached = {0};
  for (stage = 0; stage < problem.stages; ++stage)
    for (unsigned set : layers[stage].reached) {
      from = set;
      bestBefore = layers[stage].best[set];
      grow(set);
      if (givenUp)
        return {std::nullopt, false};
    }
  if (layers.back().reached.empty())
    return {std::nullopt, true};
  return {traceBack(), true};
}

Assignment DownSets::Search::traceBack() const {
  Assignment stageOf(problem.nodes);
  unsigned set = lattice.size() - 1; // the last enumerated is the largest
  for (unsigned stage = problem.stages; stage-- > 0;) {
    unsigned before = layers[stage + 1].before[set];
    for (unsigned node = 0; node < problem.nodes; ++node)
      if (lattice.has(set, node) && !lattice.has(before, node))
        stageOf[node] = stage;
    set = before;
  }
  return stageOf;
}

DownSets::DownSets(const Problem &problem, size_t most)
    : lattice(std::make_unique<Lattice>(problem, most)) {}
DownSets::~DownSets() = default;

bool DownSets::complete() const { return lattice->complete; }
size_t DownSets::size() const { return lattice->size(); }

DownSets::Answer DownSets::search(Goal goal, Limits limits) const {
  return Search(*lattice, goal, limits).run();
}

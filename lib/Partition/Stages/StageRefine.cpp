// Local search: nodes move to other stages, one at a time (in the manner of Fiduccia
// and Mattheyses, DAC 1982, with only those moves that the graph's order allows).
#include "lib/Partition/Stages/StageSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>

using namespace dtc;
using namespace dtc::stages;

namespace {

// Each round looks at every node; few rounds change anything.
constexpr unsigned maxRounds = 12;

class Refiner {
public:
  Refiner(const Problem &problem, Assignment &stageOf)
      : problem(problem), stageOf(stageOf), loads(problem.loads(stageOf)), count(problem.stages),
        deviceMemory(problem.devices), readersIn(problem.values.size()) {
    for (unsigned node = 0; node < problem.nodes; ++node)
      ++count[stageOf[node]];
    for (auto [stage, load] : llvm::enumerate(loads))
      deviceMemory[problem.deviceOf(stage)] += problem.memoryOf(load, stage);
    for (unsigned value = 0; value < problem.values.size(); ++value)
      for (unsigned reader : problem.readers[value])
        addReader(value, stageOf[reader], 1);
  }

  void run() {
    for (unsigned round = 0; round < maxRounds; ++round) {
      unsigned moves = sweep(round % 2, &Refiner::evens);
      if (!moves)
        break;
    }
    limit = qualityOf(problem, loads).seconds;
    for (unsigned round = 0; round < maxRounds; ++round)
      if (!sweep(round % 2, &Refiner::savesBytes))
        break;
  }

private:
  struct Readers {
    unsigned stage, count;
  };
  /// What a move changes of a stage.
  struct Change {
    unsigned stage;
    double transfer = 0;
    int64_t bytes = 0;
  };
  using Changes = llvm::SmallVector<Change, 4>;

  void addReader(unsigned value, unsigned stage, int by) {
    auto &row = readersIn[value];
    auto *entry = llvm::find_if(row, [&](const Readers &entry) { return entry.stage == stage; });
    if (entry == row.end())
      row.push_back({stage, unsigned(by)});
    else if ((entry->count += by) == 0)
      row.erase(entry);
  }
  unsigned readers(unsigned value, unsigned stage) const {
    for (const Readers &entry : readersIn[value])
      if (entry.stage == stage)
        return entry.count;
    return 0;
  }

  /// The stages that the graph's order leaves to a node: from the last of those
  /// that it reads from to the first of those that read from it.
  std::pair<unsigned, unsigned> rangeOf(unsigned node) const {
    unsigned least = 0, most = problem.stages - 1;
    for (unsigned value : problem.inputs[node])
      least = std::max(least, stageOf[problem.values[value].producer]);
    for (unsigned value : problem.outputs[node])
      for (const Readers &entry : readersIn[value])
        most = std::min(most, entry.stage);
    return {least, most};
  }

  Changes changesOf(unsigned node, unsigned to) const {
    unsigned from = stageOf[node];
    Changes changes = {{from}, {to}};
    auto add = [&](unsigned stage, unsigned value, int sign) {
      auto *change =
          llvm::find_if(changes, [&](const Change &change) { return change.stage == stage; });
      if (change == changes.end())
        change = &changes.emplace_back(Change{stage});
      change->transfer += sign * problem.values[value].seconds;
      change->bytes += sign * problem.values[value].bytes;
    };
    auto sent = [&](unsigned a, unsigned b) {
      return problem.deviceOf(a) != problem.deviceOf(b);
    };
    for (unsigned value : problem.inputs[node]) {
      unsigned source = stageOf[problem.values[value].producer];
      if (sent(source, from) && readers(value, from) == 1)
        add(from, value, -1);
      if (sent(source, to) && readers(value, to) == 0)
        add(to, value, 1);
    }
    for (unsigned value : problem.outputs[node])
      for (const Readers &entry : readersIn[value])
        if (int sign = int(sent(to, entry.stage)) - int(sent(from, entry.stage)))
          add(entry.stage, value, sign);
    return changes;
  }

  /// The load of a touched stage after the move.
  Load after(const Change &change, unsigned node, unsigned to) const {
    Load load = loads[change.stage];
    load.transfer += change.transfer;
    load.bytes += change.bytes;
    int sign = int(change.stage == to) - int(change.stage == stageOf[node]);
    load.work += sign * problem.work[node];
    load.parameters += sign * problem.parameters[node];
    load.saved += sign * problem.saved[node];
    return load;
  }

  bool fits(const Changes &changes, unsigned node, unsigned to) const {
    llvm::SmallVector<std::pair<unsigned, int64_t>, 4> grown;
    for (const Change &change : changes) {
      unsigned device = problem.deviceOf(change.stage);
      int64_t by = problem.memoryOf(after(change, node, to), change.stage) -
                   problem.memoryOf(loads[change.stage], change.stage);
      auto *entry = llvm::find_if(grown, [&](auto &entry) { return entry.first == device; });
      if (entry == grown.end())
        grown.emplace_back(device, by);
      else
        entry->second += by;
    }
    return llvm::all_of(grown, [&](auto &entry) {
      return entry.second <= 0 || deviceMemory[entry.first] + entry.second <= problem.memory;
    });
  }

  struct Effect {
    double slowestBefore = 0, slowestAfter = 0;
    int64_t bytes = 0;
  };
  Effect effectOf(const Changes &changes, unsigned node, unsigned to) const {
    Effect effect;
    for (const Change &change : changes) {
      effect.slowestBefore = std::max(effect.slowestBefore,
                                      problem.seconds(loads[change.stage], change.stage));
      effect.slowestAfter = std::max(
          effect.slowestAfter, problem.seconds(after(change, node, to), change.stage));
      effect.bytes += change.bytes;
    }
    return effect;
  }

  // Either makes a measure of the whole cut fall, so the search ends: the times of
  // the stages, sorted, or the bytes.
  bool evens(const Effect &effect) const { return effect.slowestAfter < effect.slowestBefore; }
  bool savesBytes(const Effect &effect) const {
    return effect.bytes < 0 && effect.slowestAfter <= limit;
  }

  unsigned sweep(bool backwards, bool (Refiner::*accepts)(const Effect &) const) {
    unsigned moves = 0;
    for (unsigned i = 0; i < problem.nodes; ++i) {
      unsigned node = backwards ? problem.nodes - 1 - i : i, from = stageOf[node];
      if (count[from] == 1)
        continue;
      auto [least, most] = rangeOf(node);
      unsigned neighbours[] = {from ? from - 1 : 0, from + 1, least, most};
      for (unsigned to : neighbours) {
        if (to < least || to > most || to == from)
          continue;
        Changes changes = changesOf(node, to);
        if (!(this->*accepts)(effectOf(changes, node, to)) || !fits(changes, node, to))
          continue;
        move(changes, node, to);
        ++moves;
        break;
      }
    }
    return moves;
  }

  void move(const Changes &changes, unsigned node, unsigned to) {
    unsigned from = stageOf[node];
    for (const Change &change : changes) {
      Load load = after(change, node, to);
      deviceMemory[problem.deviceOf(change.stage)] +=
          problem.memoryOf(load, change.stage) -
          problem.memoryOf(loads[change.stage], change.stage);
      loads[change.stage] = load;
    }
    --count[from];
    ++count[to];
    for (unsigned value : problem.inputs[node]) {
      addReader(value, from, -1);
      addReader(value, to, 1);
    }
    stageOf[node] = to;
  }

  const Problem &problem;
  Assignment &stageOf;
  std::vector<Load> loads;
  std::vector<unsigned> count;
  std::vector<int64_t> deviceMemory;
  std::vector<llvm::SmallVector<Readers, 2>> readersIn;
  double limit = 0;
};

} // namespace

void stages::refine(const Problem &problem, Assignment &stageOf) {
  Refiner(problem, stageOf).run();
}

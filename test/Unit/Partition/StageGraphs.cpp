// Graphs to cut, and the oracle of the planner: every cut, one after the other.
#include "test/Unit/Partition/StageGraphs.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

using namespace dtc;

unsigned test::addNode(StageGraph &graph, llvm::StringRef name, double seconds, int64_t bytes,
                       llvm::ArrayRef<unsigned> producers) {
  unsigned number = graph.nodes.size();
  graph.nodes.push_back({name.str(), seconds / 3, seconds * 2 / 3, 0, 0, 0});
  for (unsigned producer : producers)
    graph.values[producer].consumers.push_back(number);
  graph.values.push_back({number, {}, bytes, bytes}); // value i is what node i makes
  return number;
}

StageGraph test::chain(llvm::ArrayRef<double> seconds, int64_t bytes) {
  StageGraph graph;
  for (double time : seconds) {
    std::string name = "n" + std::to_string(graph.nodes.size());
    if (graph.nodes.empty())
      addNode(graph, name, time, bytes, {});
    else
      addNode(graph, name, time, bytes, {unsigned(graph.nodes.size() - 1)});
  }
  return graph;
}

StageGraph test::uNet(unsigned levels) {
  StageGraph graph;
  std::vector<unsigned> down;
  unsigned last = addNode(graph, "stem", 9, 4096, {});
  for (unsigned level = 0; level < levels; ++level) {
    int64_t bytes = 4096 >> level;
    last = addNode(graph, "down" + std::to_string(level), 30 - level, bytes, {last});
    down.push_back(last);
    last = addNode(graph, "pool" + std::to_string(level), 2, bytes / 4, {last});
  }
  last = addNode(graph, "middle", 45, 4096 >> levels, {last});
  for (unsigned level = levels; level-- > 0;) {
    int64_t bytes = 4096 >> level;
    last = addNode(graph, "grow" + std::to_string(level), 5, bytes, {last});
    last = addNode(graph, "up" + std::to_string(level), 50 - level, bytes, {last, down[level]});
  }
  addNode(graph, "head", 3, 16, {last});
  return graph;
}

StageGraph test::residual(unsigned blocks) {
  StageGraph graph;
  unsigned last = addNode(graph, "stem", 12, 1000, {});
  for (unsigned block = 0; block < blocks; ++block) {
    std::string name = "block" + std::to_string(block);
    unsigned first = addNode(graph, name + ".conv1", 20 + block % 3, 1000, {last});
    unsigned second = addNode(graph, name + ".conv2", 21, 1000, {first});
    unsigned skip = block % 3 == 2 ? addNode(graph, name + ".shortcut", 6, 1000, {last}) : last;
    last = addNode(graph, name + ".add", 1, 1000, {second, skip});
  }
  addNode(graph, "head", 5, 40, {last});
  return graph;
}

StageGraph test::randomGraph(unsigned nodes, std::mt19937 &engine) {
  auto number = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine);
  };
  StageGraph graph;
  int density = number(10, 60);
  // An input of the model, which nobody sends.
  graph.values.push_back({std::nullopt, {0}, 100, 0});
  for (unsigned node = 0; node < nodes; ++node) {
    graph.nodes.push_back({"n" + std::to_string(node), double(number(0, 5)), double(number(0, 9)),
                           double(number(0, 3)), number(0, 20), number(0, 10)});
    for (int made = number(0, 2); made > 0; --made) {
      StageGraph::Value value{node, {}, number(0, 6), number(0, 1) * number(0, 6)};
      for (unsigned reader = node + 1; reader < nodes; ++reader)
        if (number(0, 99) < density)
          for (int times = number(1, 2); times > 0; --times)
            value.consumers.push_back(reader);
      graph.values.push_back(value);
    }
  }
  return graph;
}

StageGraph test::randomNetwork(unsigned nodes, std::mt19937 &engine) {
  auto below = [&](unsigned end) { return unsigned(engine() % end); };
  StageGraph graph;
  unsigned fork = addNode(graph, "stem", 10, 1 << 16, {});
  while (graph.nodes.size() < nodes) {
    std::vector<unsigned> ends;
    for (unsigned branch = 0, branches = 1 + below(4); branch < branches; ++branch) {
      unsigned last = fork;
      for (unsigned length = 1 + below(6); length > 0; --length)
        last = addNode(graph, "n" + std::to_string(graph.nodes.size()), 1 + below(100),
                       int64_t(1) << (8 + below(12)), {last});
      ends.push_back(last);
    }
    if (below(8) == 0)
      ends.push_back(below(fork + 1));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    fork = addNode(graph, "n" + std::to_string(graph.nodes.size()), 1 + below(10), 1 << 12, ends);
  }
  return graph;
}

StagePlanOptions test::optionsFor(int64_t stages, int64_t microbatches) {
  StagePlanOptions options;
  options.stages = stages;
  options.deviceSpeeds.assign(stages, 1);
  options.microbatches = microbatches;
  options.link = {0.5, 256};
  return options;
}

StagePlanOptions test::randomOptions(const StageGraph &graph, std::mt19937 &engine) {
  auto number = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(engine);
  };
  int most = std::min<int>(4, graph.nodes.size());
  StagePlanOptions options = optionsFor(number(std::min(2, most), most), number(1, 5));
  options.link = {double(number(0, 2)), double(number(1, 4))};
  if (number(0, 1))
    for (double &speed : options.deviceSpeeds)
      speed = number(1, 8) / 4.0;
  if (number(0, 2) == 0)
    options.deviceMemory = number(20, 300);
  if (number(0, 3) == 0)
    options.inFlight.assign(options.stages, options.microbatches);
  return options;
}

test::Taken test::take(const StageGraph &graph, const StagePlanOptions &options,
                       llvm::ArrayRef<unsigned> stageOf) {
  int64_t devices = options.deviceSpeeds.size(), m = options.microbatches;
  std::vector<double> work(options.stages), transfer(options.stages);
  std::vector<int64_t> memory(devices);
  Taken taken;
  for (size_t node = 0; node < graph.nodes.size(); ++node) {
    const StageGraph::Node &described = graph.nodes[node];
    int64_t stage = stageOf[node];
    work[stage] += m * (described.forwardSeconds + described.backwardSeconds) + described.updateSeconds;
    int64_t inFlight = options.inFlight.empty() ? std::min(m, options.stages - stage)
                                                : options.inFlight[stage];
    memory[stage % devices] += described.parameterBytes + described.savedBytes * inFlight;
  }
  for (const StageGraph::Value &value : graph.values) {
    if (!value.producer)
      continue;
    std::set<unsigned> enters;
    for (unsigned consumer : value.consumers)
      if (stageOf[consumer] % devices != stageOf[*value.producer] % devices)
        enters.insert(stageOf[consumer]);
    for (unsigned stage : enters)
      for (int64_t bytes : {value.forwardBytes, value.backwardBytes}) {
        taken.bytes += m * bytes;
        if (bytes)
          transfer[stage] += m * (options.link.latencySeconds + bytes / options.link.bytesPerSecond);
      }
  }
  for (int64_t stage = 0; stage < options.stages; ++stage)
    taken.slowest = std::max(taken.slowest, work[stage] / options.deviceSpeeds[stage % devices] +
                                                transfer[stage]);
  for (int64_t bytes : memory)
    taken.fits &= options.deviceMemory == 0 || bytes <= options.deviceMemory;
  return taken;
}

namespace {

/// Times that differ by rounding alone are one.
bool better(const test::Taken &taken, const std::optional<test::Best> &best) {
  if (!best)
    return true;
  double tolerance = 1e-12 * best->seconds;
  if (taken.slowest < best->seconds - tolerance)
    return true;
  return taken.slowest <= best->seconds + tolerance && taken.bytes < best->bytes;
}

} // namespace

std::optional<test::Best> test::bestOfAll(const StageGraph &graph,
                                          const StagePlanOptions &options) {
  std::vector<std::vector<unsigned>> producers(graph.nodes.size());
  for (const StageGraph::Value &value : graph.values)
    for (unsigned consumer : value.consumers)
      if (value.producer)
        producers[consumer].push_back(*value.producer);

  std::optional<Best> best;
  std::vector<unsigned> stageOf(graph.nodes.size()), count(options.stages);
  std::function<void(size_t)> assign = [&](size_t node) {
    if (node == graph.nodes.size()) {
      if (std::count(count.begin(), count.end(), 0u))
        return;
      Taken taken = take(graph, options, stageOf);
      if (taken.fits && better(taken, best))
        best = Best{taken.slowest, taken.bytes};
      return;
    }
    unsigned least = 0;
    for (unsigned producer : producers[node])
      least = std::max(least, stageOf[producer]);
    for (unsigned stage = least; stage < options.stages; ++stage) {
      stageOf[node] = stage;
      ++count[stage];
      assign(node + 1);
      --count[stage];
    }
  };
  assign(0);
  return best;
}

std::optional<test::Best> test::bestOfChain(const StageGraph &graph,
                                            const StagePlanOptions &options) {
  std::optional<Best> best;
  std::vector<unsigned> stageOf(graph.nodes.size());
  std::function<void(size_t, unsigned)> cut = [&](size_t from, unsigned stage) {
    if (stage + 1 == options.stages) {
      std::fill(stageOf.begin() + from, stageOf.end(), stage);
      Taken taken = take(graph, options, stageOf);
      if (taken.fits && better(taken, best))
        best = Best{taken.slowest, taken.bytes};
      return;
    }
    for (size_t to = from + 1; to + options.stages - stage - 1 <= graph.nodes.size(); ++to) {
      std::fill(stageOf.begin() + from, stageOf.begin() + to, stage);
      cut(to, stage + 1);
    }
  };
  cut(0, 0);
  return best;
}

// The planner's parts by themselves, each against a plain search.
#include "lib/Partition/Stages/StageSearch.h"
#include "test/Unit/Partition/StageGraphs.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <numeric>

using namespace dtc;
using namespace dtc::stages;
using namespace dtc::test;

namespace {

Problem problemOf(const StageGraph &graph, const StagePlanOptions &options) {
  return llvm::cantFail(Problem::make(graph, options));
}

class StageSearch : public testing::TestWithParam<unsigned> {
protected:
  std::mt19937 engine{GetParam()};
};

TEST_P(StageSearch, OrdersAreTopological) {
  for (unsigned round = 0; round < 20; ++round) {
    StageGraph graph = randomGraph(1 + engine() % 30, engine);
    Problem problem = problemOf(graph, test::optionsFor(1));
    for (const NamedOrder &named : linearOrders(problem)) {
      std::vector<int> position(graph.nodes.size(), -1);
      for (size_t place = 0; place < named.order.size(); ++place)
        position[named.order[place]] = place;
      EXPECT_EQ(named.order.size(), graph.nodes.size()) << named.name;
      EXPECT_FALSE(std::count(position.begin(), position.end(), -1)) << named.name;
      for (const StageGraph::Value &value : graph.values)
        for (unsigned consumer : value.consumers) {
          int producer = value.producer ? position[*value.producer] : -1;
          EXPECT_LT(producer, position[consumer]) << named.name;
        }
    }
  }
}

// The program's order, cut everywhere.
TEST_P(StageSearch, CutsAnOrderAtItsBestPositions) {
  for (unsigned round = 0; round < 150; ++round) {
    StageGraph graph = randomGraph(1 + engine() % 20, engine);
    StagePlanOptions options = randomOptions(graph, engine);
    Problem problem = problemOf(graph, options);
    Order order(graph.nodes.size());
    std::iota(order.begin(), order.end(), 0);
    std::optional<Best> best = bestOfChain(graph, options);
    std::optional<Assignment> cut =
        cutOrder(problem, order, problem.memory, std::numeric_limits<double>::infinity());
    ASSERT_EQ(cut.has_value(), best.has_value());
    if (!cut) {
      // One byte less than the least is too little.
      options.deviceMemory = leastStageMemory(problem, order);
      EXPECT_TRUE(bestOfChain(graph, options));
      --options.deviceMemory;
      EXPECT_FALSE(bestOfChain(graph, options));
      continue;
    }
    Taken taken = take(graph, options, *cut);
    EXPECT_TRUE(taken.fits);
    EXPECT_NEAR(taken.slowest, best->seconds, 2e-9 * best->seconds);
    EXPECT_EQ(taken.bytes, best->bytes);
    EXPECT_FALSE(cutOrder(problem, order, problem.memory, best->seconds * 0.999 - 1e-6));
  }
}

// Moves keep the graph's order, the memory and every stage filled, and never harm.
TEST_P(StageSearch, MovesOnlyImprove) {
  unsigned improved = 0;
  for (unsigned round = 0; round < 100; ++round) {
    StageGraph graph = randomGraph(8 + engine() % 20, engine);
    StagePlanOptions options = test::optionsFor(4);
    if (round % 2)
      options.deviceSpeeds = {1, 0.5}; // two stages a device
    Assignment stageOf(graph.nodes.size());
    for (size_t node = 0; node < stageOf.size(); ++node)
      stageOf[node] = node * 4 / stageOf.size();
    // As little memory as the cut has to have.
    Problem problem = problemOf(graph, options);
    std::vector<int64_t> used(problem.devices);
    for (auto [stage, load] : llvm::enumerate(problem.loads(stageOf)))
      used[stage % problem.devices] += problem.memoryOf(load, stage);
    options.deviceMemory = problem.memory = *std::max_element(used.begin(), used.end());
    Taken before = take(graph, options, stageOf);
    ASSERT_TRUE(before.fits);
    refine(problem, stageOf);
    Taken after = take(graph, options, stageOf);
    EXPECT_TRUE(after.fits);
    EXPECT_LE(after.slowest, before.slowest * (1 + 1e-12));
    improved += after.slowest < before.slowest * 0.99;
    for (unsigned stage = 0; stage < 4; ++stage)
      EXPECT_TRUE(std::count(stageOf.begin(), stageOf.end(), stage));
    for (const StageGraph::Value &value : graph.values)
      for (unsigned consumer : value.consumers) {
        unsigned least = value.producer ? stageOf[*value.producer] : 0;
        EXPECT_LE(least, stageOf[consumer]);
      }
  }
  EXPECT_GT(improved, 50u);
}

TEST_P(StageSearch, CountsDownSets) {
  for (unsigned round = 0; round < 30; ++round) {
    StageGraph graph = randomGraph(1 + engine() % 12, engine);
    size_t count = 0;
    for (unsigned set = 0; set < 1u << graph.nodes.size(); ++set)
      count += std::all_of(graph.values.begin(), graph.values.end(), [&](auto &value) {
        return !value.producer || set >> *value.producer & 1 ||
               std::none_of(value.consumers.begin(), value.consumers.end(),
                            [&](unsigned consumer) { return set >> consumer & 1; });
      });
    Problem problem = problemOf(graph, test::optionsFor(1));
    DownSets all(problem, count);
    EXPECT_EQ(all.size(), count);
    EXPECT_TRUE(all.complete());
    EXPECT_FALSE(DownSets(problem, count - 1).complete());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StageSearch, testing::Range(1u, 5u));

} // namespace

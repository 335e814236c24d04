// The planner's cuts against all cuts, against the best chain cut, and on large graphs.
#include "test/Unit/Partition/StageGraphs.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace dtc;
using namespace dtc::test;

namespace {

/// A valid cut that takes what the plan says.
void expectConsistent(const StageGraph &graph, const StagePlanOptions &options,
                      const StagePlan &plan) {
  ASSERT_EQ(plan.stageOf.size(), graph.nodes.size());
  ASSERT_EQ(int64_t(plan.stages.size()), options.stages);
  for (unsigned stage = 0; stage < options.stages; ++stage)
    EXPECT_TRUE(llvm::is_contained(plan.stageOf, stage)) << "stage " << stage << " is empty";
  for (const StageGraph::Value &value : graph.values)
    for (unsigned consumer : value.consumers) {
      unsigned least = value.producer ? plan.stageOf[*value.producer] : 0;
      ASSERT_LE(least, plan.stageOf[consumer]);
    }
  Taken taken = take(graph, options, plan.stageOf);
  EXPECT_NEAR(plan.slowestSeconds, taken.slowest, 1e-9 * taken.slowest);
  EXPECT_EQ(plan.bytesSent, taken.bytes);
  EXPECT_TRUE(taken.fits);
  EXPECT_LE(plan.lowerBoundSeconds, plan.slowestSeconds * (1 + 1e-12));
  EXPECT_GE(plan.gap(), 0);
  EXPECT_FALSE(plan.foundBy.empty());
}

StagePlan mustPlan(const StageGraph &graph, const StagePlanOptions &options) {
  llvm::Expected<StagePlan> plan = planStages(graph, options);
  if (!plan) {
    ADD_FAILURE() << llvm::toString(plan.takeError());
    return {};
  }
  expectConsistent(graph, options, *plan);
  return *plan;
}

class AgainstAllCuts : public testing::TestWithParam<unsigned> {};

TEST_P(AgainstAllCuts, FindsTheOptimum) {
  std::mt19937 engine(GetParam());
  unsigned unfit = 0;
  for (unsigned round = 0; round < 60; ++round) {
    StageGraph graph = randomGraph(1 + engine() % 12, engine);
    StagePlanOptions options = randomOptions(graph, engine);
    SCOPED_TRACE("seed " + std::to_string(GetParam()) + ", graph " + std::to_string(round));
    std::optional<Best> best = bestOfAll(graph, options);
    llvm::Expected<StagePlan> plan = planStages(graph, options);
    ASSERT_EQ(bool(plan), best.has_value())
        << (plan ? "a cut where there is none" : llvm::toString(plan.takeError()));
    if (!plan) {
      EXPECT_TRUE(llvm::StringRef(llvm::toString(plan.takeError())).starts_with("no cut into "));
      ++unfit;
      continue;
    }
    expectConsistent(graph, options, *plan);
    EXPECT_TRUE(plan->exact) << plan->foundBy;
    EXPECT_EQ(plan->gap(), 0);
    EXPECT_NEAR(plan->slowestSeconds, best->seconds, 1e-12 * best->seconds);
    EXPECT_EQ(plan->bytesSent, best->bytes);
  }
  EXPECT_LT(unfit, 30u);
}

/// Never below the bound, and on average within a share of the best of all cuts.
void expectNearTheOptimum(std::mt19937 &engine, double share,
                          llvm::function_ref<StagePlanOptions(const StageGraph &)> optionsOf) {
  double sum = 0;
  constexpr unsigned rounds = 60;
  for (unsigned round = 0; round < rounds; ++round) {
    StageGraph graph = randomGraph(4 + engine() % 6, engine);
    StagePlanOptions options = optionsOf(graph);
    double best = bestOfAll(graph, options)->seconds;
    StagePlan plan = mustPlan(graph, options);
    EXPECT_FALSE(plan.exact);
    EXPECT_LE(plan.lowerBoundSeconds, best * (1 + 1e-12));
    EXPECT_GE(plan.slowestSeconds, best * (1 - 1e-12));
    sum += best > 0 ? plan.slowestSeconds / best : 1;
  }
  EXPECT_LT(sum / rounds, 1 + share);
}

// What large graphs get.
TEST_P(AgainstAllCuts, IsNearTheOptimumWithoutDownSets) {
  std::mt19937 engine(GetParam());
  expectNearTheOptimum(engine, 0.05, [&](const StageGraph &graph) {
    StagePlanOptions options = randomOptions(graph, engine);
    options.deviceMemory = 0;
    options.maxDownSets = 0;
    return options;
  });
}

// Stages that return to a device: what stays there is not sent.
TEST_P(AgainstAllCuts, IsNearTheOptimumWithSeveralStagesADevice) {
  std::mt19937 engine(GetParam());
  expectNearTheOptimum(engine, 0.1, [&](const StageGraph &graph) {
    StagePlanOptions options = optionsFor(4, 2);
    options.deviceSpeeds = {1, engine() % 2 ? 1 : 0.5};
    options.link = {1, 2};
    return options;
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstAllCuts, testing::Range(1u, 7u));

TEST(StagePlanner, IsNeverWorseThanTheBestChainCut) {
  for (const StageGraph &graph : {uNet(3), uNet(5), residual(4), residual(8)})
    for (int64_t stages : {2, 3, 4})
      for (bool unequal : {false, true}) {
        StagePlanOptions options = optionsFor(stages);
        options.link = {0.1, 1000};
        if (unequal)
          options.deviceSpeeds.back() = 0.5;
        Best chain = *bestOfChain(graph, options);
        for (size_t maxDownSets : {size_t(20000), size_t(0)}) {
          options.maxDownSets = maxDownSets;
          StagePlan plan = mustPlan(graph, options);
          EXPECT_EQ(plan.exact, maxDownSets != 0);
          EXPECT_LE(plan.slowestSeconds, chain.seconds * (1 + 1e-9));
          if (plan.slowestSeconds >= chain.seconds * (1 - 1e-9)) {
            EXPECT_LE(plan.bytesSent, chain.bytes);
          }
        }
      }
}

// Two branches of unequal nodes: in the program's order no border is even.
TEST(StagePlanner, BeatsTheBestChainCutOnBranches) {
  StageGraph graph;
  unsigned stem = addNode(graph, "stem", 0, 1, {});
  std::vector<unsigned> ends;
  for (double seconds : {90.0, 60.0, 30.0, 60.0})
    ends.push_back(addNode(graph, "branch" + std::to_string(ends.size()), seconds, 1, {stem}));
  addNode(graph, "head", 0, 1, ends);
  StagePlanOptions options = optionsFor(2, 1);
  options.link = {0, 1e9};
  EXPECT_NEAR(bestOfChain(graph, options)->seconds, 150, 1e-6);
  StagePlan plan = mustPlan(graph, options); // 90 + 30, 60 + 60
  EXPECT_NEAR(plan.slowestSeconds, 120, 1e-6);
  EXPECT_TRUE(plan.exact);
}

TEST(StagePlanner, GivesASlowDeviceLess) {
  StagePlanOptions options = optionsFor(2, 1);
  options.link = {0, 1e12};
  options.deviceSpeeds = {1, 0.5};
  StagePlan plan = mustPlan(chain({3, 3, 3, 3, 3, 3}, 1), options);
  EXPECT_EQ(plan.stageOf, (std::vector<unsigned>{0, 0, 0, 0, 1, 1}));
}

TEST(StagePlanner, SendsAValueOnceToEachStageThatReadsIt) {
  // Stage 1 reads `wide` twice, stage 2 once.
  StageGraph graph;
  unsigned wide = addNode(graph, "wide", 30, 512, {});
  unsigned a = addNode(graph, "a", 15, 0, {wide});
  unsigned b = addNode(graph, "b", 15, 0, {wide, a});
  addNode(graph, "c", 30, 0, {wide, b});
  StagePlanOptions options = optionsFor(3, 2);
  options.link = {0, 1e6};
  StagePlan plan = mustPlan(graph, options);
  EXPECT_EQ(plan.stageOf, (std::vector<unsigned>{0, 1, 1, 2}));
  EXPECT_EQ(plan.bytesSent, 2 * 2 * (512 + 512));
  EXPECT_EQ(plan.stages[0].transferBytes, 0);
  EXPECT_EQ(plan.stages[1].transferBytes, 2 * (512 + 512));
}

class Large : public testing::TestWithParam<int64_t> {};

TEST_P(Large, KeepsItsBoundAndItsMemory) {
  std::mt19937 engine(3);
  StageGraph graph = randomNetwork(3000, engine);
  // As in most networks, the first nodes keep the activations, the last the weights.
  for (auto [number, node] : llvm::enumerate(graph.nodes)) {
    node.parameterBytes = engine() % (1 + number);
    node.savedBytes = engine() % 100;
  }
  StagePlanOptions options = optionsFor(GetParam(), 8);
  options.link = {1e-3, 1e6};
  StagePlan plan = mustPlan(graph, options);
  EXPECT_LT(plan.gap(), 0.1) << plan.foundBy;

  // Memory that binds: the cut becomes slower, and fits.
  int64_t most = 0;
  for (const StagePlan::Stage &stage : plan.stages)
    most = std::max(most, stage.memoryBytes);
  options.deviceMemory = most * 9 / 10;
  StagePlan tight = mustPlan(graph, options);
  EXPECT_GE(tight.slowestSeconds, plan.slowestSeconds * (1 - 1e-6));
}

INSTANTIATE_TEST_SUITE_P(Stages, Large, testing::Values(2, 7, 32));

TEST(StagePlanner, CutsAThousandsOfNodesChainExactly) {
  std::vector<double> seconds;
  for (unsigned node = 0; node < 3000; ++node)
    seconds.push_back(1 + node * 7919 % 13);
  StageGraph graph = chain(seconds, 64);
  StagePlan plan = mustPlan(graph, optionsFor(16));
  EXPECT_TRUE(plan.exact) << plan.foundBy;
}

} // namespace

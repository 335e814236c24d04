// Cuts by hand, and what the planner refuses, to the word.
#include "test/Unit/Partition/StageGraphs.h"

#include "gtest/gtest.h"

using namespace dtc;
using namespace dtc::test;

namespace {

using Stages = std::vector<unsigned>;

std::string errorOf(llvm::Expected<StagePlan> plan) {
  return plan ? "no error" : llvm::toString(plan.takeError());
}

/// stem -> left0 -> left1 -> join, stem -> right -> join -> head.
StageGraph diamond() {
  StageGraph graph;
  unsigned stem = addNode(graph, "stem", 1, 8, {});
  unsigned left0 = addNode(graph, "left0", 1, 8, {stem});
  unsigned right = addNode(graph, "right", 1, 8, {stem});
  unsigned left1 = addNode(graph, "left1", 1, 8, {left0});
  unsigned join = addNode(graph, "join", 1, 8, {left1, right});
  addNode(graph, "head", 1, 8, {join});
  return graph;
}

Stages cut(const StageGraph &graph, std::vector<std::string> names) {
  llvm::Expected<StagePlan> plan = stagesFromCut(graph, optionsFor(names.size() + 1), names);
  if (!plan) {
    ADD_FAILURE() << llvm::toString(plan.takeError());
    return {};
  }
  Taken taken = take(graph, optionsFor(names.size() + 1), plan->stageOf);
  EXPECT_DOUBLE_EQ(plan->slowestSeconds, taken.slowest);
  EXPECT_EQ(plan->bytesSent, taken.bytes);
  EXPECT_FALSE(plan->exact);
  return plan->stageOf;
}

TEST(StageCut, EndsAStageAfterEachName) {
  EXPECT_EQ(cut(chain({1, 1, 1, 1, 1}, 4), {"n0", "n2"}), (Stages{0, 1, 1, 2, 2}));
}

TEST(StageCut, TakesWhatANodeNeedsAndLeavesTheRest) {
  // left1 does not need right, which stands before it in the program.
  EXPECT_EQ(cut(diamond(), {"left1"}), (Stages{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(cut(diamond(), {"left0", "left1"}), (Stages{0, 0, 1, 1, 2, 2}));
  // By the program right is before left0's stage ends only if it stands before it.
  EXPECT_EQ(cut(diamond(), {"left0"}), (Stages{0, 0, 1, 1, 1, 1}));
}

TEST(StageCut, TakesBranchesInAnyOrder) {
  // right stands before left1 in the program, and may still run in a later stage.
  EXPECT_EQ(cut(diamond(), {"left1", "right"}), (Stages{0, 0, 1, 0, 2, 2}));
}

TEST(StageCut, TakesTheLastNodeOfAName) {
  StageGraph graph = chain({1, 1, 1, 1}, 4);
  graph.nodes[0].name = graph.nodes[1].name = "conv1";
  EXPECT_EQ(cut(graph, {"conv1"}), (Stages{0, 0, 1, 1}));
}

TEST(StageCut, RefusesNamesThatAreNoNodes) {
  StageGraph graph = diamond();
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(2), {"lefft1"})),
            "cannot cut after 'lefft1': there is no such node; did you mean 'left1'?");
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(2), {"transformer"})),
            "cannot cut after 'transformer': there is no such node; the nodes are "
            "stem, left0, right, left1, join, head");
}

TEST(StageCut, RefusesAnOrderThatCannotBe) {
  StageGraph graph = diamond();
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(3), {"left1", "left0"})),
            "cannot cut after 'left0' behind 'left1', which needs it in an earlier stage; "
            "name the nodes in the order in which they run");
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(3), {"left1", "left1"})),
            "cannot cut after 'left1' behind 'left1', which is the same node; "
            "name the nodes in the order in which they run");
}

TEST(StageCut, RefusesAnEmptyStageAndAWrongNumber) {
  StageGraph graph = diamond();
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(2), {"head"})),
            "cannot cut after 'head': nothing is left for the last stage");
  EXPECT_EQ(errorOf(stagesFromCut(graph, optionsFor(4), {"left0", "join"})),
            "2 nodes to cut after make 3 stages, not 4");
}

TEST(StageCut, RefusesTooLittleMemory) {
  StageGraph graph = chain({1, 1, 1}, 4);
  for (StageGraph::Node &node : graph.nodes)
    node.parameterBytes = 1024;
  StagePlanOptions options = optionsFor(2);
  options.deviceMemory = 1500;
  EXPECT_EQ(errorOf(stagesFromCut(graph, options, {"n0"})),
            "the cut by hand does not fit into 1.46 KiB (1500 bytes) a device: "
            "stage 1 needs 2.00 KiB (2048 bytes); cut elsewhere, or use smaller microbatches");
}

TEST(StagePlannerErrors, NamesTheStageThatNeedsTooMuch) {
  StageGraph graph = chain({1, 1, 1, 1}, 4);
  graph.nodes[2].parameterBytes = 3000;
  graph.nodes[3].parameterBytes = 1000;
  StagePlanOptions options = optionsFor(2);
  options.deviceMemory = 2048;
  const char *exactly = "no cut into 2 stages fits into 2.00 KiB (2048 bytes) a device: in the "
                        "smallest stage 0 needs 2.93 KiB (3000 bytes); use more devices or "
                        "smaller microbatches";
  EXPECT_EQ(errorOf(planStages(graph, options)), exactly);
  // Not proven without the exact search.
  options.maxDownSets = 0;
  EXPECT_EQ(errorOf(planStages(graph, options)),
            "found no cut into 2 stages that fits into 2.00 KiB (2048 bytes) a device: in the "
            "smallest found stage 0 needs 2.93 KiB (3000 bytes); use more devices or smaller "
            "microbatches");
  // Two stages a device: it has the memory of both.
  options.stages = 4;
  EXPECT_EQ(errorOf(planStages(graph, options)),
            "found no cut into 4 stages that fits into 2.00 KiB (2048 bytes) a device: in the "
            "smallest found the stages of device 0 need 2.93 KiB (3000 bytes); use more devices "
            "or smaller microbatches");
}

TEST(StagePlannerErrors, CountsActivationsInFlight) {
  StageGraph graph = chain({1, 1}, 4);
  graph.nodes[0].savedBytes = 100;
  StagePlanOptions options = optionsFor(2);
  options.microbatches = 8;
  options.deviceMemory = 200;
  EXPECT_EQ(errorOf(planStages(graph, options)), "no error"); // 1F1B keeps two
  options.inFlight = {8, 8};                                  // GPipe keeps all
  EXPECT_EQ(errorOf(planStages(graph, options)),
            "no cut into 2 stages fits into 200 B (200 bytes) a device: in the smallest stage 0 "
            "needs 800 B (800 bytes); use more devices or smaller microbatches");
}

TEST(StagePlannerErrors, RefusesMoreStagesThanNodes) {
  EXPECT_EQ(errorOf(planStages(chain({1, 1}, 4), optionsFor(3))),
            "cannot cut 2 nodes into 3 stages: each stage needs at least one; ask for fewer "
            "devices");
}

TEST(StagePlannerErrors, RefusesGraphsAndOptionsThatAreNone) {
  StageGraph graph = chain({1, 1}, 4);
  StageGraph backwards = graph;
  backwards.values.push_back({1, {0}, 4, 4});
  EXPECT_EQ(errorOf(planStages(backwards, optionsFor(2))),
            "nodes are not in a topological order: 'n0' reads what 'n1' makes, and stands before it");
  StageGraph outside = graph;
  outside.values.push_back({1, {9}, 4, 4});
  EXPECT_EQ(errorOf(planStages(outside, optionsFor(2))), "a value names node 9 of a graph of 2");
  StageGraph never = graph;
  never.nodes[1].forwardSeconds = std::numeric_limits<double>::infinity();
  EXPECT_EQ(errorOf(planStages(never, optionsFor(2))),
            "node 'n1': seconds and bytes must be finite and not negative");
  StagePlanOptions stopped = optionsFor(2);
  stopped.deviceSpeeds[1] = 0;
  EXPECT_EQ(errorOf(planStages(graph, stopped)),
            "the speed of a device must be a finite number above 0");
  StagePlanOptions some = optionsFor(2);
  some.inFlight = {1};
  EXPECT_EQ(errorOf(planStages(graph, some)),
            "microbatches in flight are given for 1 stages of 2");
}

} // namespace

// Times the planner of pipeline stages: graphs of 1k, 10k and 100k nodes, 4 to 64 devices,
// links on which a message takes far less than a node, and about as long.
#include "test/Unit/Partition/StageGraphs.h"

#include <chrono>
#include <cstdio>

int main() {
  using Clock = std::chrono::steady_clock;
  std::printf("%8s %8s %6s %9s %9s  %s\n", "nodes", "devices", "link", "seconds", "gap", "found by");
  for (unsigned nodes : {1000, 10000, 100000})
    for (auto [stages, slow] : {std::pair<int64_t, bool>{4, false}, {16, false}, {64, false},
                                {4, true}, {16, true}, {64, true}}) {
      std::mt19937 engine(nodes);
      dtc::StageGraph graph = dtc::test::randomNetwork(nodes, engine);
      dtc::StagePlanOptions options;
      options.stages = stages;
      options.deviceSpeeds.assign(stages, 1);
      options.microbatches = 4 * stages;
      options.link = slow ? dtc::Link{10, 1e4} : dtc::Link{1e-3, 1e6};
      Clock::time_point start = Clock::now();
      llvm::Expected<dtc::StagePlan> plan = dtc::planStages(graph, options);
      double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (!plan) {
        std::fprintf(stderr, "plan_stages: %s\n", llvm::toString(plan.takeError()).c_str());
        return 1;
      }
      std::printf("%8zu %8ld %6s %9.3f %8.3f%%  %s\n", graph.nodes.size(), long(stages), slow ? "slow" : "fast", seconds,
                  100 * plan->gap(), plan->foundBy.c_str());
      std::fflush(stdout);
    }
}

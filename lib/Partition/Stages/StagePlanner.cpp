// Puts the searches for stages together: linear orders, refinement, the exact one.
#include "dtc/Partition/Stages/StagePlanner.h"

#include "lib/Partition/Stages/StageSearch.h"

#include "llvm/ADT/STLExtras.h"

using namespace dtc;
using namespace dtc::stages;
using llvm::Twine;

namespace {

// A cut's own order may be cut better again; this rarely helps more than twice.
constexpr unsigned maxReorders = 4;
constexpr double worthMoving = 1.05;

class Planner {
public:
  Planner(const Problem &problem, size_t maxDownSets)
      : problem(problem), orders(linearOrders(problem)), maxDownSets(maxDownSets) {}

  llvm::Expected<StagePlan> plan() {
    cutOrders();
    if (best)
      cutAgain();
    searchExactly();
    if (!best)
      cutForMemory();
    if (!best)
      return tooLittleMemory();
    StagePlan plan = makePlan(problem, *best);
    plan.exact = exact;
    plan.foundBy = foundBy;
    plan.lowerBoundSeconds = fastestProven ? plan.slowestSeconds : problem.lowerBound;
    return plan;
  }

private:
  void consider(Assignment stageOf, const Twine &how) {
    std::vector<Load> loads = problem.loads(stageOf);
    if (!problem.fits(loads))
      return;
    Quality found = qualityOf(problem, loads);
    if (best && !(found < quality))
      return;
    best = std::move(stageOf);
    quality = found;
    foundBy = how.str();
  }

  void cutAndRefine(const Order &order, int64_t stageMemory, const Twine &how) {
    // An order that is much worse as it is will not be better after moves.
    std::optional<Assignment> cut =
        cutOrder(problem, order, stageMemory, quality.seconds * worthMoving);
    if (!cut)
      return;
    consider(*cut, how + ", cut at its best positions");
    if (!problem.fits(problem.loads(*cut)))
      return;
    refine(problem, *cut);
    consider(std::move(*cut), how + ", cut at its best positions, then refined by moves");
  }

  void cutOrders() {
    for (const NamedOrder &named : orders)
      cutAndRefine(named.order, problem.memory, named.name);
    // The stages of one device share its memory; each may have its part.
    if (!best && problem.stagesPerDevice() > 1)
      for (const NamedOrder &named : orders)
        cutAndRefine(named.order, problem.memory / problem.stagesPerDevice(), named.name);
  }

  void cutAgain() {
    std::string first = foundBy.substr(0, foundBy.find(','));
    for (unsigned i = 0; i < maxReorders && quality.seconds > problem.lowerBound; ++i) {
      Quality before = quality;
      cutAndRefine(orderByStage(problem, *best), problem.memory,
                   first + " after moves");
      if (!(quality < before))
        break;
    }
  }

  void searchExactly() {
    if (!problem.stagesAreApart()) {
      foundBy += "; the exact search needs a device for each stage";
      return;
    }
    sets.emplace(problem, maxDownSets);
    if (!sets->complete()) {
      foundBy += "; there are more than " + std::to_string(maxDownSets) + " down-sets";
      return;
    }
    DownSets::Limits limits{quality.seconds, /*orEqual=*/!best, problem.memory};
    DownSets::Answer faster = sets->search(DownSets::Goal::Seconds, limits);
    if (!faster.proven) {
      foundBy += "; the exact search took too long";
      return;
    }
    std::string how = "dynamic programming over " + std::to_string(sets->size()) + " down-sets";
    if (faster.stageOf)
      consider(std::move(*faster.stageOf), how);
    fastestProven = true;
    if (!best)
      return;
    limits = {quality.seconds, /*orEqual=*/true, problem.memory};
    DownSets::Answer smaller = sets->search(DownSets::Goal::Bytes, limits);
    if (!smaller.proven) {
      foundBy += "; fastest by " + how + ", which took too long for the fewest bytes";
      return;
    }
    if (smaller.stageOf)
      consider(std::move(*smaller.stageOf), how);
    foundBy = how;
    exact = true;
  }

  /// The cut whose largest stage is the smallest; for the message, or a last try.
  void cutForMemory() {
    if (fastestProven) {
      DownSets::Answer smallest = sets->search(DownSets::Goal::Memory, {});
      if (smallest.stageOf) {
        leastMemory = std::move(*smallest.stageOf);
        leastProven = true;
        return;
      }
    }
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const NamedOrder &named : orders) {
      int64_t needed = leastStageMemory(problem, named.order);
      if (needed >= least)
        continue;
      least = needed;
      leastMemory = *cutOrder(problem, named.order, least, std::numeric_limits<double>::infinity());
      consider(leastMemory, Twine(named.name) + ", cut for the least memory");
    }
  }

  llvm::Error tooLittleMemory() {
    std::vector<Load> loads = problem.loads(leastMemory);
    std::vector<int64_t> used(problem.devices);
    for (auto [stage, load] : llvm::enumerate(loads))
      used[problem.deviceOf(stage)] += problem.memoryOf(load, stage);
    size_t fullest = llvm::max_element(used) - used.begin();
    std::string where = problem.stages > problem.devices
                            ? "the stages of device " + std::to_string(fullest) + " need "
                            : "stage " + std::to_string(fullest) + " needs ";
    return llvm::createStringError(
        Twine(fastestProven ? "no cut" : "found no cut") + " into " + Twine(problem.stages) +
        Twine(fastestProven ? " stages fits into " : " stages that fits into ") + bytesInFull(problem.memory) + " a device: in the " +
        (leastProven ? "smallest" : "smallest found") + " " + where + bytesInFull(used[fullest]) +
        "; use more devices or smaller microbatches");
  }

  const Problem &problem;
  std::vector<NamedOrder> orders;
  size_t maxDownSets;
  std::optional<DownSets> sets;
  std::optional<Assignment> best;
  Quality quality;
  std::string foundBy;
  bool exact = false, fastestProven = false;
  Assignment leastMemory;
  bool leastProven = false;
};

} // namespace

llvm::Expected<StagePlan> dtc::planStages(const StageGraph &graph,
                                          const StagePlanOptions &options) {
  llvm::Expected<Problem> problem = Problem::make(graph, options);
  if (!problem)
    return problem.takeError();
  return Planner(*problem, options.maxDownSets).plan();
}

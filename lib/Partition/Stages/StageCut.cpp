// Stages from a cut by hand: --cut-after's nodes.
#include "lib/Partition/Stages/StageProblem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace dtc;
using namespace dtc::stages;
using llvm::Twine;

static constexpr unsigned unforced = ~0u;

/// `; did you mean 'conv1'?`, or nothing if no name is near.
static std::string suggestion(const StageGraph &graph, llvm::StringRef name) {
  unsigned least = std::max<unsigned>(2, name.size() / 3) + 1;
  const std::string *nearest = nullptr;
  for (const StageGraph::Node &node : graph.nodes) {
    unsigned distance = name.edit_distance(node.name, /*AllowReplacements=*/true, least);
    if (distance >= least)
      continue;
    least = distance;
    nearest = &node.name;
  }
  if (nearest)
    return "; did you mean '" + *nearest + "'?";
  constexpr size_t most = 12;
  std::string names;
  for (const StageGraph::Node &node : llvm::ArrayRef(graph.nodes).take_front(most))
    names += (names.empty() ? "" : ", ") + node.name;
  return "; the nodes are " + names + (graph.nodes.size() > most ? ", …" : "");
}

/// Gives `stage` to `last` and to all it needs that is not of a stage yet.
static void force(const Problem &problem, unsigned last, unsigned stage, Assignment &stageOf) {
  llvm::SmallVector<unsigned> open = {last};
  stageOf[last] = stage;
  while (!open.empty())
    for (unsigned value : problem.inputs[open.pop_back_val()]) {
      unsigned producer = problem.values[value].producer;
      if (stageOf[producer] != unforced)
        continue;
      stageOf[producer] = stage;
      open.push_back(producer);
    }
}

llvm::Expected<StagePlan> dtc::stagesFromCut(const StageGraph &graph,
                                             const StagePlanOptions &options,
                                             llvm::ArrayRef<std::string> cutAfter) {
  llvm::Expected<Problem> made = Problem::make(graph, options);
  if (!made)
    return made.takeError();
  const Problem &problem = *made;
  if (cutAfter.size() + 1 != problem.stages)
    return llvm::createStringError(Twine(cutAfter.size()) + " nodes to cut after make " +
                                   Twine(cutAfter.size() + 1) + " stages, not " +
                                   Twine(problem.stages));

  llvm::StringMap<unsigned> nodeOf;
  for (auto [node, described] : llvm::enumerate(graph.nodes))
    nodeOf[described.name] = node;
  Assignment stageOf(problem.nodes, unforced);
  llvm::SmallVector<unsigned> cuts;
  for (auto [stage, name] : llvm::enumerate(cutAfter)) {
    auto named = nodeOf.find(name);
    if (named == nodeOf.end())
      return llvm::createStringError("cannot cut after '" + name + "': there is no such node" +
                                     suggestion(graph, name));
    unsigned node = named->second;
    if (stageOf[node] != unforced)
      return llvm::createStringError(
          "cannot cut after '" + name + "' behind '" + cutAfter[stageOf[node]] + "', which " +
          (cuts[stageOf[node]] == node ? "is the same node" : "needs it in an earlier stage") +
          "; name the nodes in the order in which they run");
    force(problem, node, stage, stageOf);
    cuts.push_back(node);
  }

  // What reads what no cut needs is not needed by a cut either, so this keeps the order.
  bool lastIsEmpty = true;
  for (unsigned node = 0; node < problem.nodes; ++node) {
    if (stageOf[node] == unforced) {
      unsigned stage = llvm::count_if(cuts, [&](unsigned cut) { return cut < node; });
      for (unsigned value : problem.inputs[node])
        stage = std::max(stage, stageOf[problem.values[value].producer]);
      stageOf[node] = stage;
    }
    lastIsEmpty &= stageOf[node] + 1 != problem.stages;
  }
  if (lastIsEmpty)
    return llvm::createStringError("cannot cut after '" + cutAfter.back() +
                                   "': nothing is left for the last stage");

  std::vector<Load> loads = problem.loads(stageOf);
  if (!problem.fits(loads)) {
    unsigned largest = 0;
    for (unsigned stage = 0; stage < problem.stages; ++stage)
      if (problem.memoryOf(loads[stage], stage) > problem.memoryOf(loads[largest], largest))
        largest = stage;
    return llvm::createStringError("the cut by hand does not fit into " +
                                   bytesInFull(problem.memory) + " a device: stage " +
                                   Twine(largest) + " needs " +
                                   bytesInFull(problem.memoryOf(loads[largest], largest)) +
                                   "; cut elsewhere, or use smaller microbatches");
  }
  StagePlan plan = makePlan(problem, stageOf);
  plan.foundBy = "the cut by hand";
  return plan;
}

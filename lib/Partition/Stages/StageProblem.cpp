// Checks a graph and its options, and brings them into the planner's own form.
#include "lib/Partition/Stages/StageProblem.h"

#include "dtc/Cost/Quantities.h"
#include "dtc/Cost/Time.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>

using namespace dtc;
using namespace dtc::stages;
using llvm::Twine;

static llvm::Error fail(const Twine &message) { return llvm::createStringError(message); }

static bool isAmount(double seconds) { return std::isfinite(seconds) && seconds >= 0; }

static llvm::Error checkOptions(const StageGraph &graph, const StagePlanOptions &options) {
  if (options.stages < 1 || options.microbatches < 1)
    return fail("stages and microbatches must be at least 1");
  if (options.stages > int64_t(graph.nodes.size()))
    return fail("cannot cut " + Twine(graph.nodes.size()) + " nodes into " + Twine(options.stages) +
                " stages: each stage needs at least one; ask for fewer devices");
  if (options.deviceSpeeds.empty())
    return fail("the speeds of the devices are missing");
  for (double speed : options.deviceSpeeds)
    if (!std::isfinite(speed) || speed <= 0)
      return fail("the speed of a device must be a finite number above 0");
  if (options.deviceMemory < 0)
    return fail("the memory of a device must not be negative");
  if (!options.inFlight.empty() && int64_t(options.inFlight.size()) != options.stages)
    return fail("microbatches in flight are given for " + Twine(options.inFlight.size()) +
                " stages of " + Twine(options.stages));
  for (int64_t count : options.inFlight)
    if (count < 0)
      return fail("microbatches in flight must not be negative");
  if (!isAmount(options.link.latencySeconds) || !(options.link.bytesPerSecond > 0))
    return fail("a link needs a finite latency and a bandwidth above 0");
  return llvm::Error::success();
}

static llvm::Error checkGraph(const StageGraph &graph) {
  for (const StageGraph::Node &node : graph.nodes)
    if (!isAmount(node.forwardSeconds) || !isAmount(node.backwardSeconds) ||
        !isAmount(node.updateSeconds) || node.parameterBytes < 0 || node.savedBytes < 0)
      return fail("node '" + node.name + "': seconds and bytes must be finite and not negative");
  for (const StageGraph::Value &value : graph.values) {
    if (value.forwardBytes < 0 || value.backwardBytes < 0)
      return fail("the bytes of a value must not be negative");
    for (unsigned consumer : value.consumers) {
      if (consumer >= graph.nodes.size() ||
          (value.producer && *value.producer >= graph.nodes.size()))
        return fail("a value names node " + Twine(std::max(consumer, value.producer.value_or(0))) +
                    " of a graph of " + Twine(graph.nodes.size()));
      if (value.producer && *value.producer >= consumer)
        return fail("nodes are not in a topological order: '" + graph.nodes[consumer].name +
                    "' reads what '" + graph.nodes[*value.producer].name + "' makes, and stands before it");
    }
  }
  return llvm::Error::success();
}

/// The largest number of which all amounts up to `total` are exact multiples in
/// double, with two bits to spare.
static double unitFor(double total) {
  return total > 0 ? std::ldexp(1.0, std::max(std::ilogb(total) - 50, -1000)) : 1;
}

llvm::Expected<Problem> Problem::make(const StageGraph &graph, const StagePlanOptions &options) {
  if (llvm::Error error = checkOptions(graph, options))
    return error;
  if (llvm::Error error = checkGraph(graph))
    return error;

  Problem problem;
  problem.nodes = graph.nodes.size();
  problem.stages = options.stages;
  problem.devices = options.deviceSpeeds.size();
  problem.memory =
      options.deviceMemory ? options.deviceMemory : std::numeric_limits<int64_t>::max();
  double microbatches = options.microbatches;
  int64_t mostInFlight = 0;
  for (int64_t stage = 0; stage < options.stages; ++stage) {
    problem.device.push_back(options.deviceOfStage.empty() ? stage % problem.devices
                                                           : options.deviceOfStage[stage]);
    problem.speed.push_back(options.deviceSpeeds[problem.deviceOf(stage)]);
    problem.inFlight.push_back(options.inFlight.empty()
                                   ? std::min(options.microbatches, options.stages - stage)
                                   : options.inFlight[stage]);
    mostInFlight = std::max(mostInFlight, problem.inFlight.back());
  }

  double totalSeconds = 0, totalBytes = 0;
  for (const StageGraph::Node &node : graph.nodes) {
    problem.work.push_back(microbatches * (node.forwardSeconds + node.backwardSeconds) +
                           node.updateSeconds);
    problem.parameters.push_back(node.parameterBytes);
    problem.saved.push_back(node.savedBytes);
    totalSeconds += problem.work.back();
    totalBytes += double(node.parameterBytes) + double(node.savedBytes) * mostInFlight;
  }

  std::vector<llvm::SmallVector<unsigned, 2>> inputs(problem.nodes), outputs(problem.nodes);
  for (const StageGraph::Value &value : graph.values) {
    if (!value.producer || value.consumers.empty())
      continue;
    llvm::SmallVector<unsigned> readers(value.consumers.begin(), value.consumers.end());
    llvm::sort(readers);
    readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
    unsigned number = problem.values.size();
    bool sent = problem.devices > 1; // else nothing ever leaves the device
    double seconds = sent ? microbatches * (transferSeconds(options.link, value.forwardBytes) +
                                            transferSeconds(options.link, value.backwardBytes))
                          : 0;
    double bytes = microbatches * (double(value.forwardBytes) + double(value.backwardBytes));
    double receivers = std::min<double>(readers.size(), problem.stages);
    totalSeconds += seconds * receivers;
    totalBytes += bytes * receivers;
    problem.values.push_back({*value.producer, seconds, sent ? int64_t(std::min(bytes, 0x1p62)) : 0});
    for (unsigned reader : readers)
      inputs[reader].push_back(number);
    outputs[*value.producer].push_back(number);
    problem.readers.append(readers);
  }
  if (!std::isfinite(totalSeconds) || totalBytes > 0x1p62)
    return fail("the graph's seconds or bytes are too large to add");
  for (unsigned node = 0; node < problem.nodes; ++node) {
    problem.inputs.append(inputs[node]);
    problem.outputs.append(outputs[node]);
  }

  double unit = unitFor(totalSeconds);
  auto round = [unit](double seconds) { return std::nearbyint(seconds / unit) * unit; };
  for (double &work : problem.work)
    work = round(work);
  for (Value &value : problem.values)
    value.seconds = round(value.seconds);

  double total = std::accumulate(problem.work.begin(), problem.work.end(), 0.0);
  double fastest = *llvm::max_element(problem.speed);
  double slowest = *llvm::min_element(problem.speed);
  double speeds = std::accumulate(problem.speed.begin(), problem.speed.end(), 0.0);
  problem.lowerBound = std::max(total / speeds, *llvm::max_element(problem.work) / fastest);
  problem.upperBound = total / slowest + (totalSeconds - total) + unit;
  return problem;
}

std::vector<Load> Problem::loads(const Assignment &stageOf) const {
  std::vector<Load> all(stages);
  for (unsigned node = 0; node < nodes; ++node) {
    Load &load = all[stageOf[node]];
    load.work += work[node];
    load.parameters += parameters[node];
    load.saved += saved[node];
  }
  std::vector<unsigned> enters(stages, ~0u);
  for (auto [number, value] : llvm::enumerate(values))
    for (unsigned reader : readers[number]) {
      unsigned stage = stageOf[reader];
      if (deviceOf(stage) == deviceOf(stageOf[value.producer]) ||
          std::exchange(enters[stage], number) == number)
        continue;
      all[stage].transfer += value.seconds;
      all[stage].bytes += value.bytes;
    }
  return all;
}

bool Problem::fits(llvm::ArrayRef<Load> loads) const {
  std::vector<int64_t> used(devices);
  for (auto [stage, load] : llvm::enumerate(loads))
    used[deviceOf(stage)] += memoryOf(load, stage);
  return llvm::all_of(used, [&](int64_t bytes) { return bytes <= memory; });
}

Quality stages::qualityOf(const Problem &problem, llvm::ArrayRef<Load> loads) {
  Quality quality{0, 0};
  for (auto [stage, load] : llvm::enumerate(loads)) {
    quality.seconds = std::max(quality.seconds, problem.seconds(load, stage));
    quality.bytes += load.bytes;
  }
  return quality;
}

StagePlan stages::makePlan(const Problem &problem, const Assignment &stageOf) {
  StagePlan plan;
  plan.stageOf = stageOf;
  std::vector<Load> loads = problem.loads(stageOf);
  for (auto [stage, load] : llvm::enumerate(loads))
    plan.stages.push_back({load.work / problem.speed[stage], load.transfer,
                           problem.memoryOf(load, stage), load.bytes});
  Quality quality = qualityOf(problem, loads);
  plan.slowestSeconds = quality.seconds;
  plan.bytesSent = quality.bytes;
  plan.lowerBoundSeconds = problem.lowerBound;
  return plan;
}

std::string stages::bytesInFull(int64_t bytes) {
  return formatBytes(bytes) + " (" + std::to_string(bytes) + " bytes)";
}

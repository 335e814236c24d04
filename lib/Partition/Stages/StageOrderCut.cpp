// The best cut of a linear order: a search for the time of the slowest stage.
//
// For a time, which positions can stage k end at? Growing a stage to the right only
// adds to it, so from each position that stage k can start at it reaches an interval
// of ends:
//
//     starts of stage k    ..s.s.s........
//     ends of stage k      ...eeeeeeee....      starts of stage k + 1
//
// The ends of the last stage either hold the order's end, or the time is too short.
// How far a stage gets in the time depends on its start and its speed alone. A window
// slides over the order once for each speed; starts that leave the later stages too much
// are dropped beforehand.
#include "lib/Partition/Stages/StageWindow.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <map>

using namespace dtc;
using namespace dtc::stages;

// Above this, times are searched for coarsely.
static constexpr unsigned manyNodes = 5000;

// A window may go back and forth over messages that take longer than most stages;
// past so many steps a time counts as too short.
static constexpr uint64_t maxSteps = 4'000'000, maxStepsPerNode = 64;

// Above so many stages, from any start to any end, the fewest bytes are not searched for.
static constexpr uint64_t maxStages = 2'000'000;

namespace {

/// How far stages of one speed get in a time, from each position.
class Reach {
public:
  Reach(const Problem &problem, const Order &order, llvm::ArrayRef<double> workBefore,
        double speed)
      : workBefore(workBefore), speed(speed), window(problem, order), farthest(problem.nodes) {}

  void restart(double newSeconds) {
    seconds = newSeconds;
    started = false;
  }

  /// The last end of a stage from `start`; `start` itself if there is none. Nothing
  /// if the window moves too much. The first start asked for is the smallest.
  std::optional<unsigned> from(unsigned start) {
    if (!std::exchange(started, true)) {
      window.restart(start);
      next = start;
    }
    for (; next <= start; ++next) {
      while (window.left() < next)
        window.shrinkLeft();
      while (window.right() > next && !fits())
        window.shrinkRight();
      while (window.right() < farthest.size()) {
        window.growRight();
        if (fits())
          continue;
        window.shrinkRight();
        break;
      }
      farthest[next] = window.right();
      if (window.stepsTaken() > std::max(maxSteps, maxStepsPerNode * farthest.size()))
        return std::nullopt;
    }
    return farthest[start];
  }

private:
  bool fits() const {
    double work = workBefore[window.right()] - workBefore[window.left()];
    return work / speed + window.seconds() <= seconds;
  }

  llvm::ArrayRef<double> workBefore;
  double speed, seconds = 0;
  Window window;
  bool started = false;
  unsigned next = 0;
  std::vector<unsigned> farthest;
};

class OrderCutter {
public:
  OrderCutter(const Problem &problem, const Order &order)
      : problem(problem), order(order), layers(problem.stages), workBefore(problem.nodes + 1),
        parametersBefore(problem.nodes + 1), savedBefore(problem.nodes + 1),
        liveBytes(problem.nodes + 1), speedAfter(problem.stages + 1) {
    std::vector<unsigned> position(problem.nodes);
    for (auto [place, node] : llvm::enumerate(order)) {
      position[node] = place;
      workBefore[place + 1] = workBefore[place] + problem.work[node];
      parametersBefore[place + 1] = parametersBefore[place] + problem.parameters[node];
      savedBefore[place + 1] = savedBefore[place] + problem.saved[node];
    }
    for (auto [number, value] : llvm::enumerate(problem.values)) {
      unsigned last = 0;
      for (unsigned reader : problem.readers[number])
        last = std::max(last, position[reader]);
      liveBytes[position[value.producer] + 1] += value.bytes;
      liveBytes[last + 1] -= value.bytes;
    }
    for (unsigned place = 0; place < problem.nodes; ++place)
      liveBytes[place + 1] += liveBytes[place];
    for (unsigned stage = problem.stages; stage-- > 0;)
      speedAfter[stage] = speedAfter[stage + 1] + problem.speed[stage];
    for (double speed : problem.speed)
      reaches.try_emplace(speed, problem, order, workBefore, speed);
  }

  /// A cut with no stage slower than `seconds` and none larger than `memory`.
  std::optional<Assignment> cut(double seconds, int64_t memory) {
    for (auto &[speed, reach] : reaches)
      reach.restart(seconds);
    std::vector<char> starts = {1};
    unsigned offset = 0; // of starts
    for (unsigned stage = 0; stage < problem.stages; ++stage)
      if (!endsOf(stage, seconds, memory, offset, starts))
        return std::nullopt;
    return offset + starts.size() - 1 == problem.nodes ? std::optional(traceBack()) : std::nullopt;
  }

  /// The cut of the same limits that sends the fewest bytes; nothing if there are
  /// too many to look at.
  std::optional<Assignment> cutWithFewestBytes(double seconds, int64_t memory);

private:
  struct Layer {
    unsigned offset;
    /// The last end that a stage from `offset` + i reaches; 0 if it cannot start there.
    std::vector<unsigned> farthest;
  };

  /// Turns the starts of `stage` into its ends, the starts of the next.
  bool endsOf(unsigned stage, double seconds, int64_t memory, unsigned &offset,
              std::vector<char> &starts) {
    Layer &layer = layers[stage];
    layer.offset = offset;
    layer.farthest.assign(starts.size(), 0);
    Reach &reach = reaches.at(problem.speed[stage]);
    // Later stages need a node each, and time for what is left.
    unsigned lastEnd = problem.nodes - (problem.stages - 1 - stage);
    unsigned base = std::max(leastEndOf(stage, seconds), offset + 1), covered = base;
    unsigned memoryEnd = offset;
    std::vector<char> ends;
    for (unsigned i = 0; i < starts.size() && offset + i < lastEnd; ++i) {
      if (!starts[i])
        continue;
      unsigned start = offset + i;
      std::optional<unsigned> inTime = reach.from(start);
      if (!inTime)
        return false;
      memoryEnd = std::max(memoryEnd, start);
      while (memoryEnd < lastEnd && memoryOf(start, memoryEnd + 1, stage) <= memory)
        ++memoryEnd;
      unsigned far = std::min({*inTime, memoryEnd, lastEnd});
      if (far <= start || far < base)
        continue;
      layer.farthest[i] = far;
      unsigned from = std::max(start + 1, covered);
      if (far < from)
        continue;
      ends.resize(far + 1 - base);
      std::fill(ends.begin() + (from - base), ends.end(), 1);
      covered = far + 1;
    }
    starts = std::move(ends);
    offset = base;
    return !starts.empty();
  }

  int64_t memoryOf(unsigned start, unsigned end, unsigned stage) const {
    return parametersBefore[end] - parametersBefore[start] +
           (savedBefore[end] - savedBefore[start]) * problem.inFlight[stage];
  }

  /// The first end of `stage` that does not leave the later stages more work than
  /// they can do in time.
  unsigned leastEndOf(unsigned stage, double seconds) const {
    double least = workBefore.back() - seconds * speedAfter[stage + 1];
    if (stage + 1 == problem.stages)
      return problem.nodes;
    // Rounded down: this only saves work.
    least -= 1e-9 * workBefore.back();
    return std::lower_bound(workBefore.begin(), workBefore.end(), least) - workBefore.begin();
  }

  /// From the end, always the border that the fewest bytes cross.
  Assignment traceBack() const {
    Assignment stageOf(problem.nodes);
    unsigned end = problem.nodes;
    for (unsigned stage = problem.stages; stage-- > 0;) {
      const Layer &layer = layers[stage];
      std::optional<unsigned> best;
      for (auto [i, far] : llvm::enumerate(layer.farthest)) {
        unsigned start = layer.offset + i;
        if (start < end && far >= end && (!best || liveBytes[start] < liveBytes[*best]))
          best = start;
      }
      for (unsigned place = *best; place < end; ++place)
        stageOf[order[place]] = stage;
      end = *best;
    }
    return stageOf;
  }

  const Problem &problem;
  const Order &order;
  std::vector<Layer> layers;
  std::vector<double> workBefore;
  std::vector<int64_t> parametersBefore, savedBefore;
  std::vector<int64_t> liveBytes;
  std::vector<double> speedAfter;
  /// By speed.
  std::map<double, Reach> reaches;
};

std::optional<Assignment> OrderCutter::cutWithFewestBytes(double seconds, int64_t memory) {
  if (!cut(seconds, memory))
    return std::nullopt;
  uint64_t count = 0;
  for (const Layer &layer : layers)
    for (auto [i, far] : llvm::enumerate(layer.farthest))
      count += far ? far - (layer.offset + i) : 0;
  if (count > maxStages)
    return std::nullopt;

  constexpr int64_t never = std::numeric_limits<int64_t>::max();
  Window window(problem, order);
  std::vector<int64_t> bytesTo = {0}; // by start of the stage, from the layer's offset
  std::vector<std::vector<unsigned>> startOf(problem.stages);
  for (unsigned stage = 0; stage < problem.stages; ++stage) {
    const Layer &layer = layers[stage];
    bool last = stage + 1 == problem.stages;
    unsigned base = last ? problem.nodes : layers[stage + 1].offset;
    std::vector<int64_t> bytesToEnd(last ? 1 : layers[stage + 1].farthest.size(), never);
    startOf[stage].resize(bytesToEnd.size());
    for (auto [i, far] : llvm::enumerate(layer.farthest)) {
      unsigned start = layer.offset + i;
      if (!far || bytesTo[i] == never)
        continue;
      window.restart(start);
      while (window.right() < far) {
        window.growRight();
        if (window.right() < base || bytesTo[i] + window.bytes() >= bytesToEnd[window.right() - base])
          continue;
        bytesToEnd[window.right() - base] = bytesTo[i] + window.bytes();
        startOf[stage][window.right() - base] = start;
      }
    }
    bytesTo = std::move(bytesToEnd);
  }

  Assignment stageOf(problem.nodes);
  unsigned end = problem.nodes;
  for (unsigned stage = problem.stages; stage-- > 0;) {
    unsigned base = stage + 1 == problem.stages ? problem.nodes : layers[stage + 1].offset;
    unsigned start = startOf[stage][end - base];
    for (unsigned place = start; place < end; ++place)
      stageOf[order[place]] = stage;
    end = start;
  }
  return stageOf;
}

/// The slowest stage; not slower than by the window, which counts all messages.
double slowest(const Problem &problem, const Assignment &stageOf) {
  return qualityOf(problem, problem.loads(stageOf)).seconds;
}

} // namespace

std::optional<Assignment> stages::cutOrder(const Problem &problem, const Order &order,
                                           int64_t stageMemory, double before) {
  OrderCutter cutter(problem, order);
  double most = std::min(before, problem.upperBound);
  std::optional<Assignment> best = cutter.cut(most, stageMemory);
  if (!best)
    return std::nullopt;
  double least = problem.lowerBound;
  most = std::min(most, slowest(problem, *best));
  double precision = problem.nodes > manyNodes ? 1e-6 : 1e-9;
  while (most - least > precision * most) {
    double middle = least + (most - least) / 2;
    if (std::optional<Assignment> better = cutter.cut(middle, stageMemory)) {
      most = std::min(middle, slowest(problem, *better));
      best = std::move(better);
    } else {
      least = middle;
    }
  }
  std::optional<Assignment> smallest = cutter.cutWithFewestBytes(most, stageMemory);
  return smallest ? smallest : best;
}

int64_t stages::leastStageMemory(const Problem &problem, const Order &order) {
  OrderCutter cutter(problem, order);
  int64_t least = 0, most = 0;
  int64_t inFlight = *llvm::max_element(problem.inFlight);
  for (unsigned node = 0; node < problem.nodes; ++node)
    most += problem.parameters[node] + problem.saved[node] * inFlight;
  while (least < most) {
    int64_t middle = least + (most - least) / 2;
    if (cutter.cut(problem.upperBound, middle))
      most = middle;
    else
      least = middle + 1;
  }
  return most;
}

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
// A window slides over the order, so one time costs about as many steps as there are
// starts; those which leave the later stages too much are dropped beforehand.
#include "lib/Partition/StageSearch.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace dtc;
using namespace dtc::stages;

namespace {

/// The load of the stage from `left` to `right`, exclusive, of an order.
class Window {
public:
  Window(const Problem &problem, const Order &order)
      : problem(problem), order(order), readersInside(problem.values.size()),
        before(problem.nodes) {}

  unsigned left() const { return first; }
  unsigned right() const { return end; }
  const Load &load() const { return inside; }

  void growRight() {
    unsigned node = order[end++];
    weigh(node, 1);
    for (unsigned value : problem.inputs[node])
      if (readersInside[value]++ == 0 && before[problem.values[value].producer])
        inside.transfer += problem.values[value].seconds;
  }
  void shrinkRight() {
    unsigned node = order[--end];
    weigh(node, -1);
    for (unsigned value : problem.inputs[node])
      if (--readersInside[value] == 0 && before[problem.values[value].producer])
        inside.transfer -= problem.values[value].seconds;
  }
  void shrinkLeft() {
    if (first == end)
      growRight();
    unsigned node = order[first++];
    weigh(node, -1);
    for (unsigned value : problem.inputs[node])
      if (--readersInside[value] == 0)
        inside.transfer -= problem.values[value].seconds;
    before[node] = true;
    for (unsigned value : problem.outputs[node])
      if (readersInside[value])
        inside.transfer += problem.values[value].seconds;
  }
  void moveTo(unsigned position) {
    while (end > std::max(first, position))
      shrinkRight();
    while (first < position)
      shrinkLeft();
    while (first > position)
      growLeft();
  }

private:
  /// Only of an empty window: what it holds is emptied by `moveTo`.
  void growLeft() {
    before[order[--first]] = false;
    end = first;
  }
  void weigh(unsigned node, int sign) {
    inside.work += sign * problem.work[node];
    inside.parameters += sign * problem.parameters[node];
    inside.saved += sign * problem.saved[node];
  }

  const Problem &problem;
  const Order &order;
  unsigned first = 0, end = 0;
  Load inside;
  std::vector<unsigned> readersInside;
  std::vector<bool> before;
};

class OrderCutter {
public:
  OrderCutter(const Problem &problem, const Order &order)
      : problem(problem), order(order), window(problem, order), layers(problem.stages),
        workBefore(problem.nodes + 1), liveBytes(problem.nodes + 1),
        speedAfter(problem.stages + 1) {
    std::vector<unsigned> position(problem.nodes);
    for (auto [place, node] : llvm::enumerate(order)) {
      position[node] = place;
      workBefore[place + 1] = workBefore[place] + problem.work[node];
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
  }

  /// A cut with no stage slower than `seconds` and none larger than `memory`.
  std::optional<Assignment> cut(double seconds, int64_t memory) {
    std::vector<char> starts = {1};
    unsigned offset = 0; // of starts
    for (unsigned stage = 0; stage < problem.stages; ++stage)
      if (!reach(stage, seconds, memory, offset, starts))
        return std::nullopt;
    return offset + starts.size() - 1 == problem.nodes ? std::optional(traceBack()) : std::nullopt;
  }

private:
  struct Layer {
    unsigned offset;
    /// The last end that a stage from `offset` + i reaches; 0 if it cannot start there.
    std::vector<unsigned> farthest;
  };

  /// Turns the starts of `stage` into its ends, the starts of the next.
  bool reach(unsigned stage, double seconds, int64_t memory, unsigned &offset,
             std::vector<char> &starts) {
    Layer &layer = layers[stage];
    layer.offset = offset;
    layer.farthest.assign(starts.size(), 0);
    // Later stages need a node each, and time for what is left.
    unsigned lastEnd = problem.nodes - (problem.stages - 1 - stage);
    unsigned leastEnd = leastEndOf(stage, seconds);
    std::vector<char> ends;
    unsigned base = std::max(leastEnd, offset + 1), covered = base;
    window.moveTo(offset);
    for (unsigned i = 0; i < starts.size(); ++i) {
      if (!starts[i])
        continue;
      unsigned start = offset + i;
      if (start >= lastEnd)
        break;
      slideTo(start);
      auto fits = [&] {
        return problem.seconds(window.load(), stage) <= seconds &&
               problem.memoryOf(window.load(), stage) <= memory;
      };
      while (window.right() > start && !fits())
        window.shrinkRight();
      while (window.right() < lastEnd) {
        window.growRight();
        if (fits())
          continue;
        window.shrinkRight();
        break;
      }
      unsigned far = window.right();
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

  void slideTo(unsigned start) {
    while (window.left() < start)
      window.shrinkLeft();
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
  Window window;
  std::vector<Layer> layers;
  std::vector<double> workBefore;
  std::vector<int64_t> liveBytes;
  std::vector<double> speedAfter;
};

/// The slowest stage; not slower than the window said, which counts all messages.
double slowest(const Problem &problem, const Assignment &stageOf) {
  return qualityOf(problem, problem.loads(stageOf)).seconds;
}

} // namespace

std::optional<Assignment> stages::cutOrder(const Problem &problem, const Order &order,
                                           int64_t stageMemory, double before) {
  OrderCutter cutter(problem, order);
  double most = before < problem.upperBound ? before * (1 - 1e-9) : problem.upperBound;
  std::optional<Assignment> best = cutter.cut(most, stageMemory);
  if (!best)
    return std::nullopt;
  double least = problem.lowerBound;
  most = std::min(most, slowest(problem, *best));
  while (most - least > 1e-9 * most) {
    double middle = least + (most - least) / 2;
    if (std::optional<Assignment> better = cutter.cut(middle, stageMemory)) {
      most = std::min(middle, slowest(problem, *better));
      best = std::move(better);
    } else {
      least = middle;
    }
  }
  return best;
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

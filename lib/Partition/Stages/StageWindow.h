// A stage of a linear order whose two ends move.
#ifndef DTC_LIB_PARTITION_STAGES_STAGEWINDOW_H
#define DTC_LIB_PARTITION_STAGES_STAGEWINDOW_H

#include "lib/Partition/Stages/StageSearch.h"

#include <algorithm>

namespace dtc::stages {

/// What enters the stage from `left` to `right`, exclusive, of an order.
class Window {
public:
  Window(const Problem &problem, const Order &order)
      : problem(problem), order(order), readersInside(problem.values.size()),
        before(problem.nodes) {}

  unsigned left() const { return first; }
  unsigned right() const { return end; }
  double seconds() const { return enteringSeconds; }
  int64_t bytes() const { return enteringBytes; }
  uint64_t stepsTaken() const { return steps; }

  void growRight() {
    for (unsigned value : inputsOf(order[end++]))
      if (readersInside[value]++ == 0 && before[problem.values[value].producer])
        enter(value, 1);
  }
  void shrinkRight() {
    for (unsigned value : inputsOf(order[--end]))
      if (--readersInside[value] == 0 && before[problem.values[value].producer])
        enter(value, -1);
  }
  void shrinkLeft() {
    if (first == end)
      growRight();
    unsigned node = order[first++];
    for (unsigned value : inputsOf(node))
      if (--readersInside[value] == 0)
        enter(value, -1);
    before[node] = true;
    for (unsigned value : problem.outputs[node])
      if (readersInside[value])
        enter(value, 1);
  }
  /// Empty, at `position`.
  void restart(unsigned position) {
    while (end > std::max(first, position))
      shrinkRight();
    while (first < position)
      shrinkLeft();
    while (end > first)
      shrinkRight();
    while (first > position)
      before[order[--first]] = false;
    end = first;
    steps = 0;
  }

private:
  llvm::ArrayRef<unsigned> inputsOf(unsigned node) {
    ++steps;
    return problem.inputs[node];
  }

  void enter(unsigned value, int sign) {
    enteringSeconds += sign * problem.values[value].seconds;
    enteringBytes += sign * problem.values[value].bytes;
  }

  const Problem &problem;
  const Order &order;
  unsigned first = 0, end = 0;
  double enteringSeconds = 0;
  int64_t enteringBytes = 0;
  uint64_t steps = 0;
  std::vector<unsigned> readersInside;
  std::vector<bool> before;
};

} // namespace dtc::stages

#endif // DTC_LIB_PARTITION_STAGES_STAGEWINDOW_H

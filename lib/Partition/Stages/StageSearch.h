// The searches that the stage planner puts together.
#ifndef DTC_LIB_PARTITION_STAGES_STAGESEARCH_H
#define DTC_LIB_PARTITION_STAGES_STAGESEARCH_H

#include "lib/Partition/Stages/StageProblem.h"

#include <memory>
#include <optional>

namespace dtc::stages {

/// Nodes in a topological order.
using Order = std::vector<unsigned>;
struct NamedOrder {
  const char *name;
  Order order;
};
/// Orders in which good cuts are likely: the program's, depth-first, breadth-first,
/// each node as late as its readers allow, and fewest live bytes.
std::vector<NamedOrder> linearOrders(const Problem &problem);
/// By stage, and within a stage the program's.
Order orderByStage(const Problem &problem, const Assignment &stageOf);

/// The cut of an order into contiguous stages with the fastest slowest stage
/// (within 10^-9 of it, 10^-6 for thousands of nodes), each within `stageMemory`;
/// nothing if all are slower than `before`. Of cuts as fast, the one that sends the
/// fewest bytes, unless there are millions. Messages between stages of one device are counted too.
std::optional<Assignment> cutOrder(const Problem &problem, const Order &order,
                                   int64_t stageMemory, double before);
/// The least memory of a stage with which an order can be cut at all.
int64_t leastStageMemory(const Problem &problem, const Order &order);

/// Moves nodes across the borders of stages as long as that makes the slower of
/// the touched stages faster, then as long as it saves bytes at no stage's cost.
/// The memory that fitted still fits.
void refine(const Problem &problem, Assignment &stageOf);

/// Dynamic programming over all sets of nodes that hold what their nodes need.
/// For problems whose stages are apart.
class DownSets {
public:
  /// Enumerates them, up to `most`.
  DownSets(const Problem &problem, size_t most);
  ~DownSets();

  /// Whether all were enumerated.
  bool complete() const;
  size_t size() const;

  enum class Goal { Seconds, Bytes, Memory };
  struct Limits {
    /// Of a stage; seconds may be excluded themselves.
    double seconds = std::numeric_limits<double>::infinity();
    bool orEqual = true;
    int64_t memory = std::numeric_limits<int64_t>::max();
  };
  struct Answer {
    /// The best cut within the limits, if there is one.
    std::optional<Assignment> stageOf;
    /// False if the search was given up; then there is no cut.
    bool proven;
  };
  /// The cut within the limits with the least of the goal: the slowest stage's
  /// seconds, bytes sent in all, or the memory of the stage that needs most.
  Answer search(Goal goal, Limits limits) const;

private:
  struct Lattice;
  struct Search;
  std::unique_ptr<Lattice> lattice;
};

} // namespace dtc::stages

#endif // DTC_LIB_PARTITION_STAGES_STAGESEARCH_H

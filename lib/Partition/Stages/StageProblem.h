// The planner's own form of a graph that is to be cut: sums that are exact, and who reads what.
#ifndef DTC_LIB_PARTITION_STAGES_STAGEPROBLEM_H
#define DTC_LIB_PARTITION_STAGES_STAGEPROBLEM_H

#include "dtc/Partition/Stages/StagePlanner.h"

#include <limits>

namespace dtc::stages {

/// The stage of each node.
using Assignment = std::vector<unsigned>;

/// Lists of one row for each of a number of things, in one array.
class Rows {
public:
  Rows() : begin{0} {}
  void append(llvm::ArrayRef<unsigned> row) {
    all.insert(all.end(), row.begin(), row.end());
    begin.push_back(all.size());
  }
  llvm::ArrayRef<unsigned> operator[](unsigned row) const {
    return llvm::ArrayRef(all).slice(begin[row], begin[row + 1] - begin[row]);
  }

private:
  std::vector<unsigned> all;
  std::vector<size_t> begin;
};

/// What a set of nodes weighs as a stage.
struct Load {
  /// At speed 1.
  double work = 0;
  /// Seconds and bytes of what enters.
  double transfer = 0;
  int64_t bytes = 0;
  int64_t parameters = 0, saved = 0;
};

/// All seconds and bytes are those of a step. Seconds are whole multiples of a
/// power of two that is so large that every sum of them is exact: sums then do
/// not depend on the order of their terms, and equal times compare equal.
struct Problem {
  struct Value {
    unsigned producer;
    double seconds;
    int64_t bytes;
  };

  unsigned nodes, stages, devices;
  /// By stage.
  std::vector<unsigned> device;
  std::vector<double> speed;
  std::vector<int64_t> inFlight;
  /// Of a device.
  int64_t memory;

  /// By node.
  std::vector<double> work;
  std::vector<int64_t> parameters, saved;
  /// Values with a producer and a reader; those that a node reads and makes, and
  /// the readers of each value. No row has an entry twice.
  std::vector<Value> values;
  Rows inputs, outputs, readers;

  /// No cut has a faster slowest stage.
  double lowerBound;
  /// No cut has a slower one.
  double upperBound;

  static llvm::Expected<Problem> make(const StageGraph &graph, const StagePlanOptions &options);

  double seconds(const Load &load, unsigned stage) const {
    return load.work / speed[stage] + load.transfer;
  }
  int64_t memoryOf(const Load &load, unsigned stage) const {
    return load.parameters + load.saved * inFlight[stage];
  }
  unsigned deviceOf(unsigned stage) const { return device[stage]; }
  /// Stages on the fullest device.
  unsigned stagesPerDevice() const { return (stages + devices - 1) / devices; }
  /// A stage's load does not depend on where the stages before it run, and no
  /// other stage shares its memory.
  bool stagesAreApart() const {
    return stages <= devices ||
           (devices == 1 && memory == std::numeric_limits<int64_t>::max());
  }

  std::vector<Load> loads(const Assignment &stageOf) const;
  /// Whether every device has the memory for its stages.
  bool fits(llvm::ArrayRef<Load> loads) const;
};

/// How good a cut is: seconds before bytes.
struct Quality {
  double seconds = std::numeric_limits<double>::infinity();
  int64_t bytes = std::numeric_limits<int64_t>::max();
  auto operator<=>(const Quality &other) const = default;
};
Quality qualityOf(const Problem &problem, llvm::ArrayRef<Load> loads);

/// What a cut takes; neither proven nor explained.
StagePlan makePlan(const Problem &problem, const Assignment &stageOf);
/// `1.00 MiB (1048576 bytes)`.
std::string bytesInFull(int64_t bytes);

} // namespace dtc::stages

#endif // DTC_LIB_PARTITION_STAGES_STAGEPROBLEM_H

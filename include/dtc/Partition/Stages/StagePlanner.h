// Cuts a graph into pipeline stages: the slowest stage as fast as can be, within the memory.
#ifndef DTC_PARTITION_STAGES_STAGEPLANNER_H
#define DTC_PARTITION_STAGES_STAGEPLANNER_H

#include "dtc/Cost/Cluster.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dtc {

/// What is cut: nodes in a topological order and the values between them.
struct StageGraph {
  struct Node {
    std::string name;
    /// Seconds a microbatch on a device of speed 1; backward is the gradients of
    /// inputs and of weights together.
    double forwardSeconds = 0, backwardSeconds = 0;
    /// Seconds a step on a device of speed 1.
    double updateSeconds = 0;
    /// Weights, their gradients and the optimizer's state.
    int64_t parameterBytes = 0;
    /// Activations kept for backward, a microbatch.
    int64_t savedBytes = 0;
  };
  struct Value {
    /// Position of the node that makes it; none for an input of the model, which
    /// is at hand wherever it is read.
    std::optional<unsigned> producer;
    llvm::SmallVector<unsigned, 2> consumers;
    /// A microbatch's bytes of the value, and of the gradient that goes back (0: none).
    int64_t forwardBytes = 0, backwardBytes = 0;
  };
  std::vector<Node> nodes;
  std::vector<Value> values;
};

struct StagePlanOptions {
  int64_t stages = 1;
  /// A speed for each device.
  std::vector<double> deviceSpeeds = {1};
  /// The device of each stage; empty: stage k runs on device k mod their number.
  std::vector<unsigned> deviceOfStage;
  int64_t microbatches = 1;
  /// Bytes; 0: as much as it takes.
  int64_t deviceMemory = 0;
  /// Microbatches whose activations each stage keeps at most, by the schedule;
  /// empty: 1F1B's min(microbatches, stages - k).
  std::vector<int64_t> inFlight;
  Link link = Cluster::defaultCPU().link;
  /// Up to so many down-sets the optimum is searched for exactly.
  size_t maxDownSets = 20000;
};

/// Stages of a graph, and what they take a step.
struct StagePlan {
  struct Stage {
    /// Seconds a step: computation, and the messages that enter (and their
    /// gradients, that leave).
    double computeSeconds = 0, transferSeconds = 0;
    /// Parameters, and activations of the microbatches in flight.
    int64_t memoryBytes = 0;
    /// Bytes a step of those messages.
    int64_t transferBytes = 0;

    double seconds() const { return computeSeconds + transferSeconds; }
  };

  /// The stage of each node: never above that of a node which reads its values.
  std::vector<unsigned> stageOf;
  /// None is empty of nodes.
  std::vector<Stage> stages;
  double slowestSeconds = 0;
  /// Bytes a step between devices.
  int64_t bytesSent = 0;
  /// No cut has a faster slowest stage than this.
  double lowerBoundSeconds = 0;
  /// Proven to be the fastest, and among those to send the fewest bytes.
  bool exact = false;
  /// How it was found: one sentence for people.
  std::string foundBy;

  /// How far from the bound, at most: 0.02 is 2 %.
  double gap() const {
    return slowestSeconds > lowerBoundSeconds ? slowestSeconds / lowerBoundSeconds - 1 : 0;
  }
};

/// The cut with the fastest slowest stage, and of those the one that sends the
/// fewest bytes. A stage takes
///
///     (m (forward + backward) + update) / speed  +  m (messages in and gradients back)
///
/// where a value that several nodes of a stage read enters once, and a value from
/// a stage on the same device costs nothing. Any order that respects the graph
/// counts, not only the program's. The stages of one device share its memory.
///
/// Exact by dynamic programming over down-sets while these are few; else the best
/// over several linear orders, refined, with a lower bound. Errors, of one line:
/// nodes not in a topological order, more stages than nodes, no cut that fits
/// into the memory, options that contradict each other.
llvm::Expected<StagePlan> planStages(const StageGraph &graph, const StagePlanOptions &options);

/// The cut by hand: stage i ends after the node named `cutAfter[i]` (the last of
/// that name). It has what that node needs, less the stages before. What no named
/// node needs follows the program's order. Errors, of one line: a name that does
/// not exist, a node that an earlier stage needs already, an empty last stage, a
/// number of names that is not `options.stages` - 1, too little memory.
llvm::Expected<StagePlan> stagesFromCut(const StageGraph &graph, const StagePlanOptions &options,
                                        llvm::ArrayRef<std::string> cutAfter);

} // namespace dtc

#endif // DTC_PARTITION_STAGES_STAGEPLANNER_H

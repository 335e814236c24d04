// Schedules: in which order a device works on the microbatches of its stages.
#ifndef DTC_PARTITION_SCHEDULE_H
#define DTC_PARTITION_SCHEDULE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace dtc::partition {

/// What runs at once: one part of a stage's step on one microbatch.
struct Task {
  enum class Kind {
    Forward,
    /// Backward; where the schedule splits it, the gradients that other stages
    /// wait for.
    Backward,
    /// The rest of backward, which no other stage waits for.
    Weight,
  } kind;
  int64_t stage, microbatch;
  bool operator==(const Task &other) const = default;
};

/// The tasks of one device, in order.
using DeviceSchedule = std::vector<Task>;

/// A pipeline of `devices`, each with `stagesPerDevice` stages: stage s runs on
/// device s mod `devices`. All counts are at least 1.
struct PipelineShape {
  int64_t devices, microbatches, stagesPerDevice = 1;
  int64_t stages() const { return devices * stagesPerDevice; }
};

/// All forwards, then all backwards (Huang et al., "GPipe", 2019).
DeviceSchedule gpipe(const PipelineShape &shape, int64_t device);
/// One forward, one backward (Narayanan et al., "PipeDream", 2019; synchronous,
/// as "Memory-Efficient Pipeline-Parallel DNN Training", 2021, calls "flush").
DeviceSchedule oneForwardOneBackward(const PipelineShape &shape, int64_t device);
/// 1F1B with several stages a device (Narayanan et al., "Efficient Large-Scale
/// Language Model Training on GPU Clusters Using Megatron-LM", 2021, §2.2).
DeviceSchedule interleaved(const PipelineShape &shape, int64_t device);
/// 1F1B with backward split (Qi et al., "Zero Bubble Pipeline Parallelism",
/// 2023, ZB-H1).
DeviceSchedule zeroBubble(const PipelineShape &shape, int64_t device);
/// Forwards alone, for evaluation.
DeviceSchedule forwardOnly(const PipelineShape &shape, int64_t device);

/// A schedule as the command line names it.
struct Schedule {
  llvm::StringRef name;
  DeviceSchedule (*order)(const PipelineShape &shape, int64_t device);
  /// Weight gradients are tasks of their own.
  bool splitsBackward;
  /// Works with more than one stage a device.
  bool interleaves;
};

/// All schedules; the first is the default.
llvm::ArrayRef<Schedule> allSchedules();
/// Nothing if no schedule has the name.
std::optional<Schedule> scheduleNamed(llvm::StringRef name);

/// Microbatches of a stage that are forwarded and not yet done with, at most:
/// how often its activations are kept.
int64_t microbatchesInFlight(const Schedule &schedule, const PipelineShape &shape,
                             int64_t stage);

} // namespace dtc::partition

#endif // DTC_PARTITION_SCHEDULE_H

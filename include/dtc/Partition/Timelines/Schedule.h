// Schedules: in which order a device works on the microbatches of its stages.
#ifndef DTC_PARTITION_TIMELINES_SCHEDULE_H
#define DTC_PARTITION_TIMELINES_SCHEDULE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
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
/// Those of all devices.
using PipelineSchedule = std::vector<DeviceSchedule>;

/// Where stages are, for 3 devices with 2 stages each:
///
///     cyclic  0 1 2 0 1 2      folded  0 1 2 2 1 0
enum class StagePlacement { Cyclic, Folded };

/// A pipeline of `devices`, each with `stagesPerDevice` stages. All counts are at
/// least 1.
struct PipelineShape {
  int64_t devices, microbatches, stagesPerDevice = 1;
  StagePlacement placement = StagePlacement::Cyclic;

  int64_t stages() const { return devices * stagesPerDevice; }
  int64_t deviceOf(int64_t stage) const {
    int64_t place = stage % devices;
    bool back = placement == StagePlacement::Folded && stage / devices % 2 == 1;
    return back ? devices - 1 - place : place;
  }
  /// A device's stage of that round: there is one on each device in 0 … devices - 1, and so on.
  int64_t stageOf(int64_t device, int64_t round) const {
    bool back = placement == StagePlacement::Folded && round % 2 == 1;
    return round * devices + (back ? devices - 1 - device : device);
  }
};

/// All forwards, then all backwards (Huang et al., "GPipe", 2019).
PipelineSchedule gpipe(const PipelineShape &shape);
/// One forward, one backward (Narayanan et al., "PipeDream", 2019; synchronous,
/// as "Memory-Efficient Pipeline-Parallel DNN Training", 2021, calls "flush").
PipelineSchedule oneForwardOneBackward(const PipelineShape &shape);
/// 1F1B with several stages a device (Narayanan et al., "Efficient Large-Scale
/// Language Model Training on GPU Clusters Using Megatron-LM", 2021, §2.2).
PipelineSchedule interleaved(const PipelineShape &shape);
/// 1F1B with backward split (Qi et al., "Zero Bubble Pipeline Parallelism",
/// 2023, ZB-H1).
PipelineSchedule zeroBubble(const PipelineShape &shape);
/// Zero bubble with twice the activations of 1F1B (Qi et al., 2023, ZB-H2).
PipelineSchedule zeroBubble2(const PipelineShape &shape);
/// Two stages a device, folded (Qi et al., "Pipeline Parallelism with
/// Controllable Memory", 2024): of 1F1B's activations and bubble all and none,
/// a half and a half, a third and two thirds.
PipelineSchedule zeroBubbleV(const PipelineShape &shape);
PipelineSchedule vHalf(const PipelineShape &shape);
PipelineSchedule vMin(const PipelineShape &shape);
/// Forwards alone, for evaluation.
PipelineSchedule forwardOnly(const PipelineShape &shape);

/// A schedule as the command line names it.
struct Schedule {
  llvm::StringRef name;
  /// What it is good for, in a few words.
  llvm::StringRef summary;
  PipelineSchedule (*order)(const PipelineShape &shape);
  /// Weight gradients are tasks of their own.
  bool splitsBackward = false;
  StagePlacement placement = StagePlacement::Cyclic;
  /// Stages a device: what it works with, and what it has unless asked.
  int64_t fewestStages = 1, mostStages = 1, usualStages = 1;

  bool takesStages(int64_t each) const { return each >= fewestStages && each <= mostStages; }
};

/// All schedules; the first is the default.
llvm::ArrayRef<Schedule> allSchedules();
/// Nothing if no schedule has the name.
std::optional<Schedule> scheduleNamed(llvm::StringRef name);
/// `1f1b, gpipe, …`, for messages: all, or those that work with so many stages a device.
std::string scheduleNames(std::optional<int64_t> stagesPerDevice = std::nullopt);

/// Microbatches of each stage that are forwarded and not yet done with, at most:
/// how often its activations are kept.
std::vector<int64_t> microbatchesInFlight(const Schedule &schedule, const PipelineShape &shape);

} // namespace dtc::partition

#endif // DTC_PARTITION_TIMELINES_SCHEDULE_H

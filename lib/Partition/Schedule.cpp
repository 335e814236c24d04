// The schedules. Below, each row of a timetable is a device and each column a
// unit of time; a capital is forward, a small letter backward, and w the weight
// gradients of the microbatch that stands before it.
#include "dtc/Partition/Schedule.h"

#include <algorithm>

using namespace dtc;
using namespace dtc::partition;

using Kind = Task::Kind;

// 3 devices, 4 microbatches; backward takes as long as forward:
//
//   0 | A B C D         a b c d
//   1 |   A B C D     a b c d
//   2 |     A B C D a b c d
DeviceSchedule dtc::partition::gpipe(const PipelineShape &shape, int64_t device) {
  DeviceSchedule order;
  for (int64_t stage = device; stage < shape.stages(); stage += shape.devices)
    for (int64_t i = 0; i < shape.microbatches; ++i)
      order.push_back({Kind::Forward, stage, i});
  for (int64_t stage = shape.stages() - shape.devices + device; stage >= 0;
       stage -= shape.devices)
    for (int64_t i = 0; i < shape.microbatches; ++i)
      order.push_back({Kind::Backward, stage, i});
  return order;
}

// Device s begins with as many forwards as devices follow, then one more forward
// before each backward: at most p - s microbatches are under way.
//
//   0 | A B C     a D b   c   d
//   1 |   A B   a C b D c   d
//   2 |     A a B b C c D d
DeviceSchedule dtc::partition::oneForwardOneBackward(const PipelineShape &shape,
                                                     int64_t device) {
  DeviceSchedule order;
  int64_t ahead = std::min(shape.devices - device, shape.microbatches);
  for (int64_t i = 0; i < ahead; ++i)
    order.push_back({Kind::Forward, device, i});
  for (int64_t i = 0; i < shape.microbatches; ++i) {
    order.push_back({Kind::Backward, device, i});
    if (i + ahead < shape.microbatches)
      order.push_back({Kind::Forward, device, i + ahead});
  }
  return order;
}

// As 1F1B, but the next stage waits for the gradient of its output alone; the
// weight gradients come when there is nothing better to do. Device s lags s
// microbatches behind with them, so that no device keeps more than p
// microbatches, which is what 1F1B's first device keeps.
//
//   0 | A  B  C        a  aw D  b  bw c  cw d  dw
//   1 |    A  B     a  C  b  aw D  c  bw d  cw dw
//   2 |       A  a  B  b  C  c  aw D  d  bw cw dw
DeviceSchedule dtc::partition::zeroBubble(const PipelineShape &shape, int64_t device) {
  DeviceSchedule order;
  int64_t ahead = std::min(shape.devices - device, shape.microbatches);
  for (int64_t i = 0; i < ahead; ++i)
    order.push_back({Kind::Forward, device, i});
  int64_t weights = 0;
  for (int64_t i = 0; i < shape.microbatches; ++i) {
    order.push_back({Kind::Backward, device, i});
    // Before the next forward, which needs the place that it frees.
    if (i >= device)
      order.push_back({Kind::Weight, device, weights++});
    if (i + ahead < shape.microbatches)
      order.push_back({Kind::Forward, device, i + ahead});
  }
  while (weights < shape.microbatches)
    order.push_back({Kind::Weight, device, weights++});
  return order;
}

/// The k-th forward of interleaved 1F1B: groups of p microbatches pass through a
/// device's stages one stage after the other.
static Task interleavedForward(const PipelineShape &shape, int64_t device, int64_t k) {
  int64_t group = k / (shape.devices * shape.stagesPerDevice);
  int64_t first = group * shape.devices;
  int64_t size = std::min(shape.devices, shape.microbatches - first);
  int64_t inGroup = k - group * shape.devices * shape.stagesPerDevice;
  return {Kind::Forward, inGroup / size * shape.devices + device, first + inGroup % size};
}

/// Backward goes through the same groups, from the last stage down.
static Task interleavedBackward(const PipelineShape &shape, int64_t device, int64_t k) {
  Task task = interleavedForward(shape, device, k);
  int64_t chunk = shape.stagesPerDevice - 1 - task.stage / shape.devices;
  return {Kind::Backward, chunk * shape.devices + device, task.microbatch};
}

/// `ahead` forwards, then backward and forward in turn.
static DeviceSchedule alternate(const PipelineShape &shape, int64_t device, int64_t ahead) {
  int64_t total = shape.microbatches * shape.stagesPerDevice;
  DeviceSchedule order;
  ahead = std::min(ahead, total);
  for (int64_t k = 0; k < ahead; ++k)
    order.push_back(interleavedForward(shape, device, k));
  for (int64_t k = 0; k < total; ++k) {
    order.push_back(interleavedBackward(shape, device, k));
    if (k + ahead < total)
      order.push_back(interleavedForward(shape, device, k + ahead));
  }
  return order;
}

/// Whether all devices reach the end, each task waiting for what it needs.
static bool ends(const PipelineShape &shape, llvm::ArrayRef<DeviceSchedule> devices) {
  int64_t stages = shape.stages();
  std::vector<bool> forward(stages * shape.microbatches), backward(forward.size());
  std::vector<size_t> next(devices.size());
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t device = 0; device < devices.size(); ++device)
      for (; next[device] < devices[device].size(); ++next[device], moved = true) {
        const Task &task = devices[device][next[device]];
        auto at = [&](int64_t stage) { return stage * shape.microbatches + task.microbatch; };
        bool isForward = task.kind == Kind::Forward;
        if (isForward ? task.stage > 0 && !forward[at(task.stage - 1)]
                      : !forward[at(task.stage)] ||
                            (task.stage + 1 < stages && !backward[at(task.stage + 1)]))
          break;
        (isForward ? forward : backward)[at(task.stage)] = true;
      }
  }
  for (size_t device = 0; device < devices.size(); ++device)
    if (next[device] != devices[device].size())
      return false;
  return true;
}

// 2 devices, 2 stages each: device 0 has stages 0 and 2, device 1 stages 1 and
// 3. Capitals of a device's second stage are underlined by a stroke:
//
//   0 | A  B  A' B' C  a' D  b' C' a  D' b     c'    d' c  d
//   1 |    A  B  A' a' B' b' C  a  D  b  C' c' D' d' c  d
//
// Megatron's warm-up of 2(p - d - 1) + (v - 1)p forwards is enough where p
// divides the microbatches; a smaller last group may need more.
DeviceSchedule dtc::partition::interleaved(const PipelineShape &shape, int64_t device) {
  int64_t total = shape.microbatches * shape.stagesPerDevice;
  for (int64_t more = 1;; ++more) {
    std::vector<DeviceSchedule> devices;
    for (int64_t d = 0; d < shape.devices; ++d)
      devices.push_back(alternate(shape, d,
                                  2 * (shape.devices - d - 1) +
                                      (shape.stagesPerDevice - 1) * shape.devices + more));
    if (ends(shape, devices) || more >= total)
      return devices[device];
  }
}

DeviceSchedule dtc::partition::forwardOnly(const PipelineShape &shape, int64_t device) {
  DeviceSchedule order;
  for (int64_t i = 0; i < shape.microbatches; ++i)
    for (int64_t stage = device; stage < shape.stages(); stage += shape.devices)
      order.push_back({Kind::Forward, stage, i});
  return order;
}

llvm::ArrayRef<Schedule> dtc::partition::allSchedules() {
  static const Schedule schedules[] = {
      {"1f1b", oneForwardOneBackward, false, false},
      {"gpipe", gpipe, false, true},
      {"interleaved", interleaved, false, true},
      {"zero-bubble", zeroBubble, true, false},
  };
  return schedules;
}

std::optional<Schedule> dtc::partition::scheduleNamed(llvm::StringRef name) {
  for (const Schedule &schedule : allSchedules())
    if (schedule.name == name)
      return schedule;
  return std::nullopt;
}

int64_t dtc::partition::microbatchesInFlight(const Schedule &schedule,
                                             const PipelineShape &shape, int64_t stage) {
  int64_t now = 0, most = 0;
  Kind last = schedule.splitsBackward ? Kind::Weight : Kind::Backward;
  for (const Task &task : schedule.order(shape, stage % shape.devices)) {
    if (task.stage != stage)
      continue;
    if (task.kind == Kind::Forward)
      most = std::max(most, ++now);
    else if (task.kind == last)
      --now;
  }
  return most;
}

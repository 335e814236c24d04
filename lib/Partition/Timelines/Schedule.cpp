// The schedules. Below, each row of a timetable is a device and each column a
// unit of time; a capital is forward, a small letter backward, and w the weight
// gradients of the microbatch that stands before it.
#include "dtc/Partition/Timelines/Schedule.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <array>
#include <deque>

using namespace dtc;
using namespace dtc::partition;

using Kind = Task::Kind;

/// What `order` says of each device.
template <typename Order>
static PipelineSchedule ofEachDevice(const PipelineShape &shape, Order order) {
  PipelineSchedule devices;
  for (int64_t device = 0; device < shape.devices; ++device)
    devices.push_back(order(device));
  return devices;
}

// 3 devices, 4 microbatches; backward takes as long as forward:
//
//   0 | A B C D         a b c d
//   1 |   A B C D     a b c d
//   2 |     A B C D a b c d
PipelineSchedule dtc::partition::gpipe(const PipelineShape &shape) {
  return ofEachDevice(shape, [&](int64_t device) {
    DeviceSchedule order;
    for (int64_t stage = device; stage < shape.stages(); stage += shape.devices)
      for (int64_t i = 0; i < shape.microbatches; ++i)
        order.push_back({Kind::Forward, stage, i});
    for (int64_t stage = shape.stages() - shape.devices + device; stage >= 0;
         stage -= shape.devices)
      for (int64_t i = 0; i < shape.microbatches; ++i)
        order.push_back({Kind::Backward, stage, i});
    return order;
  });
}

/// `ahead` forwards, then backward and forward in turn.
static DeviceSchedule oneBackwardOneForward(const PipelineShape &shape, int64_t device, int64_t ahead) {
  DeviceSchedule order;
  ahead = std::min(ahead, shape.microbatches);
  for (int64_t i = 0; i < ahead; ++i)
    order.push_back({Kind::Forward, device, i});
  for (int64_t i = 0; i < shape.microbatches; ++i) {
    order.push_back({Kind::Backward, device, i});
    if (i + ahead < shape.microbatches)
      order.push_back({Kind::Forward, device, i + ahead});
  }
  return order;
}

// Device s begins with as many forwards as devices follow, then one more forward
// before each backward: at most p - s microbatches are under way.
//
//   0 | A B C     a D b   c   d
//   1 |   A B   a C b D c   d
//   2 |     A a B b C c D d
PipelineSchedule dtc::partition::oneForwardOneBackward(const PipelineShape &shape) {
  return ofEachDevice(shape, [&](int64_t device) {
    return oneBackwardOneForward(shape, device, shape.devices - device);
  });
}

// As 1F1B, but the next stage waits for the gradient of its output alone; the
// weight gradients come when there is nothing better to do. Device s lags s
// microbatches behind with them, so that no device keeps more than p
// microbatches, which is what 1F1B's first device keeps.
//
//   0 | A  B  C        a  aw D  b  bw c  cw d  dw
//   1 |    A  B     a  C  b  aw D  c  bw d  cw dw
//   2 |       A  a  B  b  C  c  aw D  d  bw cw dw
PipelineSchedule dtc::partition::zeroBubble(const PipelineShape &shape) {
  return ofEachDevice(shape, [&](int64_t device) {
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
  });
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
PipelineSchedule dtc::partition::interleaved(const PipelineShape &shape) {
  int64_t total = shape.microbatches * shape.stagesPerDevice;
  for (int64_t more = 1;; ++more) {
    PipelineSchedule devices = ofEachDevice(shape, [&](int64_t device) {
      return alternate(shape, device,
                       2 * (shape.devices - device - 1) +
                           (shape.stagesPerDevice - 1) * shape.devices + more);
    });
    if (ends(shape, devices) || more >= total)
      return devices;
  }
}

PipelineSchedule dtc::partition::forwardOnly(const PipelineShape &shape) {
  return ofEachDevice(shape, [&](int64_t device) {
    DeviceSchedule order;
    for (int64_t i = 0; i < shape.microbatches; ++i)
      for (int64_t round = 0; round < shape.stagesPerDevice; ++round)
        order.push_back({Kind::Forward, shape.stageOf(device, round), i});
    return order;
  });
}

//===----------------------------------------------------------------------===//
// Schedules that are played: passes in a fixed order, weight gradients between
//===----------------------------------------------------------------------===//

namespace {
/// Lets devices work in steps of one unit. Each runs the next of its forwards
/// and backwards as soon as it can; while it cannot, or has no room for another
/// forward's activations, weight gradients, which also make room; and while it
/// has none, a forward ahead of its turn, if `spare` places stay free behind it.
class WeightsBetween {
public:
  /// `passes` are each device's forwards and backwards, a stage's in the order of
  /// microbatches; `room` is for so many stages' microbatches on a device.
  WeightsBetween(const PipelineShape &shape, PipelineSchedule passes, int64_t room,
                 int64_t spare)
      : shape(shape), room(room), spare(spare), devices(shape.devices), forwards(shape.stages()),
        backwards(shape.stages()) {
    for (int64_t device = 0; device < shape.devices; ++device)
      devices[device].passes = std::move(passes[device]);
  }

  PipelineSchedule play();

private:
  struct Device {
    DeviceSchedule passes, order;
    size_t next = 0;
    std::vector<bool> ran;
    std::deque<Task> weights;
    int64_t kept = 0;
  };

  bool isReady(const Task &task) const {
    if (task.kind == Kind::Forward)
      return task.stage == 0 || forwards[task.stage - 1] > task.microbatch;
    return forwards[task.stage] > task.microbatch &&
           (task.stage + 1 == shape.stages() || backwards[task.stage + 1] > task.microbatch);
  }
  std::optional<Task> choose(Device &device) const;

  const PipelineShape &shape;
  int64_t room, spare;
  std::vector<Device> devices;
  /// Microbatches that a stage has done.
  std::vector<int64_t> forwards, backwards;
};
} // namespace

std::optional<Task> WeightsBetween::choose(Device &device) const {
  while (device.next < device.passes.size() && device.ran[device.next])
    ++device.next;
  auto run = [&](size_t place) {
    device.ran[place] = true;
    return device.passes[place];
  };
  bool hasWeights = !device.weights.empty();
  if (device.next < device.passes.size()) {
    const Task &task = device.passes[device.next];
    if (isReady(task) && !(task.kind == Kind::Forward && device.kept >= room && hasWeights))
      return run(device.next);
  }
  if (hasWeights) {
    Task task = device.weights.front();
    device.weights.pop_front();
    return task;
  }
  if (device.kept + spare < room)
    for (size_t place = device.next; place < device.passes.size(); ++place)
      if (const Task &task = device.passes[place];
          !device.ran[place] && task.kind == Kind::Forward && isReady(task))
        return run(place);
  return std::nullopt;
}

PipelineSchedule WeightsBetween::play() {
  for (Device &device : devices)
    device.ran.resize(device.passes.size());
  for (bool moved = true; moved;) {
    moved = false;
    std::vector<std::optional<Task>> chosen;
    for (Device &device : devices)
      chosen.push_back(choose(device));
    for (size_t i = 0; i < devices.size(); ++i) {
      if (!chosen[i])
        continue;
      moved = true;
      auto [kind, stage, microbatch] = *chosen[i];
      Device &device = devices[i];
      device.order.push_back(*chosen[i]);
      device.kept += kind == Kind::Forward ? 1 : kind == Kind::Weight ? -1 : 0;
      forwards[stage] += kind == Kind::Forward;
      backwards[stage] += kind == Kind::Backward;
      if (kind == Kind::Backward)
        device.weights.push_back({Kind::Weight, stage, microbatch});
    }
  }
  PipelineSchedule orders;
  for (Device &device : devices)
    orders.push_back(std::move(device.order));
  return orders;
}

// 1F1B with so many forwards ahead that the last device's first gradient is
// back when the first device has done them:
//
//   0 | A  B  C  a  aw D  b  bw E  c  cw F  d  e  dw ew f  fw
//   1 |    A  a  B  b  C  c  aw D  d  bw E  e  cw F  f  dw ew fw
PipelineSchedule dtc::partition::zeroBubble2(const PipelineShape &shape) {
  PipelineSchedule passes = ofEachDevice(shape, [&](int64_t device) {
    return oneBackwardOneForward(shape, device, 2 * (shape.devices - device) - 1);
  });
  int64_t room = 2 * shape.devices - 1;
  return WeightsBetween(shape, std::move(passes), room, /*spare=*/room).play();
}

// A microbatch runs down the devices and back up, twice: forward, and backward.
// With two stages of three tasks each, a device begins with a microbatch every
// six units; what it keeps is what a microbatch takes from its forwards to its
// weight gradients, over six. So the delays from device to device (forward down,
// forward up, backward down, backward up) choose the memory: 1 everywhere is the
// least, 4p / 6 places of 1F1B's 2p (a place is a microbatch of one stage).
//
//   delays 1 1 1 1, p = 3:   0 | A         A' a'        a
//                            1 |   A    A'       a'  a
//                            2 |     A A'          a' a
//
// The four passes must not meet on a device, modulo six units: the turns wait
// until they do not.
static PipelineSchedule folded(const PipelineShape &shape, std::array<int64_t, 4> delays) {
  constexpr int64_t period = 6;
  int64_t last = shape.devices - 1;
  auto begins = [&](int64_t device, std::array<int64_t, 3> waits) {
    std::array<int64_t, 4> at;
    int64_t turn = 0;
    for (int64_t pass = 0; pass < 4; ++pass) {
      int64_t passed = pass % 2 == 0 ? device : last - device;
      at[pass] = turn + delays[pass] * passed;
      if (pass < 3)
        turn += delays[pass] * last + 1 + waits[pass];
    }
    return at;
  };
  auto fits = [&](std::array<int64_t, 3> waits) {
    for (int64_t device = 0; device <= last; ++device) {
      int64_t taken = 0;
      for (int64_t at : begins(device, waits))
        taken |= 1 << at % period;
      if (llvm::popcount(static_cast<uint64_t>(taken)) != 4)
        return false;
    }
    return true;
  };
  // Residues of the waits are what counts: the first that fit, the shortest first.
  std::array<int64_t, 3> waits{};
  for (int64_t all = 0; all <= 3 * (period - 1); ++all)
    for (int64_t first = 0; first <= all; ++first)
      for (int64_t second = 0; first + second <= all; ++second)
        if (fits({first, second, all - first - second})) {
          waits = {first, second, all - first - second};
          all = first = period * period; // ends all three
          break;
        }

  PipelineSchedule passes;
  for (int64_t device = 0; device <= last; ++device) {
    int64_t down = shape.stageOf(device, 0), up = shape.stageOf(device, 1);
    std::array<int64_t, 4> at = begins(device, waits);
    std::vector<std::pair<int64_t, Task>> timed;
    for (int64_t i = 0; i < shape.microbatches; ++i) {
      timed.push_back({at[0] + period * i, {Kind::Forward, down, i}});
      timed.push_back({at[1] + period * i, {Kind::Forward, up, i}});
      timed.push_back({at[2] + period * i, {Kind::Backward, up, i}});
      timed.push_back({at[3] + period * i, {Kind::Backward, down, i}});
    }
    llvm::sort(timed, [](const auto &a, const auto &b) { return a.first < b.first; });
    passes.emplace_back();
    for (const auto &[time, task] : timed)
      passes.back().push_back(task);
  }
  return passes;
}

//   0 | A   B   C   A'  a'  aw' B'  b'  a   bw' D   aw  C'  c'  b   cw' bw  D'  d'  c   dw' d   cw  dw
//   1 |     A   A'  B   B'  a'  a   aw' C   aw  C'  b'  b   bw' D   bw  D'  c'  c   d'  d   cw' cw  dw' dw
PipelineSchedule dtc::partition::zeroBubbleV(const PipelineShape &shape) {
  return WeightsBetween(shape, folded(shape, {3, 3, 3, 3}), 2 * shape.devices, /*spare=*/1).play();
}

//   0 | A   B   C   D       A'  a'  aw'     B'  b'  a   bw' aw  C'  c'  b   cw' bw      D'  d'  c   dw' cw      d   dw
//   1 |     A   B   C   A'          a'  B'  aw' a   b'  aw  C'  D   b   c'  bw' bw  D'  cw' c   d'  cw  dw' d   dw
//   2 |         A   A'  B   B'          a'  a   C   aw' C'  b'  b   aw  D   bw' D'  c'  c   bw  cw' d'  d   cw  dw' dw
PipelineSchedule dtc::partition::vHalf(const PipelineShape &shape) {
  return WeightsBetween(shape, folded(shape, {2, 1, 2, 1}), shape.devices + 2, /*spare=*/1).play();
}

//   0 | A   B               A'  a'  aw'     B'  C   a   b'  aw  bw' C'  D   b   c'  bw  cw' D'      c   d'  cw  dw'         d   dw
//   1 |     A   B       A'          a'  B'  aw' a   C   aw  b'  C'  bw' b   D   bw  c'  D'  cw' c   cw      d'  dw'     d   dw
//   2 |         A   A'  B   B'          a'  a   aw' aw  C   C'  b'  b   bw' bw  D   D'  c'  c   cw' cw          d'  d   dw' dw
PipelineSchedule dtc::partition::vMin(const PipelineShape &shape) {
  int64_t room = llvm::divideCeil(2 * shape.devices, 3) + 2;
  return WeightsBetween(shape, folded(shape, {1, 1, 1, 1}), room, /*spare=*/2).play();
}

llvm::ArrayRef<Schedule> dtc::partition::allSchedules() {
  constexpr int64_t many = 1024;
  static const Schedule schedules[] = {
      {.name = "1f1b", .summary = "few activations", .order = oneForwardOneBackward},
      {.name = "gpipe", .summary = "all forwards, then all backwards", .order = gpipe, .mostStages = many},
      {.name = "interleaved", .summary = "a shorter bubble by several stages a device", .order = interleaved,
       .mostStages = many, .usualStages = 2},
      {.name = "zero-bubble", .summary = "a third of the bubble, 1f1b's memory", .order = zeroBubble,
       .splitsBackward = true},
      {.name = "zero-bubble-2", .summary = "no bubble, twice the activations", .order = zeroBubble2,
       .splitsBackward = true},
      {.name = "zero-bubble-v", .summary = "no bubble, 1f1b's activations", .order = zeroBubbleV,
       .splitsBackward = true, .placement = StagePlacement::Folded, .fewestStages = 2, .mostStages = 2, .usualStages = 2},
      {.name = "v-half", .summary = "half the bubble, half the activations", .order = vHalf,
       .splitsBackward = true, .placement = StagePlacement::Folded, .fewestStages = 2, .mostStages = 2, .usualStages = 2},
      {.name = "v-min", .summary = "two thirds of the bubble, a third of the activations", .order = vMin,
       .splitsBackward = true, .placement = StagePlacement::Folded, .fewestStages = 2, .mostStages = 2, .usualStages = 2},
  };
  return schedules;
}

std::optional<Schedule> dtc::partition::scheduleNamed(llvm::StringRef name) {
  for (const Schedule &schedule : allSchedules())
    if (schedule.name == name)
      return schedule;
  return std::nullopt;
}

std::string dtc::partition::scheduleNames(std::optional<int64_t> stagesPerDevice) {
  std::string names;
  for (const Schedule &schedule : allSchedules())
    if (!stagesPerDevice || schedule.takesStages(*stagesPerDevice))
      names += (names.empty() ? "" : ", ") + schedule.name.str();
  return names;
}

std::vector<int64_t> dtc::partition::microbatchesInFlight(const Schedule &schedule,
                                                          const PipelineShape &shape) {
  std::vector<int64_t> now(shape.stages()), most(shape.stages());
  Kind last = schedule.splitsBackward ? Kind::Weight : Kind::Backward;
  for (const DeviceSchedule &device : schedule.order(shape))
    for (const Task &task : device) {
      if (task.kind == Kind::Forward)
        most[task.stage] = std::max(most[task.stage], ++now[task.stage]);
      else if (task.kind == last)
        --now[task.stage];
    }
  return most;
}

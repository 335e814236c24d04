// The orders of schedules: complete, feasible, as drawn in Schedule.cpp, and
// with as many microbatches under way as the literature has.
#include "dtc/Partition/Timelines/Schedule.h"

#include "gtest/gtest.h"

#include <map>

using namespace dtc::partition;
using Kind = Task::Kind;

namespace {

using Start = std::map<std::tuple<Kind, int64_t, int64_t>, int64_t>;

/// When each task starts if all take one unit of time and messages none; fewer
/// than all if devices wait for each other.
Start play(const Schedule &schedule, const PipelineShape &shape) {
  Start start;
  std::vector<size_t> next(shape.devices);
  std::vector<int64_t> free(shape.devices);
  PipelineSchedule orders = schedule.order(shape);
  for (bool moved = true; moved;) {
    moved = false;
    for (int64_t device = 0; device < shape.devices; ++device) {
      const DeviceSchedule &order = orders[device];
      for (; next[device] < order.size(); ++next[device], moved = true) {
        auto [kind, stage, microbatch] = order[next[device]];
        std::vector<std::tuple<Kind, int64_t, int64_t>> needs;
        if (kind == Kind::Forward && stage > 0)
          needs.push_back({Kind::Forward, stage - 1, microbatch});
        if (kind == Kind::Backward) {
          needs.push_back({Kind::Forward, stage, microbatch});
          if (stage + 1 < shape.stages())
            needs.push_back({Kind::Backward, stage + 1, microbatch});
        }
        if (kind == Kind::Weight)
          needs.push_back({Kind::Backward, stage, microbatch});
        int64_t begin = free[device];
        bool ready = true;
        for (const auto &task : needs) {
          auto found = start.find(task);
          ready &= found != start.end();
          if (ready)
            begin = std::max(begin, found->second + 1);
        }
        if (!ready)
          break;
        start[{kind, stage, microbatch}] = begin;
        free[device] = begin + 1;
      }
    }
  }
  return start;
}

/// A row for each device: `A` forward, `a` backward, `aw` weight gradients; a
/// stroke for each round of stages.
std::string draw(const Schedule &schedule, const PipelineShape &shape) {
  std::map<std::pair<int64_t, int64_t>, std::string> cells;
  int64_t end = 0;
  size_t width = 1;
  for (auto [task, begin] : play(schedule, shape)) {
    auto [kind, stage, microbatch] = task;
    std::string cell(1, static_cast<char>((kind == Kind::Forward ? 'A' : 'a') + microbatch));
    cell += kind == Kind::Weight ? "w" : "";
    cell.append(stage / shape.devices, '\'');
    width = std::max(width, cell.size());
    cells[{shape.deviceOf(stage), begin}] = cell;
    end = std::max(end, begin + 1);
  }
  std::string text = "\n";
  for (int64_t device = 0; device < shape.devices; ++device) {
    std::string row = std::to_string(device) + " |";
    for (int64_t time = 0; time < end; ++time) {
      std::string cell = cells[{device, time}];
      cell.resize(width, ' ');
      row += " " + cell;
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Schedule named(llvm::StringRef name) { return *scheduleNamed(name); }

TEST(ScheduleOrders, AreAsDrawn) {
  EXPECT_EQ(draw(named("gpipe"), {3, 4}), R"(
0 | A B C D         a b c d
1 |   A B C D     a b c d
2 |     A B C D a b c d
)");
  EXPECT_EQ(draw(named("1f1b"), {3, 4}), R"(
0 | A B C     a D b   c   d
1 |   A B   a C b D c   d
2 |     A a B b C c D d
)");
  EXPECT_EQ(draw(named("zero-bubble"), {3, 4}), R"(
0 | A  B  C        a  aw D  b  bw c  cw d  dw
1 |    A  B     a  C  b  aw D  c  bw d  cw dw
2 |       A  a  B  b  C  c  aw D  d  bw cw dw
)");
  EXPECT_EQ(draw(named("zero-bubble-2"), {2, 6}), R"(
0 | A  B  C  a  aw D  b  bw E  c  cw F  d  e  dw ew f  fw
1 |    A  a  B  b  C  c  aw D  d  bw E  e  cw F  f  dw ew fw
)");
  EXPECT_EQ(draw(named("zero-bubble-v"), {2, 4, 2, StagePlacement::Folded}), R"(
0 | A   B   C   A'  a'  aw' B'  b'  a   bw' D   aw  C'  c'  b   cw' bw  D'  d'  c   dw' d   cw  dw
1 |     A   A'  B   B'  a'  a   aw' C   aw  C'  b'  b   bw' D   bw  D'  c'  c   d'  d   cw' cw  dw' dw
)");
  EXPECT_EQ(draw(named("v-half"), {3, 4, 2, StagePlacement::Folded}), R"(
0 | A   B   C   D       A'  a'  aw'     B'  b'  a   bw' aw  C'  c'  b   cw' bw      D'  d'  c   dw' cw      d   dw
1 |     A   B   C   A'          a'  B'  aw' a   b'  aw  C'  D   b   c'  bw' bw  D'  cw' c   d'  cw  dw' d   dw
2 |         A   A'  B   B'          a'  a   C   aw' C'  b'  b   aw  D   bw' D'  c'  c   bw  cw' d'  d   cw  dw' dw
)");
  EXPECT_EQ(draw(named("v-min"), {3, 4, 2, StagePlacement::Folded}), R"(
0 | A   B               A'  a'  aw'     B'  C   a   b'  aw  bw' C'  D   b   c'  bw  cw' D'      c   d'  cw  dw'         d   dw
1 |     A   B       A'          a'  B'  aw' a   C   aw  b'  C'  bw' b   D   bw  c'  D'  cw' c   cw      d'  dw'     d   dw
2 |         A   A'  B   B'          a'  a   aw' aw  C   C'  b'  b   bw' bw  D   D'  c'  c   cw' cw          d'  d   dw' dw
)");
  EXPECT_EQ(draw(named("interleaved"), {2, 4, 2}), R"(
0 | A  B  A' B' C  a' D  b' C' a  D' b     c'    d' c  d
1 |    A  B  A' a' B' b' C  a  D  b  C' c' D' d' c  d
)");
}

/// All tasks once, each device's in an order in which all come to their end.
TEST(ScheduleOrders, HaveEachTaskOnceAndEnd) {
  for (const Schedule &schedule : allSchedules())
    for (int64_t devices = 1; devices <= 8; ++devices)
      for (int64_t microbatches = 1; microbatches <= 16; ++microbatches)
        for (int64_t each = schedule.fewestStages; each <= std::min<int64_t>(schedule.mostStages, 3); ++each) {
          PipelineShape shape{devices, microbatches, each, schedule.placement};
          size_t tasks = 0;
          PipelineSchedule orders = schedule.order(shape);
          for (int64_t device = 0; device < devices; ++device) {
            tasks += orders[device].size();
            for (const Task &task : orders[device]) {
              EXPECT_EQ(shape.deviceOf(task.stage), device);
              EXPECT_LT(task.stage, shape.stages());
              EXPECT_LT(task.microbatch, microbatches);
            }
          }
          size_t kinds = schedule.splitsBackward ? 3 : 2;
          EXPECT_EQ(tasks, kinds * shape.stages() * microbatches);
          // Started, and so different tasks: as many as there are entries.
          EXPECT_EQ(play(schedule, shape).size(), tasks)
              << schedule.name.str() << " " << devices << "x" << each << " " << microbatches;
        }
}

TEST(ScheduleOrders, KeepAsManyMicrobatchesAsTheyShould) {
  for (int64_t devices = 1; devices <= 8; ++devices)
    for (int64_t microbatches = 1; microbatches <= 16; ++microbatches)
      for (int64_t stage = 0; stage < devices; ++stage) {
        PipelineShape shape{devices, microbatches};
        EXPECT_EQ(microbatchesInFlight(named("gpipe"), shape)[stage], microbatches);
        EXPECT_EQ(microbatchesInFlight(named("1f1b"), shape)[stage],
                  std::min(devices - stage, microbatches));
        EXPECT_LE(microbatchesInFlight(named("zero-bubble"), shape)[stage],
                  std::min(devices, microbatches));
      }
}

/// What a schedule of the zero-bubble family leaves idle: a device works from its
/// first task to its last, so many units longer than its tasks take. Devices begin
/// one after the other, and end so.
int64_t bubble(const Schedule &schedule, const PipelineShape &shape) {
  std::map<int64_t, std::pair<int64_t, int64_t>> spans;
  for (auto [task, begin] : play(schedule, shape)) {
    auto [known, added] = spans.try_emplace(shape.deviceOf(std::get<1>(task)), begin, begin + 1);
    known->second.first = std::min(known->second.first, begin);
    known->second.second = std::max(known->second.second, begin + 1);
  }
  int64_t longest = 0;
  for (auto [device, span] : spans)
    longest = std::max(longest, span.second - span.first);
  return longest - 3 * shape.stagesPerDevice * shape.microbatches;
}

/// Microbatches of stages that a device keeps at most, of a slot each.
int64_t kept(const Schedule &schedule, const PipelineShape &shape) {
  std::vector<int64_t> ofDevice(shape.devices), ofStage = microbatchesInFlight(schedule, shape);
  for (int64_t stage = 0; stage < shape.stages(); ++stage)
    ofDevice[shape.deviceOf(stage)] += ofStage[stage];
  return *std::max_element(ofDevice.begin(), ofDevice.end());
}

// Qi et al., 2023, table 1 (ZB-H2), and 2024, table 2, with F = B = W = 1. 1F1B keeps p microbatches of one stage, 2p places of
// half a stage, and idles 3 (p - 1) units of a whole stage, 6 (p - 1) of half a stage.
TEST(ScheduleOrders, TradeActivationsForTheBubble) {
  for (int64_t p = 1; p <= 8; ++p)
    for (int64_t m : {2 * p, 2 * p + 1, 3 * p + 2, int64_t(32)}) {
      PipelineShape one{p, m}, two{p, m, 2, StagePlacement::Folded};
      EXPECT_EQ(bubble(named("zero-bubble"), one), p - 1);
      EXPECT_LE(kept(named("zero-bubble"), one), p);
      EXPECT_EQ(bubble(named("zero-bubble-2"), one), 0) << p << " " << m;
      EXPECT_EQ(kept(named("zero-bubble-2"), one), 2 * p - 1) << p << " " << m;
      EXPECT_EQ(bubble(named("zero-bubble-v"), two), 0) << p << " " << m;
      EXPECT_LE(kept(named("zero-bubble-v"), two), 2 * p + 1) << p << " " << m;
      EXPECT_LE(bubble(named("v-half"), two), 3 * (p - 1)) << p << " " << m;
      EXPECT_LE(kept(named("v-half"), two), p + 4) << p << " " << m;
      EXPECT_LE(bubble(named("v-min"), two), 4 * (p - 1)) << p << " " << m;
      EXPECT_LE(kept(named("v-min"), two), (2 * p + 2) / 3 + 3) << p << " " << m;
    }
}

/// The step's length in units, from which (p - 1) / (m + p - 1) follows.
int64_t length(const Schedule &schedule, const PipelineShape &shape) {
  int64_t end = 0;
  for (auto [task, begin] : play(schedule, shape))
    end = std::max(end, begin + 1);
  return end;
}

TEST(ScheduleOrders, HaveTheBubbleOfTheLiterature) {
  for (int64_t devices = 1; devices <= 8; ++devices)
    for (int64_t microbatches = devices; microbatches <= 16; ++microbatches) {
      PipelineShape shape{devices, microbatches};
      // Huang et al., 2019, §2.3; Narayanan et al., 2021, §2.2.
      EXPECT_EQ(length(named("gpipe"), shape), 2 * (microbatches + devices - 1));
      EXPECT_EQ(length(named("1f1b"), shape), 2 * (microbatches + devices - 1));
      // Qi et al., 2023, table 1: (p - 1) (F + B - W) with F = B = W.
      EXPECT_LE(length(named("zero-bubble"), shape), 3 * microbatches + devices - 1);
    }
}

TEST(ScheduleOrders, InterleavingShortensTheBubble) {
  for (int64_t devices : {2, 4, 8})
    for (int64_t microbatches : {devices, 2 * devices}) {
      // Narayanan et al., 2021, §2.2: the bubble is shorter by the stages a device.
      EXPECT_EQ(length(named("interleaved"), {devices, microbatches, 2}),
                2 * (2 * microbatches + devices - 1));
      EXPECT_LT(length(named("interleaved"), {devices, microbatches, 2}),
                2 * length(named("1f1b"), {devices, microbatches}));
    }
}

} // namespace

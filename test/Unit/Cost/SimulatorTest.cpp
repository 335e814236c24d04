// The simulator against closed forms and against steps counted by hand.
#include "dtc/Cost/ClusterMachine.h"
#include "dtc/Pipelines/Registration.h"
#include "test/Unit/Partition/CompiledPipelines.h"
#include "test/Unit/Partition/PipelinePrograms.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringMap.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;

namespace {

/// Seconds by fragment, speeds by rank, and one kind of link.
struct Machine : MachineModel {
  double runSeconds(int64_t rank, dist::RunOp run) const override {
    StringRef name = run.getFragment();
    auto exact = seconds.find(name);
    double time = exact != seconds.end() ? exact->second : seconds.lookup(nameOf(timeline::workOf(
                                                          SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(run, run.getFragmentAttr()))));
    return speeds.empty() ? time : time / speeds[rank];
  }
  Link linkBetween(int64_t, int64_t) const override { return link; }

  llvm::StringMap<double> seconds;
  std::vector<double> speeds;
  Link link{0, std::numeric_limits<double>::infinity()};
};

class Simulator : public testing::Test {
protected:
  Simulator() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
  }

  Simulation play(ModuleOp module, const MachineModel &machine, const SimulationOptions &options = {}) {
    FailureOr<timeline::PhaseTimelines> timelines =
        timeline::PhaseTimelines::of(module, "train");
    EXPECT_TRUE(succeeded(timelines));
    FailureOr<Simulation> simulation = simulate(*timelines, machine, options);
    EXPECT_TRUE(succeeded(simulation));
    return *simulation;
  }

  /// Two ranks along "pipe", or `ranks` along "data" that all run `first`.
  OwningOpRef<ModuleOp> parse(StringRef first, StringRef second) {
    return parseText("2", "pipe", timeline("a", first, "pipe = 0") + timeline("b", second, "pipe = 1"));
  }
  OwningOpRef<ModuleOp> parseAll(int ranks, StringRef all) {
    return parseText(std::to_string(ranks), "data", timeline("all", all, ""));
  }

  MLIRContext context;

private:
  static std::string timeline(StringRef name, StringRef body, StringRef at) {
    return ("dist.timeline @" + name + "(%x: tensor<2xf32>) attributes {phase = \"train\", role = \"" +
            name + "\"" + (at.empty() ? "" : ", dist.at = {" + at.str() + "}") + "} {\n" + body +
            "\n dist.return\n}\n")
        .str();
  }
  OwningOpRef<ModuleOp> parseText(StringRef ranks, StringRef axis, const std::string &timelines) {
    std::string text = ("shard.grid @mesh(shape = " + ranks + ") {dist.axes = [\"" + axis + "\"]}\n").str();
    for (const char *name : {"short", "long"})
      text += std::string("dist.fragment @") + name + "(%x: tensor<2xf32>) -> () { dist.return }\n";
    return parseSourceString<ModuleOp>(text + timelines, &context);
  }
};

constexpr const char *runShort = "dist.run @short(%x) : (tensor<2xf32>) -> ()\n";
constexpr const char *runLong = "dist.run @long(%x) : (tensor<2xf32>) -> ()\n";

TEST_F(Simulator, BubbleOfAPipelineIsTheClosedForm) {
  Machine machine;
  machine.seconds = {{"forward", 1}, {"backward", 2}};
  for (int p : {1, 2, 3, 4, 8})
    for (int m : {1, 2, 4, 8, 16})
      for (auto makeOrder : {test::orderGPipe, test::order1F1B}) {
        OwningOpRef<ModuleOp> module =
            test::makePipeline(context, makeOrder(p, m), {.data = 1, .skip = true});
        Timetable table = play(*module, machine).timetable;
        EXPECT_EQ(table.stepSeconds, 3 * (m + p - 1)) << p << " " << m;
        EXPECT_DOUBLE_EQ(table.bubble(), double(p - 1) / (m + p - 1)) << p << " " << m;
        for (int rank = 0; rank < p; ++rank)
          EXPECT_EQ(table.busySeconds(rank), 3 * m);
      }
}

/// What the schedules' papers say of their bubbles, for the programs that dtc makes.
TEST_F(Simulator, BubblesOfSchedulesAreThoseOfTheLiterature) {
  OwningOpRef<ModuleOp> step = test::makeStep(context, 9);
  for (int p : {2, 3, 4})
    for (int m : {p, 2 * p, 4 * p}) {
      auto seconds = [&](const char *schedule, const Machine &machine) {
        OwningOpRef<ModuleOp> module = test::compilePipeline(*step, {schedule, 1, p, m});
        return play(*module, machine).timetable.stepSeconds;
      };
      Machine whole, split, half;
      whole.seconds = {{"forward", 1}, {"backward", 2}};
      split.seconds = {{"forward", 1}, {"backward", 1}, {"weight gradient", 1}};
      half.seconds = {{"forward", 0.5}, {"backward", 1}}; // two stages a device
      EXPECT_EQ(seconds("gpipe", whole), 3 * m + 3 * (p - 1)) << p << " " << m;
      EXPECT_EQ(seconds("1f1b", whole), 3 * m + 3 * (p - 1)) << p << " " << m;
      // Narayanan et al., 2021: 1/v of it.
      EXPECT_EQ(seconds("interleaved", half), 3 * m + 1.5 * (p - 1)) << p << " " << m;
      // Qi et al., 2023, ZB-H1: (p - 1)(F + B - W).
      EXPECT_EQ(seconds("zero-bubble", split), 3 * m + (p - 1)) << p << " " << m;
      if (m < 2 * p)
        continue; // too few to fill the pipeline twice
      // ZB-H2 and ZB-V idle nowhere between a device's first and last task; devices begin one after the other. Qi et al., 2024: a
      // half and two thirds of 1F1B's bubble.
      Machine splitHalf;
      splitHalf.seconds = {{"forward", 0.5}, {"backward", 0.5}, {"weight gradient", 0.5}};
      EXPECT_EQ(seconds("zero-bubble-2", split), 3 * m + (p - 1)) << p << " " << m;
      EXPECT_EQ(seconds("zero-bubble-v", splitHalf), 3 * m + 0.5 * (p - 1)) << p << " " << m;
      EXPECT_LE(seconds("v-half", splitHalf), 3 * m + 1.5 * (p - 1)) << p << " " << m;
      EXPECT_LE(seconds("v-min", splitHalf), 3 * m + 2 * (p - 1)) << p << " " << m;
    }
}

TEST_F(Simulator, SlowestStageCounts) {
  Machine machine;
  machine.seconds = {{"forward", 1}, {"backward", 1}, {"stage1_forward", 4}};
  OwningOpRef<ModuleOp> module = test::makePipeline(context, test::orderGPipe(3, 8), {});
  // Stage 0 fills, stage 1 does 8 of 4 s, stage 2 and the way back drain it.
  EXPECT_EQ(play(*module, machine).timetable.stepSeconds, 1 + 8 * 4 + 1 + 8 + 2);
}

constexpr const char *sendTwo = R"(
  dist.run @long(%x) : (tensor<2xf32>) -> ()
  %s = dist.send_start %x "first" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  %t = dist.send_start %x "second" to 1 over "pipe" microbatch 1 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.wait %t : <>)";
constexpr const char *receiveTwo = R"(
  %r = dist.recv_start "first" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  %q = dist.recv_start "second" from 0 over "pipe" microbatch 1 : <tensor<2xf32>>
  dist.run @short(%x) : (tensor<2xf32>) -> ()
  %v = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.run @short(%x) : (tensor<2xf32>) -> ()
  %w = dist.wait %q : <tensor<2xf32>> -> tensor<2xf32>)";

TEST_F(Simulator, MessagesFollowEachOtherOnTheirLink) {
  Machine machine;
  machine.seconds = {{"short", 1}, {"long", 3}};
  machine.link = {0.5, 4}; // 8 bytes in 2 s, there 0.5 s later
  OwningOpRef<ModuleOp> module = parse(sendTwo, receiveTwo);
  Simulation simulation = play(*module, machine);
  std::vector<Span> sender = {
      {SpanKind::Forward, "long", -1, -1, 0, 3},
      {SpanKind::Communication, "first", -1, 0, 3, 5.5, true},
      {SpanKind::Communication, "second", -1, 1, 5, 7.5, true},
      {SpanKind::Wait, "first", -1, 0, 3, 5.5},
      {SpanKind::Wait, "second", -1, 1, 5.5, 7.5},
  };
  std::vector<Span> receiver = {
      {SpanKind::Forward, "short", -1, -1, 0, 1},
      {SpanKind::Wait, "first", -1, 0, 1, 5.5},
      {SpanKind::Forward, "short", -1, -1, 5.5, 6.5},
      {SpanKind::Wait, "second", -1, 1, 6.5, 7.5},
  };
  EXPECT_EQ(simulation.timetable.ranks[0], sender);
  EXPECT_EQ(simulation.timetable.ranks[1], receiver);
  EXPECT_EQ(simulation.timetable.stepSeconds, 7.5);
  EXPECT_DOUBLE_EQ(simulation.timetable.bubble(), (2 * 7.5 - 5) / (2 * 7.5));
  std::vector<LinkTraffic> links = {{0, 1, 16}};
  EXPECT_EQ(simulation.links, links);
}

TEST_F(Simulator, ReceiverCopiesWhenItWaits) {
  Machine machine;
  machine.seconds = {{"short", 1}, {"long", 3}};
  machine.link = {0.5, 4};
  OwningOpRef<ModuleOp> module = parse(sendTwo, receiveTwo);
  Timetable table = play(*module, machine, {.progress = Progress::InWaits}).timetable;
  std::vector<Span> receiver = {
      {SpanKind::Forward, "short", -1, -1, 0, 1},
      {SpanKind::Wait, "first", -1, 0, 1, 3},
      {SpanKind::Communication, "first", -1, 0, 3, 5.5},
      {SpanKind::Forward, "short", -1, -1, 5.5, 6.5},
      {SpanKind::Communication, "second", -1, 1, 6.5, 9},
  };
  EXPECT_EQ(table.ranks[1], receiver);
  EXPECT_EQ(table.ranks[0].back(), (Span{SpanKind::Wait, "second", -1, 1, 5.5, 9}));
}

std::string overlapped(const char *between) {
  return std::string(
             "%t = dist.all_reduce_start sum %x over \"data\" bucket \"b\" [\"w\"] : tensor<2xf32> -> <tensor<2xf32>>\n") +
         between + "%r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>\n";
}

TEST_F(Simulator, AllReduceTravelsBesideWork) {
  OwningOpRef<ModuleOp> module = parseAll(4, overlapped(runLong));
  for (double bandwidth : {2.0, 1.0}) {
    Machine machine;
    machine.seconds = {{"long", 8}};
    machine.link = {0.5, bandwidth};
    // 6 steps of 2 bytes.
    double duration = 6 * (0.5 + 2 / bandwidth);
    Simulation simulation = play(*module, machine);
    EXPECT_DOUBLE_EQ(simulation.timetable.stepSeconds, std::max(8.0, duration));
    std::vector<LinkTraffic> links = {{0, 1, 12}, {1, 2, 12}, {2, 3, 12}, {3, 0, 12}};
    EXPECT_EQ(simulation.links, links);
  }
}

TEST_F(Simulator, AllReduceMovesInWaits) {
  Machine machine;
  machine.seconds = {{"long", 8}};
  machine.link = {0.5, 2};
  OwningOpRef<ModuleOp> module = parseAll(4, overlapped(runLong));
  Timetable table = play(*module, machine, {.progress = Progress::InWaits}).timetable;
  EXPECT_EQ(table.stepSeconds, 8 + 9);
  EXPECT_EQ(table.ranks[2].back(), (Span{SpanKind::Communication, "b", -1, -1, 8, 17}));
}

TEST_F(Simulator, RanksShareCores) {
  Machine machine;
  machine.seconds = {{"short", 1}, {"long", 3}};
  OwningOpRef<ModuleOp> four = parseAll(4, runShort);
  EXPECT_DOUBLE_EQ(play(*four, machine, {.slots = 2}).timetable.stepSeconds, 2);
  EXPECT_DOUBLE_EQ(play(*four, machine, {.slots = 3}).timetable.stepSeconds, 4.0 / 3);
  EXPECT_DOUBLE_EQ(play(*four, machine, {.slots = 8}).timetable.stepSeconds, 1);
  // Half a core each until the short one is done.
  OwningOpRef<ModuleOp> uneven = parse(runShort, runLong);
  Timetable table = play(*uneven, machine, {.slots = 1}).timetable;
  EXPECT_DOUBLE_EQ(table.ranks[0].back().end, 2);
  EXPECT_DOUBLE_EQ(table.ranks[1].back().end, 4);
}

TEST_F(Simulator, DevicesDiffer) {
  Machine machine;
  machine.seconds = {{"short", 1}};
  machine.speeds = {1, 0.5, 2};
  Timetable table = play(*parseAll(3, runShort), machine).timetable;
  EXPECT_EQ(table.busySeconds(0), 1);
  EXPECT_EQ(table.busySeconds(1), 2);
  EXPECT_EQ(table.busySeconds(2), 0.5);
  EXPECT_DOUBLE_EQ(table.bubble(), (3 * 2 - 3.5) / 6);
}

TEST_F(Simulator, RefusesACircle) {
  OwningOpRef<ModuleOp> module = parse(R"(
  %r = dist.recv_start "d" from 1 over "pipe" : <tensor<2xf32>>
  %v = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  %s = dist.send_start %v "a" to 1 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>)", R"(
  %r = dist.recv_start "a" from 0 over "pipe" : <tensor<2xf32>>
  %v = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  %s = dist.send_start %v "d" to 0 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>)");
  FailureOr<timeline::PhaseTimelines> timelines = timeline::PhaseTimelines::of(*module, "train");
  ASSERT_TRUE(succeeded(timelines));
  std::string report;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { report = diagnostic.str(); });
  EXPECT_TRUE(failed(simulate(*timelines, Machine())));
  EXPECT_NE(report.find("of rank 0 waits forever"), std::string::npos) << report;
}

TEST_F(Simulator, ReadsAClusterDescription) {
  Cluster cluster;
  // A call of 20 FLOP takes 1 + 20/10 s, at half the speed twice that.
  Device device;
  device.rate = {10, 1e9, 1};
  device.families.fill(device.rate);
  cluster.devices = {device, device};
  cluster.devices[1].speed = 0.5;
  cluster.link = {0.25, 40};
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"(
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.fragment @forward(%x: tensor<20xf32>) -> tensor<20xf32> {
  %y = nn.add %x, %x : tensor<20xf32>, tensor<20xf32>
  dist.return %y : tensor<20xf32>
}
dist.timeline @all(%x: tensor<20xf32>) attributes {phase = "train", role = "all"} {
  %y = dist.run @forward(%x) : (tensor<20xf32>) -> tensor<20xf32>
  %t = dist.all_reduce_start sum %y over "data" bucket "y" ["y"] : tensor<20xf32> -> <tensor<20xf32>>
  %z = dist.wait %t : <tensor<20xf32>> -> tensor<20xf32>
  dist.return
})", &context);
  ASSERT_TRUE(module);
  Timetable table = play(*module, ClusterMachine(cluster)).timetable;
  EXPECT_DOUBLE_EQ(table.busySeconds(0), 3);
  EXPECT_DOUBLE_EQ(table.busySeconds(1), 6);
  EXPECT_DOUBLE_EQ(table.stepSeconds, 6 + 2 * (0.25 + 1));
}

TEST(FragmentWork, HasAWordForEveryKind) {
  for (uint32_t kind = 0; kind <= dist::getMaxEnumValForFragmentKind(); ++kind) {
    StringRef word = dist::stringifyFragmentKind(*dist::symbolizeFragmentKind(kind));
    EXPECT_TRUE(workNamed(word) && isWork(*workNamed(word))) << word.str();
  }
  EXPECT_EQ(workNamed("weight_gradient"), SpanKind::WeightGradient);
  EXPECT_EQ(workNamed("stage0_forward"), std::nullopt);
}

} // namespace

// Graphs to cut into stages, and what a cut of them takes, written down plainly.
#ifndef DTC_TEST_UNIT_PARTITION_STAGEGRAPHS_H
#define DTC_TEST_UNIT_PARTITION_STAGEGRAPHS_H

#include "dtc/Partition/Stages/StagePlanner.h"

#include <random>

namespace dtc::test {

/// A node of `seconds`, a third of them forward, that reads what `producers` make.
/// What it makes has `bytes`, and a gradient as large.
unsigned addNode(StageGraph &graph, llvm::StringRef name, double seconds, int64_t bytes,
                 llvm::ArrayRef<unsigned> producers);

StageGraph chain(llvm::ArrayRef<double> seconds, int64_t bytes);
/// `levels` down and up again; each level up also reads the level down of its size.
StageGraph uNet(unsigned levels);
/// Blocks of two convolutions and a skip over them.
StageGraph residual(unsigned blocks);
/// Each node reads some of the nodes before it; small whole numbers, so that many
/// cuts are equally good.
StageGraph randomGraph(unsigned nodes, std::mt19937 &engine);
/// Layers with branches of random length, and long skips.
StageGraph randomNetwork(unsigned nodes, std::mt19937 &engine);

/// As many devices as stages, all alike, and a link of 0.5 s and 256 byte/s.
StagePlanOptions optionsFor(int64_t stages, int64_t microbatches = 4);
/// Options of all kinds; unequal speeds, memory that is too little now and then.
StagePlanOptions randomOptions(const StageGraph &graph, std::mt19937 &engine);

/// What a cut takes by the definition, value by value.
struct Taken {
  double slowest = 0;
  int64_t bytes = 0;
  bool fits = true;
};
Taken take(const StageGraph &graph, const StagePlanOptions &options,
           llvm::ArrayRef<unsigned> stageOf);

/// The best of all cuts; nothing if none fits.
struct Best {
  double seconds;
  int64_t bytes;
};
std::optional<Best> bestOfAll(const StageGraph &graph, const StagePlanOptions &options);
/// The best of the cuts of the program's order into contiguous stages.
std::optional<Best> bestOfChain(const StageGraph &graph, const StagePlanOptions &options);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_PARTITION_STAGEGRAPHS_H

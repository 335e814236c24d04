// Each rank fails in turn wherever it can find out alone that it cannot go on, or dies there: one line, status 2, and nobody waits.
#include "Command.h"

#include <gtest/gtest.h>

#include <map>

using namespace dtcrt::test;

namespace {

constexpr int patience = 30; ///< seconds; a run takes less than one

const std::string name = "runtime_pipeline_2_1";

std::string environment(const std::string &faults) {
  return "DTCRT_PIN=off DTCRT_THREADS=1 LD_PRELOAD=" FAULTS " FAULT_PROGRAM=" + name + " " + faults;
}

/// A run that reads and writes everything that there is; its files lie in `folder`.
class Faults : public testing::Test {
protected:
  void SetUp() override {
    std::string images(64 * 784, 1);
    const auto npy = [&](const std::string &file, const std::string &shape, const std::string &values) {
      std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }";
      header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
      const std::string start = std::string("\x93NUMPY\x01", 7) + '\0' + static_cast<char>(header.size()) + '\0';
      std::ofstream(folder / file, std::ios::binary) << start + header + values;
    };
    npy("x", "(64, 784)", images);
    npy("y", "(64,)", std::string(64, 3));
    ASSERT_EQ(run_command(PROGRAMS "/runtime_pipeline_1_1 --steps=0 --save=" + (folder / "start")).status, 0);
    command = PROGRAMS "/" + name + " --steps=1 --data=npy:image=" + (folder / "x") + ",label=" + (folder / "y") + " --load=" + (folder / "start") +
              " --save=" + (folder / "end") + " --trace=" + (folder / "trace") + " --metrics=" + (folder / "metrics");
    // How often each rank makes each kind of calls.
    std::filesystem::create_directory(folder / "counts");
    const Result result = run_ranks(2, command, environment("FAULT_COUNTS=" + (folder / "counts")), patience);
    ASSERT_EQ(result.status, 0) << result.errors;
    for (const int rank : {0, 1}) {
      std::istringstream text(contents(folder / "counts/" + std::to_string(rank)));
      std::string kind;
      for (int count; text >> kind >> count;)
        counts[kind][rank] = count;
    }
  }

  /// Some of the numbers from 1 to `count`, the first and the last among them.
  static std::vector<int> some(int count, int most) {
    std::vector<int> numbers;
    for (int i = 0; i < std::min(count, most); ++i)
      numbers.push_back(count <= most ? i + 1 : 1 + i * (count - 1) / (most - 1));
    return numbers;
  }

  Folder folder;
  std::string command;
  std::map<std::string, std::map<int, int>> counts;
};

TEST_F(Faults, AreToldInOneLineAndLeaveNobodyWaiting) {
  const std::pair<const char *, int> kinds[] = {{"open", 5}, {"read", 2}, {"write", 3}, {"memory", 4}};
  int refused = 0;
  for (const auto &[kind, most] : kinds)
    for (const int rank : {0, 1})
      for (const int number : some(counts[kind][rank], most)) {
        SCOPED_TRACE(std::string(kind) + " " + std::to_string(number) + " of " + std::to_string(counts[kind][rank]) + " on rank " + std::to_string(rank));
        std::filesystem::remove(folder / "end");
        const Result result = run_ranks(2, command, environment("FAULT_CALL=" + std::string(kind) + " FAULT_RANK=" + std::to_string(rank) +
                                                                " FAULT_NUMBER=" + std::to_string(number)),
                                        patience);
        const auto lines = lines_of_program(result.errors);
        EXPECT_TRUE(result.status == 0 || result.status == 2) << result.status << ": " << result.errors;
        // What cannot be shared is done without, with a word; some of what finds out about the machine is not missed.
        const bool says = !lines.empty() && lines[0].find("/dev/shm") != std::string::npos;
        EXPECT_EQ(lines.size(), result.status == 2 || says ? 1u : 0u) << result.errors;
        refused += result.status == 2;
        // All or nothing.
        if (std::filesystem::exists(folder / "end"))
          EXPECT_EQ(contents(folder / "end").size(), contents(folder / "start").size());
        for (const auto &entry : std::filesystem::directory_iterator(folder.path()))
          EXPECT_EQ(entry.path().string().find("end."), std::string::npos) << "left behind: " << entry.path();
      }
  EXPECT_GT(refused, 10);
}

TEST_F(Faults, OfSharedMemoryAreDoneWithout) {
  for (const int rank : {0, 1})
    for (int number = 1; number <= counts["space"][rank]; ++number) {
      SCOPED_TRACE("space " + std::to_string(number) + " on rank " + std::to_string(rank));
      const Result result = run_ranks(2, command, environment("FAULT_CALL=space FAULT_RANK=" + std::to_string(rank) + " FAULT_NUMBER=" + std::to_string(number)), patience);
      EXPECT_EQ(result.status, 0) << result.errors;
      const auto lines = lines_of_program(result.errors);
      ASSERT_EQ(lines.size(), 1u) << result.errors;
      EXPECT_NE(lines[0].find("/dev/shm ("), std::string::npos) << lines[0];
      EXPECT_NE(lines[0].find(" has no room for "), std::string::npos) << lines[0];
    }
  EXPECT_EQ(counts["space"][0], 2); // the control block, and what is shared of the arena
  EXPECT_EQ(counts["space"][1], 1);
}

TEST_F(Faults, OfAProcessThatDiesAreSeenByTheOther) {
  for (const auto &[kind, most] : {std::pair{"open", 3}, {"write", 2}})
    for (const int rank : {0, 1})
      for (const int number : some(counts[kind][rank], most)) {
        if (std::string(kind) == "open" && number <= 2)
          continue; // before the ranks know each other: the launcher's affair
        SCOPED_TRACE(std::string(kind) + " " + std::to_string(number) + " of " + std::to_string(counts[kind][rank]) + " on rank " + std::to_string(rank));
        const Survivors result = run_survivors(2, command, environment("FAULT_ACTION=kill FAULT_CALL=" + std::string(kind) + " FAULT_RANK=" +
                                                                       std::to_string(rank) + " FAULT_NUMBER=" + std::to_string(number)));
        EXPECT_EQ(result.statuses, (std::vector<int>{2, killed}));
        ASSERT_EQ(result.lines.size(), 1u);
        EXPECT_NE(result.lines[0].find("rank " + std::to_string(rank) + " has died"), std::string::npos) << result.lines[0];
      }
}

} // namespace

// Collectives on 1 to 4 ranks, in shared memory and between (pretended) hosts.
#include "Command.h"

#include <gtest/gtest.h>

using namespace dtcrt::test;

namespace {

void expect_holds(int ranks, const std::string &what, const std::string &environment = "") {
  SCOPED_TRACE(what + " on " + std::to_string(ranks) + " ranks " + environment);
  const Result result = run_ranks(ranks, COMM_CHECK " " + what, environment);
  EXPECT_EQ(result.status, 0) << result.errors;
}

TEST(AllReduce, EverySizeOnOneToFourRanks) {
  for (const int ranks : {1, 2, 3, 4})
    expect_holds(ranks, "sizes");
}
TEST(AllReduce, EverySizeBetweenHosts) {
  expect_holds(2, "sizes", "DTCRT_SPLIT_HOST=2");
  expect_holds(4, "sizes", "DTCRT_SPLIT_HOST=2");
  expect_holds(3, "sizes", "DTCRT_SPLIT_HOST=2");
}
TEST(AllReduce, WithSeveralThreadsARank) { expect_holds(2, "sizes", "DTCRT_THREADS=3"); }
TEST(AllReduce, EndsWithTheSameBitsEverywhere) {
  expect_holds(3, "bits");
  expect_holds(4, "bits", "DTCRT_SPLIT_HOST=2");
}
TEST(AllReduce, AtOffsetsAndInArenasOfEachRank) {
  expect_holds(3, "offsets");
  expect_holds(4, "offsets", "DTCRT_SPLIT_HOST=2");
}
TEST(AllReduce, OfUnequalSizesIsRefused) { expect_holds(3, "unequal"); }
TEST(AllReduce, OutsideTheArenaGoesByMPI) { expect_holds(3, "outside"); }
TEST(AllReduce, InAnArenaOfWhichAPartIsShared) {
  expect_holds(3, "part");
  expect_holds(4, "part", "DTCRT_SPLIT_HOST=2");
}
// Without room in /dev/shm: none at all, or none for the arenas.
TEST(AllReduce, WithoutSharedMemory) {
  const std::string faults = "LD_PRELOAD=" FAULTS " FAULT_PROGRAM=runtime_comm_check FAULT_CALL=space ";
  for (const std::string fault : {"FAULT_RANK=0 FAULT_NUMBER=1", "FAULT_RANK=0 FAULT_NUMBER=2", "FAULT_RANK=2 FAULT_NUMBER=1"})
    for (const std::string what : {"part", "outside"})
      expect_holds(3, what, faults + fault);
  expect_holds(4, "mesh", faults + "FAULT_RANK=3 FAULT_NUMBER=1");
}
TEST(AllReduce, AlongTheAxesOfAMesh) {
  expect_holds(4, "mesh");
  expect_holds(4, "mesh", "DTCRT_SPLIT_HOST=2");
}
TEST(AllReduce, DoesNotHangWhenARankFails) {
  expect_holds(2, "failure");
  expect_holds(4, "failure");
}
TEST(AllReduce, DoesNotHangWhenARankIsKilled) {
  for (const int ranks : {2, 4})
    for (const std::string what : {"death", "death message"}) {
      const Survivors result = run_survivors(ranks, COMM_CHECK " " + what);
      std::vector<int> expected(static_cast<std::size_t>(ranks), 0);
      expected.back() = killed;
      EXPECT_EQ(result.statuses, expected);
      ASSERT_EQ(result.lines.size(), 1u) << result.lines[0] << '\n' << result.lines[1];
      EXPECT_EQ(result.lines[0].find("rank " + std::to_string(ranks - 1) + " has died; under way: "), 0u) << result.lines[0];
    }
}
TEST(Sections, FailTogether) {
  for (const int ranks : {1, 2, 4})
    expect_holds(ranks, "sections");
  expect_holds(4, "sections", "DTCRT_SPLIT_HOST=2");
}
TEST(Sections, DoNotHangWhenARankFailsElsewhere) { expect_holds(3, "late-failure"); }
TEST(Sections, DoNotHangWhenARankIsKilled) {
  for (const std::string what : {"late-death", "late-death gather"}) {
    const Survivors result = run_survivors(3, COMM_CHECK " " + what);
    EXPECT_EQ(result.statuses, (std::vector<int>{0, 0, killed}));
    EXPECT_EQ(result.lines, std::vector<std::string>{"rank 2 has died"});
  }
}
TEST(World, AgreesOnTheFirstError) {
  expect_holds(1, "agreement");
  expect_holds(3, "agreement");
}
TEST(World, OneProcessNeedsNoLauncher) {
  const Result result = run_command(COMM_CHECK " sizes");
  EXPECT_EQ(result.status, 0) << result.errors;
}

} // namespace

// Collectives that part tensors or hand them on, on 1 to 4 ranks, in shared memory and between (pretended) hosts.
#include "Command.h"

#include <gtest/gtest.h>

using namespace dtcrt::test;

namespace {

void expect_holds(int ranks, const std::string &what, const std::string &environment = "") {
  SCOPED_TRACE(what + " on " + std::to_string(ranks) + " ranks " + environment);
  const Result result = run_ranks(ranks, COLLECTIVE_CHECK " " + what, environment);
  EXPECT_EQ(result.status, 0) << result.errors;
}

const std::string kinds[] = {"reduce-scatter", "all-gather", "all-to-all", "broadcast"};

TEST(Collectives, EverySizeOnOneToFourRanks) {
  for (const int ranks : {1, 2, 3, 4})
    expect_holds(ranks, "sizes");
  EXPECT_EQ(run_command(COLLECTIVE_CHECK " sizes").status, 0) << "without a launcher";
}
TEST(Collectives, EverySizeBetweenHosts) {
  expect_holds(2, "sizes", "DTCRT_SPLIT_HOST=2");
  expect_holds(4, "sizes", "DTCRT_SPLIT_HOST=2");
  expect_holds(3, "sizes", "DTCRT_SPLIT_HOST=3");
}
TEST(Collectives, WithSeveralThreadsARank) { expect_holds(2, "sizes", "DTCRT_THREADS=3"); }
TEST(Collectives, EveryTypeTravels) {
  expect_holds(3, "types");
  expect_holds(4, "types", "DTCRT_SPLIT_HOST=2");
}
TEST(Collectives, ScatteredAndGatheredSumsHaveTheBitsOfAllReduced) {
  for (const int ranks : {1, 2, 3, 4})
    for (const std::string place : {"", " outside"})
      expect_holds(ranks, "bits" + place);
  for (const std::string hosts : {"2", "3", "4"})
    expect_holds(4, "bits", "DTCRT_SPLIT_HOST=" + hosts);
}
TEST(Collectives, AtOffsetsAndInArenasOfEachRank) {
  expect_holds(3, "offsets");
  expect_holds(4, "offsets", "DTCRT_SPLIT_HOST=2");
}
TEST(Collectives, OutsideOfWhatIsShared) { expect_holds(3, "outside"); }
TEST(Collectives, AlongTheAxesOfAMesh) {
  expect_holds(4, "mesh");
  expect_holds(4, "mesh", "DTCRT_SPLIT_HOST=2");
}
TEST(Collectives, ThatDoNotMatchAreRefused) {
  for (const std::string what : {"unequal", "layout", "kinds", "refused"})
    expect_holds(3, what);
}
TEST(Collectives, DoNotHangWhenARankFails) {
  for (const std::string &kind : kinds) {
    expect_holds(2, "failure " + kind);
    expect_holds(4, "failure " + kind);
  }
}
TEST(Collectives, DoNotHangWhenARankIsKilled) {
  for (const std::string &kind : kinds) {
    const Survivors result = run_survivors(3, COLLECTIVE_CHECK " death " + kind);
    EXPECT_EQ(result.statuses, (std::vector<int>{0, 0, killed}));
    ASSERT_EQ(result.lines.size(), 1u);
    EXPECT_EQ(result.lines[0].find("rank 2 has died; under way: " + kind + " of '"), 0u) << result.lines[0];
  }
}

} // namespace

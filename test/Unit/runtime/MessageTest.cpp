// Point-to-point messages on 2 to 4 ranks, in shared memory and between (pretended) hosts.
#include "Command.h"

#include <gtest/gtest.h>

using namespace dtcrt::test;

namespace {

void expect_holds(int ranks, const std::string &what, const std::string &environment = "") {
  SCOPED_TRACE(what + " on " + std::to_string(ranks) + " ranks " + environment);
  const Result result = run_ranks(ranks, MESSAGE_CHECK " " + what, environment);
  EXPECT_EQ(result.status, 0) << result.errors;
}

TEST(Messages, AnyPatternArrivesWhole) {
  expect_holds(2, "random 40"); // a channel holds 16
  expect_holds(3, "random 10");
  expect_holds(4, "random 20");
}
TEST(Messages, AnyPatternBetweenHosts) {
  expect_holds(2, "random 20", "DTCRT_SPLIT_HOST=2");
  expect_holds(4, "random 10", "DTCRT_SPLIT_HOST=2");
}
TEST(Messages, InsideAndOutsideTheArena) {
  expect_holds(2, "outside 20");
  expect_holds(4, "outside 10", "DTCRT_SPLIT_HOST=2");
}
TEST(Messages, WithoutSharedMemory) {
  const std::string faults = "LD_PRELOAD=" FAULTS " FAULT_PROGRAM=runtime_message_check FAULT_CALL=space FAULT_NUMBER=1 FAULT_RANK=";
  for (const std::string rank : {"0", "1"}) { // none at all; none for the arenas
    expect_holds(4, "random 3", faults + rank);
    expect_holds(4, "ring", faults + rank);
  }
}
TEST(Messages, AWaitForOneThingMovesTheOthersOn) {
  expect_holds(2, "ring");
  expect_holds(4, "ring");
  expect_holds(4, "ring", "DTCRT_SPLIT_HOST=2");
}
TEST(Messages, AlongTheAxesOfAMesh) {
  expect_holds(4, "mesh");
  expect_holds(4, "mesh", "DTCRT_SPLIT_HOST=2");
}
TEST(Messages, ThatDoNotMatchAreNamed) {
  for (const char *kind : {"size", "name", "microbatch"})
    expect_holds(3, std::string("mismatch ") + kind);
}
TEST(Messages, DoNotHangWhenARankFails) {
  expect_holds(2, "failure");
  expect_holds(4, "failure");
}
TEST(Messages, RefuseWhatHasNoPeer) { expect_holds(2, "refused"); }

} // namespace

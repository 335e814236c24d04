// The table of transitions between placements: which there are, and what they cost by the closed forms of ring and direct algorithms.
#include "lib/Partition/Sharding/Transitions.h"

#include "gtest/gtest.h"

#include <set>

using namespace dtc;
using namespace dtc::partition;

namespace {

/// Links of 2 us and 1 GB/s between all.
struct Uniform : MachineModel {
  static constexpr double latency = 2e-6, bandwidth = 1e9;
  double runSeconds(int64_t, dist::RunOp) const override { return 0; }
  Link linkBetween(int64_t, int64_t) const override { return {latency, bandwidth}; }
};

const Placement rows = Placement::sharded(0), columns = Placement::sharded(1);
const Placement whole = Placement::replicated(), part = Placement::partial(), own = Placement::own();

double seconds(Placement from, Placement to, uint64_t bytes, int64_t ranks) {
  const Transition *transition = transitionBetween(from, to);
  EXPECT_TRUE(transition);
  llvm::SmallVector<int64_t> group = llvm::to_vector(llvm::seq<int64_t>(ranks));
  return transition ? transition->seconds(bytes, group, Uniform()) : -1;
}

TEST(Transitions, CostWhatTheirAlgorithmsDo) {
  for (int64_t n : {2, 3, 4, 8}) {
    const double bytes = 48000, step = Uniform::latency + bytes / n / Uniform::bandwidth;
    EXPECT_DOUBLE_EQ(seconds(part, whole, 48000, n), 2 * (n - 1) * step);
    EXPECT_DOUBLE_EQ(seconds(part, rows, 48000, n), (n - 1) * step);
    EXPECT_DOUBLE_EQ(seconds(columns, whole, 48000, n), (n - 1) * step);
    EXPECT_NEAR(seconds(rows, columns, 48000, n), (n - 1) * (Uniform::latency + bytes / n / n / Uniform::bandwidth), 1e-9);
    EXPECT_EQ(seconds(whole, columns, 48000, n), 0);
  }
}

TEST(Transitions, AreNoneWhereAValueCannotBeMade) {
  for (Placement to : {whole, part, rows, own})
    EXPECT_FALSE(transitionBetween(own, to)) << "what each share has of its own stays so";
  for (Placement from : {whole, rows})
    EXPECT_FALSE(transitionBetween(from, part)) << "a value is nobody's term of a sum";
  // Slices of slices, as a batch lies in a dimension of several factors.
  EXPECT_FALSE(transitionBetween(Placement::sharded(0, 4), whole));
  EXPECT_FALSE(transitionBetween(whole, Placement::sharded(0, 4)));
  EXPECT_FALSE(transitionBetween(rows, rows));
}

TEST(Transitions, AreOneForEachPairOfKinds) {
  std::set<std::pair<Placement::Kind, Placement::Kind>> pairs;
  for (const Transition &row : transitions())
    EXPECT_TRUE(pairs.insert({row.from, row.to}).second);
  EXPECT_EQ(pairs.size(), transitions().size());
}

} // namespace

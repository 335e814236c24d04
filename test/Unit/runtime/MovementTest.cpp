// Copies, transpositions, slices, concatenation and broadcasts in every pair of layouts.
#include "Reference.h"

#include <dtcrt/movement.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

constexpr Layout layouts[] = {row_major, channels_last};

TEST(Copy, ChangesTheLayoutAndKeepsTheLogicalOrder) {
  Context ctx(2);
  for (const Layout from : layouts)
    for (const Layout to : layouts)
      for (const Dims &shape : {Dims{3, 5, 7, 6}, Dims{2, 40, 33}, Dims{2, 3, 4, 5, 6}, Dims{1, 64, 13, 13}, Dims{40, 33, 40}}) {
        Owned<f32> x(shape, from), y(shape, to);
        randomise(x.tensor, 1);
        copy<f32>(ctx, x, y);
        expect_near(y.tensor, logical(x.tensor), 0);
      }
}

TEST(Copy, ReshapesInLogicalOrder) {
  Context ctx(2);
  for (const Layout from : layouts)
    for (const Layout to : layouts) {
      Owned<f32> x({2, 3, 4, 5}, from), flat({2, 60}), y({5, 2, 12}, to);
      randomise(x.tensor, 1);
      copy<f32>(ctx, x, flat);
      expect_near(flat.tensor, logical(x.tensor), 0);
      copy<f32>(ctx, x, y);
      expect_near(y.tensor, logical(x.tensor), 0);
      Owned<f32> back({2, 3, 4, 5}, to);
      copy<f32>(ctx, flat, back);
      expect_near(back.tensor, logical(x.tensor), 0);
    }
}

TEST(Copy, OfIntegersScalarsAndNothing) {
  Context ctx(1);
  Owned<i64> x({4}), y({4});
  randomise(x.tensor, 1, -100, 100);
  copy<i64>(ctx, x, y);
  EXPECT_EQ(x.memory, y.memory);
  Owned<f32> scalar({}, row_major, 3), other({});
  copy<f32>(ctx, scalar, other);
  EXPECT_EQ(other.memory[0], 3);
  Owned<f32> none({0, 4}), nothing({0, 4});
  copy<f32>(ctx, none, nothing);
}

TEST(Transpose, PermutesTheDimensions) {
  Context ctx(2);
  for (const Layout from : layouts)
    for (const Layout to : layouts) {
      Owned<f32> x({3, 5, 7, 6}, from), y({7, 3, 6, 5}, to);
      randomise(x.tensor, 1);
      transpose<f32>(ctx, x, y, {.perm = {2, 0, 3, 1}});
      const auto xs = logical(x.tensor);
      std::vector<f64> expected;
      for_each_index({7, 3, 6, 5}, [&](const Dims &at) { expected.push_back(xs[static_cast<std::size_t>(position_of({3, 5, 7, 6}, {at[1], at[3], at[0], at[2]}))]); });
      expect_near(y.tensor, expected, 0);
    }
  Owned<f32> matrix({200, 130}), turned({130, 200});
  randomise(matrix.tensor, 2);
  transpose<f32>(ctx, matrix, turned);
  EXPECT_EQ(turned.memory[200 * 17 + 150], matrix.memory[130 * 150 + 17]);
  EXPECT_EQ(turned.memory[200 * 129 + 199], matrix.memory[130 * 199 + 129]);
}

TEST(Slice, TakesAPartAndInsertPutsItBack) {
  Context ctx(2);
  for (const Layout from : layouts)
    for (const Layout to : layouts) {
      Owned<f32> x({4, 6, 5, 7}, from), y({2, 3, 5, 2}, to);
      randomise(x.tensor, 1);
      const SliceOptions part{.offsets = {1, 2, 0, 1}, .steps = {1, 1, 1, 3}};
      slice<f32>(ctx, x, y, part);
      const auto xs = logical(x.tensor);
      std::vector<f64> expected, rest = std::vector<f64>(xs.size(), 8);
      for_each_index({2, 3, 5, 2}, [&](const Dims &at) {
        const auto source = static_cast<std::size_t>(position_of({4, 6, 5, 7}, {at[0] + 1, at[1] + 2, at[2], at[3] * 3 + 1}));
        expected.push_back(xs[source]);
        rest[source] = xs[source];
      });
      expect_near(y.tensor, expected, 0);
      Owned<f32> whole({4, 6, 5, 7}, from, 8);
      insert<f32>(ctx, y, whole, part);
      expect_near(whole.tensor, rest, 0);
    }
}

TEST(Slice, OutsideIsRefused) {
  Context ctx(1);
  Owned<f32> x({4}), y({3});
  EXPECT_THROW(slice<f32>(ctx, x, y, {.offsets = {2}}), std::logic_error);
}

TEST(Concat, JoinsAlongTheAxis) {
  Context ctx(2);
  for (const Layout from : layouts)
    for (const Layout to : layouts) {
      Owned<f32> a({2, 3, 4, 5}, from), b({2, 1, 4, 5}, to), c({2, 6, 4, 5}, from), y({2, 10, 4, 5}, to);
      randomise(a.tensor, 1);
      randomise(b.tensor, 2);
      randomise(c.tensor, 3);
      concat(ctx, {a, b, c}, y, {.axis = 1});
      std::vector<f64> expected;
      for_each_index({2, 10, 4, 5}, [&](const Dims &at) {
        const index channel = at[1];
        const Tensor<f32> &source = channel < 3 ? a.tensor : channel < 4 ? b.tensor : c.tensor;
        const index first = channel < 3 ? 0 : channel < 4 ? 3 : 4;
        expected.push_back(source.data()[offset_of(source, position_of(source.shape(), {at[0], channel - first, at[2], at[3]}))]);
      });
      expect_near(y.tensor, expected, 0);
    }
}

TEST(Broadcast, RepeatsFromTheRight) {
  Context ctx(2);
  for (const Layout to : layouts) {
    Owned<f32> channel({5, 1, 1}), y({3, 5, 4, 6}, to), scalar({}, row_major, 2);
    randomise(channel.tensor, 1);
    broadcast<f32>(ctx, channel, y);
    std::vector<f64> expected;
    for_each_index({3, 5, 4, 6}, [&](const Dims &at) { expected.push_back(channel.memory[static_cast<std::size_t>(at[1])]); });
    expect_near(y.tensor, expected, 0);
    broadcast<f32>(ctx, scalar, y);
    expect_near(y.tensor, std::vector<f64>(360, 2), 0);
    fill(ctx, y, -1);
    expect_near(y.tensor, std::vector<f64>(360, -1), 0);
  }
}

} // namespace

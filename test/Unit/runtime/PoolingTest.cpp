// Pooling and its gradients against the definition.
#include "Reference.h"

#include <dtcrt/pooling.h>

#include <limits>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

struct Case {
  const char *name;
  Dims x, y, kernel, strides, pads, dilations;
};

/// Calls visit(position in y, position in the window, position in x) for every element that lies inside x.
template <class Visit> void for_elements(const Case &c, Visit visit) {
  const int spatial = c.x.size() - 2;
  for_each_index(c.y, [&](const Dims &out) {
    for_each_index(c.kernel, [&](const Dims &tap) {
      Dims in{out[0], out[1]};
      for (int d = 0; d < spatial; ++d) {
        const index at = out[2 + d] * c.strides[d] - c.pads[d] + tap[d] * c.dilations[d];
        if (at < 0 || at >= c.x[2 + d])
          return;
        in.push_back(at);
      }
      visit(position_of(c.y, out), position_of(c.kernel, tap), position_of(c.x, in));
    });
  });
}

/// Elements of y's window inside x and its explicit padding.
index padded_count(const Case &c, index position) {
  const int spatial = c.x.size() - 2;
  index count = 0;
  Dims out;
  for_each_index(c.y, [&](const Dims &at) {
    if (position_of(c.y, at) == position)
      out = at;
  });
  for_each_index(c.kernel, [&](const Dims &tap) {
    for (int d = 0; d < spatial; ++d)
      if (out[2 + d] * c.strides[d] - c.pads[d] + tap[d] * c.dilations[d] >= c.x[2 + d] + c.pads[spatial + d])
        return;
    ++count;
  });
  return count;
}

class Pooling : public testing::TestWithParam<std::tuple<Case, Layout>> {};

template <class I> void check_max(const Case &c, Layout layout) {
  Context ctx(2);
  Owned<f32> x(c.x, layout), y(c.y, layout), again(c.y, layout);
  Owned<I> index_of(c.y, layout);
  randomise(x.tensor, 1, 0, 6);
  for (f32 &v : x.memory) // equal maxima in many windows
    v = std::floor(v);
  const auto xs = logical(x.tensor);
  std::vector<f64> best(static_cast<std::size_t>(c.y.product()), -std::numeric_limits<f64>::infinity()), where(best.size()), source(best.size());
  for_elements(c, [&](index o, index k, index i) {
    if (xs[i] > best[o]) {
      best[o] = xs[i];
      where[o] = static_cast<f64>(k);
      source[o] = static_cast<f64>(i);
    }
  });
  const MaxPoolOptions options{.kernel = c.kernel, .strides = c.strides, .pads = c.pads, .dilations = c.dilations};
  max_pool(ctx, x, y, index_of, options);
  expect_near(y.tensor, best, 0);
  expect_near(index_of.tensor, where, 0);
  max_pool(ctx, x, again, options);
  expect_near(again.tensor, best, 0);

  Owned<f32> dy(c.y, layout), dx(c.x, layout, 9);
  randomise(dy.tensor, 2);
  const auto dys = logical(dy.tensor);
  std::vector<f64> expected(xs.size());
  for (std::size_t o = 0; o < dys.size(); ++o)
    expected[static_cast<std::size_t>(source[o])] += dys[o];
  max_pool_gradient(ctx, dy, index_of, dx, options);
  expect_near(dx.tensor, expected, 1e-6);
}

TEST_P(Pooling, MaximumWithBytePositions) { check_max<u8>(std::get<0>(GetParam()), std::get<1>(GetParam())); }
TEST_P(Pooling, MaximumWithWordPositions) { check_max<i32>(std::get<0>(GetParam()), std::get<1>(GetParam())); }

TEST_P(Pooling, Average) {
  const auto &[c, layout] = GetParam();
  Context ctx(2);
  for (const bool count_include_pad : {false, true}) {
    Owned<f32> x(c.x, layout), y(c.y, layout), dy(c.y, layout), dx(c.x, layout, 9);
    randomise(x.tensor, 1);
    randomise(dy.tensor, 2);
    const auto xs = logical(x.tensor), dys = logical(dy.tensor);
    std::vector<f64> divisor(static_cast<std::size_t>(c.y.product())), expected(divisor.size()), expected_dx(xs.size());
    if (count_include_pad)
      for (std::size_t o = 0; o < divisor.size(); ++o)
        divisor[o] = static_cast<f64>(padded_count(c, static_cast<index>(o)));
    else
      for_elements(c, [&](index o, index, index) { divisor[o] += 1; });
    for_elements(c, [&](index o, index, index i) {
      expected[o] += xs[i] / divisor[o];
      expected_dx[i] += dys[o] / divisor[o];
    });
    const AvgPoolOptions options{.kernel = c.kernel, .strides = c.strides, .pads = c.pads, .dilations = c.dilations, .count_include_pad = count_include_pad};
    avg_pool(ctx, x, y, options);
    expect_near(y.tensor, expected);
    avg_pool_gradient(ctx, dy, dx, options);
    expect_near(dx.tensor, expected_dx);
  }
}

const Case cases[] = {
    {"TwoByTwo", {3, 5, 8, 6}, {3, 5, 4, 3}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"TwoByTwoWithARest", {2, 64, 11, 11}, {2, 64, 5, 5}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"ManyChannels", {2, 70, 9, 9}, {2, 70, 3, 3}, {3, 3}, {3, 3}, {0, 0, 0, 0}, {1, 1}},
    {"OneChannel", {2, 1, 8, 8}, {2, 1, 4, 4}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"Overlapping", {2, 6, 9, 9}, {2, 6, 4, 4}, {3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"Padded", {2, 6, 7, 7}, {2, 6, 4, 4}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {"CeilMode", {2, 6, 6, 6}, {2, 6, 3, 3}, {3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"CeilModePadded", {1, 4, 6, 7}, {1, 4, 4, 4}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {"CeilModeTiles", {1, 4, 5, 5}, {1, 4, 3, 3}, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {"Dilated", {2, 3, 9, 9}, {2, 3, 5, 7}, {3, 2}, {1, 1}, {0, 0, 0, 0}, {2, 2}},
    {"OneDimension", {2, 5, 10}, {2, 5, 5}, {2}, {2}, {0, 0}, {1}},
    {"ThreeDimensions", {2, 3, 4, 6, 5}, {2, 3, 2, 3, 4}, {2, 2, 2}, {2, 2, 1}, {0, 0, 0, 0, 0, 0}, {1, 1, 1}},
    {"Global", {2, 20, 5, 6}, {2, 20, 1, 1}, {5, 6}, {1, 1}, {0, 0, 0, 0}, {1, 1}},
};

INSTANTIATE_TEST_SUITE_P(All, Pooling, testing::Combine(testing::ValuesIn(cases), testing::Values(row_major, channels_last)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) + (std::get<1>(info.param) == row_major ? "RowMajor" : "ChannelsLast");
                         });

TEST(MaxPoolValues, NaNWins) {
  Context ctx(1);
  Owned<f32> x({1, 16, 2, 2}, channels_last, 1), y({1, 16, 1, 1}, channels_last);
  x.tensor.data()[16 + 3] = std::nanf("");
  max_pool(ctx, x, y, {.kernel = {2, 2}, .strides = {2, 2}});
  EXPECT_TRUE(std::isnan(y.memory[3]));
  EXPECT_EQ(y.memory[4], 1);
}

TEST(MaxPoolValues, ActivationActsOnTheMaximum) {
  Context ctx(1);
  Owned<f32> x({1, 2, 2, 2}, channels_last, -1), y({1, 2, 1, 1}, channels_last);
  max_pool(ctx, x, y, {.kernel = {2, 2}, .strides = {2, 2}, .activation = leaky_relu, .alpha = 0.25f});
  EXPECT_EQ(y.memory[0], -0.25f);
}

} // namespace

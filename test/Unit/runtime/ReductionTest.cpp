// Sums, softmax and log-softmax in every layout.
#include "Reference.h"

#include <dtcrt/reduction.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

void check_sum(const Dims &shape, Layout layout, const Dims &axes, bool keeps) {
  SCOPED_TRACE(testing::Message() << "rank " << shape.size() << " axes " << axes.size() << " keeps " << keeps);
  Context ctx(2);
  Dims kept, result;
  for (int d = 0; d < shape.size(); ++d) {
    const bool summed = axes.empty() || std::find(axes.begin(), axes.end(), d) != axes.end();
    kept.push_back(summed ? 1 : shape[d]);
    if (!summed || keeps)
      result.push_back(summed ? 1 : shape[d]);
  }
  Owned<f32> x(shape, layout), y(result, keeps ? layout : row_major, 5);
  randomise(x.tensor, 1);
  const auto xs = logical(x.tensor);
  std::vector<f64> expected(static_cast<std::size_t>(kept.product()));
  for_each_index(shape, [&](const Dims &at) {
    Dims to = at;
    for (int d = 0; d < shape.size(); ++d)
      if (kept[d] == 1)
        to[d] = 0;
    expected[static_cast<std::size_t>(position_of(kept, to))] += xs[static_cast<std::size_t>(position_of(shape, at))];
  });
  reduce_sum(ctx, x, y, {.axes = axes});
  expect_near(y.tensor, expected, 2e-5);
}

TEST(ReduceSum, OverAnyAxesOfEitherLayout) {
  for (const Layout layout : {row_major, channels_last})
    for (const bool keeps : {false, true})
      for (const Dims &axes : {Dims{}, Dims{0}, Dims{1}, Dims{3}, Dims{0, 2, 3}, Dims{2, 3}, Dims{1, 3}, Dims{0, 1}, Dims{0, 1, 2, 3}})
        check_sum({3, 5, 7, 6}, layout, axes, keeps);
  check_sum({300, 40}, row_major, {0}, false);
  check_sum({300, 40}, row_major, {1}, false);
  check_sum({20000}, row_major, {0}, false);
  check_sum({1, 1, 1}, row_major, {1}, false);
}

TEST(ReduceSum, OfABiasGradientIsTheSameForAnyRun) {
  Context ctx(2);
  Owned<f32> x({64, 32, 26, 26}, channels_last), first({32}), second({32});
  randomise(x.tensor, 3);
  reduce_sum(ctx, x, first, {.axes = {0, 2, 3}});
  reduce_sum(ctx, x, second, {.axes = {0, 2, 3}});
  EXPECT_EQ(first.memory, second.memory);
}

void check_softmax(const Dims &shape, Layout layout, int axis, f64 scale) {
  Context ctx(2);
  Owned<f32> x(shape, layout), y(shape, layout), logarithm(shape, layout);
  randomise(x.tensor, 1, -scale, scale);
  const auto xs = logical(x.tensor);
  const int a = axis < 0 ? axis + shape.size() : axis;
  std::vector<f64> expected, expected_logarithm;
  for_each_index(shape, [&](const Dims &at) {
    f64 largest = -1e300, sum = 0;
    Dims other = at;
    for (other[a] = 0; other[a] < shape[a]; ++other[a])
      largest = std::max(largest, xs[static_cast<std::size_t>(position_of(shape, other))]);
    for (other[a] = 0; other[a] < shape[a]; ++other[a])
      sum += std::exp(xs[static_cast<std::size_t>(position_of(shape, other))] - largest);
    const f64 v = xs[static_cast<std::size_t>(position_of(shape, at))] - largest;
    expected.push_back(std::exp(v) / sum);
    expected_logarithm.push_back(v - std::log(sum));
  });
  softmax(ctx, x, y, {.axis = axis});
  expect_near(y.tensor, expected, 1e-6);
  log_softmax(ctx, x, logarithm, {.axis = axis});
  expect_near(logarithm.tensor, expected_logarithm, 1e-6);
  softmax(ctx, x, x, {.axis = axis}); // in place
  expect_near(x.tensor, expected, 1e-6);
}

TEST(Softmax, AlongAnyAxisOfEitherLayout) {
  for (const Layout layout : {row_major, channels_last})
    for (const int axis : {-1, 0, 1, 2})
      check_softmax({3, 5, 4, 6}, layout, axis, 3);
  check_softmax({7, 10}, row_major, -1, 3);
  check_softmax({2, 1000}, row_major, 1, 80); // exp(80) twice over overflows without the shift
}

} // namespace

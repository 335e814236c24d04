// Layer, RMS and group normalisation and their gradients against their definitions in f64.
#include "dtcrt/sample_normalisation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using namespace dtcrt;

namespace {

template <class T> constexpr f32 tolerance = 2e-5f;
template <> constexpr f32 tolerance<bf16> = 1e-2f;

template <class T> std::vector<T> numbers(index count, f64 phase, f64 mean = 0, f64 deviation = 1) {
  std::vector<T> values;
  for (index i = 0; i < count; ++i)
    values.push_back(T(static_cast<f32>(mean + deviation * 1.4 * std::sin(1.7 * static_cast<f64>(i) * (1 + 0.01 * static_cast<f64>(i % 13)) + phase))));
  return values;
}
template <class T> void expect_near(const std::vector<T> &actual, const std::vector<f64> &expected, f64 tolerance, const char *what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(static_cast<f32>(actual[i]), expected[i], tolerance * (1 + std::abs(expected[i]))) << what << " " << i;
}
Tensor<f32> vector(std::vector<f32> &values) { return {values.data(), {static_cast<index>(values.size())}}; }

/// What normalising some values gives, and what flows back: y and dx; dscale, dbias are added to.
struct Normalised {
  f64 mean = 0, inverse = 0;

  template <class T> Normalised(const std::vector<T> &x, const std::vector<std::size_t> &places, f64 epsilon, bool centered) {
    f64 squares = 0;
    const f64 count = static_cast<f64>(places.size());
    for (std::size_t at : places)
      mean += centered ? x[at] / count : 0;
    for (std::size_t at : places)
      squares += (x[at] - mean) * (x[at] - mean) / count;
    inverse = 1 / std::sqrt(squares + epsilon);
  }
  /// parameter(i): which scale belongs to places[i].
  template <class T, class Parameter>
  void back(const std::vector<T> &x, const std::vector<T> &dy, const std::vector<f32> &scale, const std::vector<std::size_t> &places, bool centered,
            Parameter parameter, std::vector<f64> &dx, std::vector<f64> &dscale, std::vector<f64> &dbias) const {
    // By the derivatives of the statistics with respect to each x.
    f64 dmean = 0, dinverse = 0;
    const f64 count = static_cast<f64>(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const f64 slope = dy[places[i]], centered_x = x[places[i]] - mean;
      dscale[parameter(i)] += slope * centered_x * inverse;
      dbias[parameter(i)] += slope;
      dinverse += slope * scale[parameter(i)] * centered_x;
      dmean -= centered ? slope * scale[parameter(i)] * inverse : 0;
    }
    for (std::size_t i = 0; i < places.size(); ++i)
      dx[places[i]] = dy[places[i]] * scale[parameter(i)] * inverse + dmean / count - dinverse * std::pow(inverse, 3) * (x[places[i]] - mean) / count;
  }
};

template <class T> void check_rows(Context &ctx, index rows, index length, bool centered, f64 mean_of_x = 0, f64 deviation = 1) {
  SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(length) + (centered ? "" : ", rms"));
  const f64 epsilon = 1e-6;
  std::vector<T> x = numbers<T>(rows * length, 0, mean_of_x, deviation), dy = numbers<T>(rows * length, 1), y(x.size()), dx(x.size());
  std::vector<f32> scale = numbers<f32>(length, 2), bias = numbers<f32>(length, 3), mean(static_cast<std::size_t>(rows)), inverse(mean), dscale(scale), dbias(scale);
  const auto image = [&](std::vector<T> &values) { return Tensor<T>(values.data(), {rows, length}); };
  if (centered)
    layer_norm(ctx, image(x), image(y), vector(mean), vector(inverse), {.scale = vector(scale), .bias = vector(bias), .epsilon = epsilon});
  else
    rms_norm(ctx, image(x), image(y), vector(inverse), {.scale = vector(scale), .epsilon = epsilon});
  LayerNormGradientOptions options{.scale = vector(scale), .scale_gradient = vector(dscale)};
  if (centered) {
    options.mean = vector(mean);
    options.bias_gradient = vector(dbias);
  }
  layer_norm_gradient(ctx, image(dy), image(x), vector(inverse), image(dx), options);

  std::vector<f64> want_y(x.size()), want_dx(x.size()), want_dscale(scale.size()), want_dbias(scale.size());
  for (index row = 0; row < rows; ++row) {
    std::vector<std::size_t> places;
    for (index i = 0; i < length; ++i)
      places.push_back(static_cast<std::size_t>(row * length + i));
    const Normalised of(x, places, epsilon, centered);
    const auto parameter = [](std::size_t i) { return i; };
    for (std::size_t i = 0; i < places.size(); ++i)
      want_y[places[i]] = (x[places[i]] - of.mean) * of.inverse * scale[i] + (centered ? bias[i] : 0);
    of.back(x, dy, scale, places, centered, parameter, want_dx, want_dscale, want_dbias);
    ASSERT_NEAR(inverse[static_cast<std::size_t>(row)] / of.inverse, 1, 1e-5);
  }
  // The mean is kept as f32: its last place counts where the deviation is small.
  const f64 lost = std::abs(mean_of_x) * 1e-7 / deviation, near = tolerance<T> + 4 * lost;
  expect_near(y, want_y, near, "y");
  if (mean_of_x != 0)
    return;
  expect_near(dx, want_dx, length == 1 ? 1e-2 : near * 2, "dx");
  expect_near(dscale, want_dscale, 1e-4, "dscale");
  if (centered)
    expect_near(dbias, want_dbias, 1e-4, "dbias");
}

template <class T> class SampleNorm : public testing::Test {};
using Elements = testing::Types<f32, bf16>;
TYPED_TEST_SUITE(SampleNorm, Elements);

TYPED_TEST(SampleNorm, NormalisesRows) {
  Context ctx(2);
  for (bool centered : {true, false})
    for (auto [rows, length] : {std::pair<index, index>{1, 1}, {1, 7}, {5, 1}, {3, 64}, {70, 33}, {1, 1500}, {9, 2048}, {300, 24}})
      check_rows<TypeParam>(ctx, rows, length, centered);
}

TEST(SampleNorm, KeepsAVarianceThatIsSmallBesideTheMean) {
  Context ctx(2);
  check_rows<f32>(ctx, 6, 700, true, 1000, 1e-2);
}

TEST(SampleNorm, RowsMayHaveSeveralDimensionsAndNoParameters) {
  Context ctx(2);
  std::vector<f32> x = numbers<f32>(2 * 3 * 4 * 5, 0), y(x.size()), mean(6), inverse(6), dx(x.size()), dy = numbers<f32>(120, 1);
  const auto image = [](std::vector<f32> &values) { return Tensor<f32>(values.data(), {2, 3, 4, 5}); };
  const auto rows = [](std::vector<f32> &values) { return Tensor<f32>(values.data(), {2, 3}); };
  layer_norm(ctx, image(x), image(y), rows(mean), rows(inverse));
  f64 sum = 0, squares = 0;
  for (int i = 20; i < 40; ++i) {
    sum += y[static_cast<std::size_t>(i)];
    squares += std::pow(y[static_cast<std::size_t>(i)], 2);
  }
  EXPECT_NEAR(sum, 0, 1e-5);
  EXPECT_NEAR(squares / 20, 1, 1e-4);
  layer_norm_gradient(ctx, image(dy), image(x), rows(inverse), image(dx), {.mean = rows(mean)});
  // What is added to a row, or, but for epsilon, by what it is multiplied, does not count.
  f64 along = 0, with = 0;
  for (int i = 20; i < 40; ++i) {
    along += dx[static_cast<std::size_t>(i)];
    with += dx[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(i)];
  }
  EXPECT_NEAR(along, 0, 1e-5);
  EXPECT_NEAR(with, 0, 1e-3);
}

TEST(SampleNorm, RowsWithoutSlopesAddNothing) {
  Context ctx(2);
  std::vector<f32> x(64), dy(64), y(64), dx(64, 9), scale(8, 1), mean(8), inverse(8), dscale(8, 9), dbias(8, 9);
  const auto image = [](std::vector<f32> &values) { return Tensor<f32>(values.data(), {8, 8}); };
  layer_norm(ctx, image(x), image(y), vector(mean), vector(inverse), {.epsilon = 1e-12});
  layer_norm_gradient(ctx, image(dy), image(x), vector(inverse), image(dx),
                      {.mean = vector(mean), .scale = vector(scale), .scale_gradient = vector(dscale), .bias_gradient = vector(dbias)});
  for (const std::vector<f32> *values : {&y, &dx, &dscale, &dbias})
    for (f32 value : *values)
      EXPECT_EQ(value, 0);
}

TEST(SampleNorm, SumsOverRowsDoNotDependOnTheThreads) {
  std::vector<f32> x = numbers<f32>(500 * 40, 0), dy = numbers<f32>(500 * 40, 1), y(x.size()), dx(x.size()), mean(500), inverse(500);
  std::vector<f32> dscale[2] = {std::vector<f32>(40), std::vector<f32>(40)};
  const auto image = [](std::vector<f32> &values) { return Tensor<f32>(values.data(), {500, 40}); };
  for (int threads : {1, 3}) {
    Context ctx(threads);
    layer_norm(ctx, image(x), image(y), vector(mean), vector(inverse));
    layer_norm_gradient(ctx, image(dy), image(x), vector(inverse), image(dx), {.mean = vector(mean), .scale_gradient = vector(dscale[threads > 1])});
  }
  EXPECT_EQ(dscale[0], dscale[1]);
}

template <class T> void check_groups(Context &ctx, Dims shape, index groups, Layout layout, f64 mean_of_x = 0, f64 deviation = 1) {
  SCOPED_TRACE(std::to_string(shape[0]) + " x " + std::to_string(shape[1]) + " in " + std::to_string(groups) + (layout == channels_last ? ", channels-last" : ""));
  const f64 epsilon = 1e-5;
  const index size = shape.product(), channels = shape[1], positions = size / (shape[0] * channels);
  std::vector<T> x = numbers<T>(size, 0, mean_of_x, deviation), dy = numbers<T>(size, 1), y(x.size()), dx(x.size());
  std::vector<f32> scale = numbers<f32>(channels, 2), bias = numbers<f32>(channels, 3), mean(static_cast<std::size_t>(shape[0] * groups)), inverse(mean), dscale(scale), dbias(scale);
  const auto image = [&](std::vector<T> &values) { return Tensor<T>(values.data(), shape, layout); };
  const Tensor<f32> means(mean.data(), {shape[0], groups}), inverses(inverse.data(), {shape[0], groups});
  group_norm(ctx, image(x), vector(scale), vector(bias), image(y), means, inverses, {.epsilon = epsilon});
  group_norm_gradient(ctx, image(dy), image(x), vector(scale), means, inverses, image(dx), vector(dscale), vector(dbias));

  std::vector<f64> want_y(x.size()), want_dx(x.size()), want_dscale(scale.size()), want_dbias(scale.size());
  for (index sample = 0; sample < shape[0]; ++sample)
    for (index group = 0; group < groups; ++group) {
      std::vector<std::size_t> places, of_channel;
      for (index c = group * channels / groups; c < (group + 1) * channels / groups; ++c)
        for (index p = 0; p < positions; ++p) {
          places.push_back(static_cast<std::size_t>(layout == channels_last ? (sample * positions + p) * channels + c : (sample * channels + c) * positions + p));
          of_channel.push_back(static_cast<std::size_t>(c));
        }
      const Normalised of(x, places, epsilon, true);
      for (std::size_t i = 0; i < places.size(); ++i)
        want_y[places[i]] = (x[places[i]] - of.mean) * of.inverse * scale[of_channel[i]] + bias[of_channel[i]];
      of.back(x, dy, scale, places, true, [&](std::size_t i) { return of_channel[i]; }, want_dx, want_dscale, want_dbias);
      ASSERT_NEAR(inverse[static_cast<std::size_t>(sample * groups + group)] / of.inverse, 1, 1e-5);
    }
  const f64 lost = std::abs(mean_of_x) * 1e-7 / deviation, near = tolerance<T> + 4 * lost;
  expect_near(y, want_y, near, "y");
  if (mean_of_x != 0)
    return;
  expect_near(dx, want_dx, channels * positions / groups == 1 ? 1e-2 : near * 2, "dx");
  expect_near(dscale, want_dscale, 1e-4, "dscale");
  expect_near(dbias, want_dbias, 1e-4, "dbias");
}

TYPED_TEST(SampleNorm, NormalisesGroups) {
  Context ctx(2);
  check_groups<TypeParam>(ctx, {5, 12}, 3, row_major);
  check_groups<TypeParam>(ctx, {1, 1}, 1, row_major);
  for (Layout layout : {row_major, channels_last}) {
    check_groups<TypeParam>(ctx, {1, 6, 1, 1}, 2, layout);
    check_groups<TypeParam>(ctx, {3, 6, 7}, 6, layout);
    check_groups<TypeParam>(ctx, {4, 15, 5, 9}, 5, layout);
    check_groups<TypeParam>(ctx, {2, 32, 4, 3}, 4, layout);
    check_groups<TypeParam>(ctx, {2, 8, 3, 4, 5}, 1, layout);
    check_groups<TypeParam>(ctx, {1, 16, 80, 81}, 4, layout); // several shares of the positions
  }
}

TEST(SampleNorm, KeepsAGroupsVarianceThatIsSmallBesideTheMean) {
  Context ctx(2);
  for (Layout layout : {row_major, channels_last})
    check_groups<f32>(ctx, {2, 8, 9, 11}, 2, layout, 1000, 1e-1);
}

} // namespace

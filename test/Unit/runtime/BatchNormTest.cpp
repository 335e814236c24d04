// Batch normalisation: closed forms, rows that are padding, both layouts.
#include "dtcrt/normalisation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace dtcrt;

namespace {

/// x [4, 2, 2, 3] with padding in rows 1 and 3, which hold what must not matter.
struct Problem {
  Layout layout;
  Dims shape{4, 2, 2, 3};
  std::vector<f32> x, y, dy, dx, weight{0.125f, 0, 0.125f, 0}, scale{2, -0.5f}, bias{0.25f, 1}, mean{9, 9}, variance{9, 9}, dscale{9, 9}, dbias{9, 9};
  std::vector<f32> saved_mean{9, 9}, inverse{9, 9};

  explicit Problem(Layout layout) : layout(layout), x(48), y(48, 9), dy(48), dx(48, 9) {
    each([&](index n, index c, index p, std::size_t at) {
      x[at] = n % 2 ? 1e6f : static_cast<f32>(std::sin(3.0 * (n * 12 + c * 6 + p)) + 100 * c);
      dy[at] = n % 2 ? 1e6f : static_cast<f32>(std::cos(2.0 * (n * 12 + c * 6 + p)));
    });
  }
  template <class Body> void each(Body body) const {
    for (index n = 0; n < 4; ++n)
      for (index c = 0; c < 2; ++c)
        for (index p = 0; p < 6; ++p)
          body(n, c, p, static_cast<std::size_t>(layout == channels_last ? (n * 6 + p) * 2 + c : (n * 2 + c) * 6 + p));
  }
  Tensor<f32> image(std::vector<f32> &values) { return {values.data(), shape, layout}; }
  void normalise(Context &ctx, const BatchNormOptions &options = {}) {
    batch_norm(ctx, image(x), vector(scale), vector(bias), vector(weight), image(y), vector(mean), vector(variance), vector(saved_mean), vector(inverse),
               options);
  }
  void normalise_back(Context &ctx) {
    batch_norm_gradient(ctx, image(dy), image(x), vector(scale), vector(weight), vector(saved_mean), vector(inverse), image(dx), vector(dscale), vector(dbias));
  }
  static Tensor<f32> vector(std::vector<f32> &values) { return {values.data(), {static_cast<index>(values.size())}}; }

  /// mean, biased variance of a channel in f64.
  std::pair<f64, f64> statistics(index channel) const {
    f64 sum = 0, squares = 0;
    each([&](index n, index c, index, std::size_t at) { sum += n % 2 == 0 && c == channel ? x[at] : 0.0; });
    each([&](index n, index c, index, std::size_t at) { squares += n % 2 == 0 && c == channel ? std::pow(x[at] - sum / 12, 2) : 0.0; });
    return {sum / 12, squares / 12};
  }
};

class BatchNorm : public testing::TestWithParam<Layout> {};

TEST_P(BatchNorm, NormalisesTheRowsThatAreSamples) {
  Context ctx(2);
  Problem p(GetParam());
  p.normalise(ctx, {.epsilon = 1e-3});
  for (index c = 0; c < 2; ++c) {
    const auto [mean, variance] = p.statistics(c);
    EXPECT_NEAR(p.mean[c], 0.25 * mean, 1e-5);
    EXPECT_NEAR(p.variance[c], 0.25 * variance * 12 / 11, 1e-5);
    EXPECT_NEAR(p.saved_mean[c], mean, 1e-5);
    EXPECT_NEAR(p.inverse[c], 1 / std::sqrt(variance + 1e-3), 1e-6);
  }
  p.each([&](index n, index c, index, std::size_t at) {
    const auto [mean, variance] = p.statistics(c);
    EXPECT_NEAR(p.y[at], n % 2 ? 0 : (p.x[at] - mean) / std::sqrt(variance + 1e-3) * p.scale[c] + p.bias[c], 2e-5);
  });
}

TEST_P(BatchNorm, GradientAgreesWithTheFormula) {
  Context ctx(2);
  Problem p(GetParam());
  p.normalise(ctx);
  p.normalise_back(ctx);
  for (index channel = 0; channel < 2; ++channel) {
    const auto [mean, variance] = p.statistics(channel);
    const f64 inverse = 1 / std::sqrt(variance + 1e-5);
    f64 sum = 0, product = 0;
    p.each([&](index n, index c, index, std::size_t at) {
      if (n % 2 || c != channel)
        return;
      sum += p.dy[at];
      product += p.dy[at] * (p.x[at] - mean) * inverse;
    });
    EXPECT_NEAR(p.dbias[channel], sum, 1e-5);
    EXPECT_NEAR(p.dscale[channel], product, 1e-4);
    p.each([&](index n, index c, index, std::size_t at) {
      if (c != channel)
        return;
      const f64 normal = (p.x[at] - mean) * inverse;
      EXPECT_NEAR(p.dx[at], n % 2 ? 0 : p.scale[c] * inverse * (p.dy[at] - sum / 12 - normal * product / 12), 1e-4);
    });
  }
}

/// The epilogue is that of two more calls: an addition and an activation; rows of padding have the residual alone.
TEST_P(BatchNorm, AddsTheResidualAndActivates) {
  Context ctx(2);
  for (const auto &[activation, of] : {std::pair<Activation, f32 (*)(f32)>{Activation::none, [](f32 v) { return v; }},
                                       {Activation::relu, [](f32 v) { return std::max(v, 0.0f); }},
                                       {Activation::leaky_relu, [](f32 v) { return v > 0 ? v : 0.25f * v; }},
                                       {Activation::tanh, [](f32 v) { return std::tanh(v); }}}) {
    Problem plain(GetParam()), p(GetParam());
    std::vector<f32> residual(48);
    for (std::size_t i = 0; i < 48; ++i)
      residual[i] = static_cast<f32>(std::sin(5.0 * static_cast<f64>(i)));
    plain.normalise(ctx);
    p.normalise(ctx, {.residual = p.image(residual), .activation = activation, .alpha = 0.25f});
    EXPECT_EQ(p.saved_mean, plain.saved_mean);
    for (std::size_t i = 0; i < 48; ++i)
      EXPECT_FLOAT_EQ(p.y[i], of(plain.y[i] + residual[i]));
    p.normalise(ctx, {.activation = activation, .alpha = 0.25f});
    for (std::size_t i = 0; i < 48; ++i)
      EXPECT_FLOAT_EQ(p.y[i], of(plain.y[i]));
  }
}

TEST_P(BatchNorm, KeepsNaNBehindRelu) {
  Context ctx(1);
  Problem p(GetParam());
  p.x[0] = std::nanf("");
  p.normalise(ctx, {.activation = Activation::relu});
  EXPECT_TRUE(std::isnan(p.y[0]));
}

INSTANTIATE_TEST_SUITE_P(Layouts, BatchNorm, testing::Values(row_major, channels_last));

/// The gradient behind a relu finds the sign that y was stored with: where y is 0 but for rounding, and where it is too small for its type.
template <class T> void expect_gradient_behind_relu(Layout layout) {
  Context ctx(2);
  constexpr index samples = 12, channels = 8, positions = 30, size = samples * channels * positions;
  const Dims shape{samples, channels, positions};
  std::vector<T> x(size), y(size), dy(size), selected(size), dx(size), expected(size);
  std::vector<f32> weight(samples, 0.125f), scale(channels), bias(channels), mean(channels), inverse(channels), unused(channels);
  std::vector<f32> dscale(channels), dbias(channels), expected_dscale(channels), expected_dbias(channels);
  weight[5] = 0;
  for (index i = 0; i < size; ++i) {
    x[i] = T(static_cast<f32>(i * 7919 % 17) / 8 - 1.1f); // few values, so that many of them meet a bias
    dy[i] = T(100 + static_cast<f32>(i * 104729 % 23));
  }
  for (index c = 0; c < channels; ++c)
    scale[c] = c == 7 ? 1e-39f : 0.3f + 0.2f * c;
  const auto image = [&](std::vector<T> &values) { return Tensor<T>{values.data(), shape, layout}; };
  const auto vector = [&](std::vector<f32> &values) { return Tensor<f32>{values.data(), {static_cast<index>(values.size())}}; };
  const auto forward = [&] {
    batch_norm(ctx, image(x), vector(scale), vector(bias), vector(weight), image(y), vector(unused), vector(unused), vector(mean), vector(inverse),
               {.activation = Activation::relu});
  };
  forward();
  // The bias takes back what one of the values becomes, up to some units in the last place.
  for (index c = 0; c < 7; ++c) {
    const f32 value = -(static_cast<f32>(x[c * 11]) - mean[c]) * (scale[c] * inverse[c]);
    bias[c] = value * (1 + static_cast<f32>(c - 3) * 6e-8f);
  }
  forward();
  index zeros = 0, tiny = 0;
  for (index i = 0; i < size; ++i) {
    const f32 value = static_cast<f32>(y[i]);
    zeros += value == 0;
    tiny += value != 0 && value < 1e-6f;
    selected[i] = value > 0 ? dy[i] : T(0.0f);
  }
  EXPECT_GT(zeros, size / 4);
  EXPECT_GT(tiny, 50);
  batch_norm_gradient(ctx, image(selected), image(x), vector(scale), vector(weight), vector(mean), vector(inverse), image(expected), vector(expected_dscale),
                      vector(expected_dbias));
  batch_norm_gradient(ctx, image(dy), image(x), vector(scale), vector(weight), vector(mean), vector(inverse), image(dx), vector(dscale), vector(dbias),
                      {.relu_bias = vector(bias)});
  for (index c = 0; c < channels; ++c) { // one value of dy is 100
    EXPECT_NEAR(dbias[c], expected_dbias[c], 0.1f);
    EXPECT_NEAR(dscale[c], expected_dscale[c], 0.1f);
  }
  for (index i = 0; i < size; ++i)
    EXPECT_NEAR(static_cast<f32>(dx[i]), static_cast<f32>(expected[i]), 1e-4f * (1 + std::abs(static_cast<f32>(expected[i]))));
}

TEST_P(BatchNorm, FindsTheSignAgainInF32) { expect_gradient_behind_relu<f32>(GetParam()); }
TEST_P(BatchNorm, FindsTheSignAgainInBf16) { expect_gradient_behind_relu<bf16>(GetParam()); }

/// A mean far from 0 leaves the variance exact; enough rows for several runs of sums and for threads.
TEST(BatchNormMatrix, KeepsSmallVariancesBesideLargeMeans) {
  Context ctx(2);
  const index rows = 20000;
  std::vector<f32> x(rows * 3), y(rows * 3), weight(rows, 1.0f / rows), ones{1, 1, 1}, zeros{0, 0, 0}, mean(3), variance(3), saved(3), inverse(3);
  for (index i = 0; i < rows; ++i)
    for (index c = 0; c < 3; ++c)
      x[i * 3 + c] = 1000.0f * c + (i % 2 ? 0.5f : -0.5f);
  batch_norm(ctx, {x.data(), {rows, 3}}, {ones.data(), {3}}, {zeros.data(), {3}}, {weight.data(), {rows}}, {y.data(), {rows, 3}}, {mean.data(), {3}},
             {variance.data(), {3}}, {saved.data(), {3}}, {inverse.data(), {3}});
  for (index c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[c], 1000.0 * c, 1e-3 * (c + 1));
    EXPECT_NEAR(variance[c], 0.25 * rows / (rows - 1), 1e-5);
    EXPECT_NEAR(y[c], -1, 1e-4);
  }
  // ONNX's running variance moves towards the biased one.
  batch_norm(ctx, {x.data(), {rows, 3}}, {ones.data(), {3}}, {zeros.data(), {3}}, {weight.data(), {rows}}, {y.data(), {rows, 3}}, {mean.data(), {3}},
             {variance.data(), {3}}, {saved.data(), {3}}, {inverse.data(), {3}}, {.biased_variance = true});
  for (index c = 0; c < 3; ++c)
    EXPECT_NEAR(variance[c], 0.25, 2e-6);
}

/// A share that is padding alone, and one with a single value: finite, and no variance.
TEST(BatchNormMatrix, HasNoVarianceOfOneValueOrNone) {
  Context ctx(1);
  std::vector<f32> x{7, 5}, y{9, 9}, scale{2}, bias{3}, mean{9}, variance{9}, saved{9}, inverse{9};
  for (f32 first : {0.0f, 0.5f}) {
    std::vector<f32> weight{first, 0};
    batch_norm(ctx, {x.data(), {2, 1}}, {scale.data(), {1}}, {bias.data(), {1}}, {weight.data(), {2}}, {y.data(), {2, 1}}, {mean.data(), {1}},
               {variance.data(), {1}}, {saved.data(), {1}}, {inverse.data(), {1}});
    EXPECT_EQ(mean[0], first * 7);
    EXPECT_EQ(variance[0], 0);
    EXPECT_EQ(y[0], first ? 3 : 0);
    EXPECT_EQ(y[1], 0);
  }
}

/// It leaves the running statistics where they are: its part of them is theirs. Two values have a variance, of one channel or of one position.
TEST(BatchNormMatrix, LeavesTheRunningStatisticsToSharesWithMoreThanOneValue) {
  Context ctx(1);
  for (const auto &[shape, layout] : {std::pair(Dims{3, 2}, row_major), {Dims{3, 2, 1, 1}, channels_last}, {Dims{3, 2, 1, 2}, channels_last}, {Dims{3, 2, 2}, row_major}}) {
    const index size = shape.product(), positions = size / 6;
    for (const std::vector<f32> &weight : {std::vector<f32>{0, 0.25f, 0}, {0.25f, 0, 0.5f}, {0, 0, 0}}) {
      std::vector<f32> weights = weight, x(size), y(size), scale{1, 1}, bias{0, 0}, mean{9, 9}, variance{9, 9}, saved{9, 9}, inverse{9, 9}, running_mean{3, 4},
          running_variance{5, 6};
      for (index i = 0; i < size; ++i)
        x[i] = static_cast<f32>(i * i);
      batch_norm(ctx, {x.data(), shape, layout}, {scale.data(), {2}}, {bias.data(), {2}}, {weights.data(), {3}}, {y.data(), shape, layout}, {mean.data(), {2}},
                 {variance.data(), {2}}, {saved.data(), {2}}, {inverse.data(), {2}},
                 {.running_mean = {running_mean.data(), {2}}, .running_variance = {running_variance.data(), {2}}});
      const f32 total = weight[0] + weight[1] + weight[2];
      const bool stays = positions * std::count_if(weight.begin(), weight.end(), [](f32 w) { return w != 0; }) <= 1;
      for (int c = 0; c < 2; ++c) {
        EXPECT_EQ(mean[c] == total * running_mean[c], stays) << c;
        EXPECT_EQ(variance[c] == total * running_variance[c], stays) << c;
        EXPECT_TRUE(std::isfinite(inverse[c]));
      }
      for (const f32 value : y)
        EXPECT_TRUE(std::isfinite(value));
    }
  }
}

} // namespace

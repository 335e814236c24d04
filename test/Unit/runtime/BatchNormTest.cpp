// Batch normalisation: closed forms, rows that are padding, both layouts.
#include "dtcrt/normalisation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using namespace dtcrt;

namespace {

/// x [4, 2, 2, 3] with padding in rows 1 and 3, which hold what must not matter.
struct Problem {
  Layout layout;
  Dims shape{4, 2, 2, 3};
  std::vector<f32> x, y, dy, dx, weight{0.125f, 0, 0.125f, 0}, scale{2, -0.5f}, bias{0.25f, 1}, mean{9, 9}, variance{9, 9}, dscale{9, 9}, dbias{9, 9};

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
  batch_norm(ctx, p.image(p.x), p.vector(p.scale), p.vector(p.bias), p.vector(p.weight), p.image(p.y), p.vector(p.mean), p.vector(p.variance),
             {.epsilon = 1e-3});
  for (index c = 0; c < 2; ++c) {
    const auto [mean, variance] = p.statistics(c);
    EXPECT_NEAR(p.mean[c], 0.25 * mean, 1e-5);
    EXPECT_NEAR(p.variance[c], 0.25 * variance * 12 / 11, 1e-5);
  }
  p.each([&](index n, index c, index, std::size_t at) {
    const auto [mean, variance] = p.statistics(c);
    EXPECT_NEAR(p.y[at], n % 2 ? 0 : (p.x[at] - mean) / std::sqrt(variance + 1e-3) * p.scale[c] + p.bias[c], 2e-5);
  });
}

TEST_P(BatchNorm, GradientAgreesWithTheFormula) {
  Context ctx(2);
  Problem p(GetParam());
  batch_norm_gradient(ctx, p.image(p.dy), p.image(p.x), p.vector(p.scale), p.vector(p.weight), p.image(p.dx), p.vector(p.dscale), p.vector(p.dbias));
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

INSTANTIATE_TEST_SUITE_P(Layouts, BatchNorm, testing::Values(row_major, channels_last));

/// A mean far from 0 leaves the variance exact; enough rows for several runs of sums and for threads.
TEST(BatchNormMatrix, KeepsSmallVariancesBesideLargeMeans) {
  Context ctx(2);
  const index rows = 20000;
  std::vector<f32> x(rows * 3), y(rows * 3), weight(rows, 1.0f / rows), ones{1, 1, 1}, zeros{0, 0, 0}, mean(3), variance(3);
  for (index i = 0; i < rows; ++i)
    for (index c = 0; c < 3; ++c)
      x[i * 3 + c] = 1000.0f * c + (i % 2 ? 0.5f : -0.5f);
  batch_norm(ctx, {x.data(), {rows, 3}}, {ones.data(), {3}}, {zeros.data(), {3}}, {weight.data(), {rows}}, {y.data(), {rows, 3}}, {mean.data(), {3}},
             {variance.data(), {3}});
  for (index c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[c], 1000.0 * c, 1e-3 * (c + 1));
    EXPECT_NEAR(variance[c], 0.25 * rows / (rows - 1), 1e-5);
    EXPECT_NEAR(y[c], -1, 1e-4);
  }
}

/// A share that is padding alone, and one with a single value: finite, and no variance.
TEST(BatchNormMatrix, HasNoVarianceOfOneValueOrNone) {
  Context ctx(1);
  std::vector<f32> x{7, 5}, y{9, 9}, scale{2}, bias{3}, mean{9}, variance{9};
  for (f32 first : {0.0f, 0.5f}) {
    std::vector<f32> weight{first, 0};
    batch_norm(ctx, {x.data(), {2, 1}}, {scale.data(), {1}}, {bias.data(), {1}}, {weight.data(), {2}}, {y.data(), {2, 1}}, {mean.data(), {1}},
               {variance.data(), {1}});
    EXPECT_EQ(mean[0], first * 7);
    EXPECT_EQ(variance[0], 0);
    EXPECT_EQ(y[0], first ? 3 : 0);
    EXPECT_EQ(y[1], 0);
  }
}

} // namespace

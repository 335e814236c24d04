// NaN, infinities and the ends of the range through every call that applies an activation, takes its gradient or chooses a maximum,
// against the C++ library's functions in f64.
#include "Reference.h"

#include <dtcrt/convolution.h>
#include <dtcrt/loss.h>
#include <dtcrt/matmul.h>
#include <dtcrt/normalisation.h>
#include <dtcrt/pooling.h>

#include <limits>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

constexpr f32 infinity = std::numeric_limits<f32>::infinity(), nothing = std::numeric_limits<f32>::quiet_NaN();
constexpr f32 largest = 3.38e38f; // of those that are finite in bf16 too
constexpr f32 values[] = {nothing, -nothing, infinity, -infinity, 0.0f,  -0.0f,     1e-40f, -1e-40f, 1.2e-38f, -1.2e-38f,
                          1e-6f,   -1e-6f,   1.0f,     -1.0f,     0.25f, -0.25f,    3.0f,   -3.0f,   20.0f,    -20.0f,
                          100.0f,  -100.0f,  1e18f,    -1e18f,    largest, -largest};
constexpr index count = std::size(values);

constexpr Activation activations[] = {Activation::none, relu, leaky_relu, elu, sigmoid, Activation::tanh, gelu, gelu_tanh};
constexpr const char *names[] = {"none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu", "gelu_tanh"};

/// NaN where NaN is due, the same infinity, else near; below the normal numbers nothing is promised.
template <class T> void expect_value(f64 expected, T got, const std::string &where) {
  const auto value = static_cast<f64>(static_cast<f32>(got));
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(value)) << where << ": " << value << " for NaN";
  else if (std::isinf(expected) || std::isinf(value))
    EXPECT_EQ(value, expected) << where;
  else
    EXPECT_NEAR(value, expected, std::abs(expected) * (sizeof(T) == 2 ? 1.0 / 128 : 2e-5) + 1e-6) << where;
}

std::string describe(Activation activation, f32 alpha, f32 value) {
  return std::string(names[int(activation)]) + " (" + std::to_string(alpha) + ") of " + std::to_string(value);
}

/// Every activation, with the scales that make a library take another way.
template <class Body> void for_activations(Body body) {
  for (const Activation activation : activations)
    for (const f32 alpha : {0.5f, 0.0f})
      if (alpha != 0 || activation == leaky_relu)
        body(activation, alpha);
}

template <class T> class SpecialValues : public testing::Test {};
using Elements = testing::Types<f32, bf16>;
TYPED_TEST_SUITE(SpecialValues, Elements);

/// Each value comes as the product of itself and 1, with 0 for all else that is added. Results that are larger and smaller than what
/// they are made of, in both ways that a bias has.
TYPED_TEST(SpecialValues, GoThroughProducts) {
  using T = TypeParam;
  Context ctx(2);
  for_activations([&](Activation activation, f32 alpha) {
    for (const index terms : {1, 8})
      for (const index columns : {1, 24})
        for (const int bias_along : {-1, 0, 1}) {
          Owned<T> a({count, terms}), b({terms, columns}, row_major, T(1.0f)), y({count, columns});
          Owned<T> bias(bias_along == 0 ? Dims{count, 1} : Dims{columns});
          for (index i = 0; i < count; ++i)
            a.tensor.data()[i * terms] = T(values[i]);
          matmul(ctx, a, b, y,
                 {.bias = bias_along < 0 ? Tensor<T>() : bias.tensor, .activation = activation, .alpha = alpha});
          for (index i = 0; i < count; ++i)
            for (index j = 0; j < columns; ++j)
              expect_value(activate(static_cast<f32>(T(values[i])), activation, alpha), y.tensor.data()[i * columns + j],
                           describe(activation, alpha, values[i]) + " with " + std::to_string(terms) + " terms, " + std::to_string(columns) + " columns, bias " + std::to_string(bias_along));
        }
  });
}

TYPED_TEST(SpecialValues, GoThroughConvolutions) {
  using T = TypeParam;
  Context ctx(2);
  for_activations([&](Activation activation, f32 alpha) {
    for (const Layout layout : {row_major, channels_last})
      for (const bool large : {false, true})
        for (const bool has_bias : {false, true}) {
          // Over the images: each has one value, which meets a weight of 1.
          const index channels = large ? 1 : 16, filters = large ? 16 : 1;
          Owned<T> x({count, channels, 2, 2}, layout), w({filters, channels, 1, 1}, row_major, T(1.0f)), y({count, filters, 2, 2}, layout);
          Owned<T> bias({filters});
          for (index i = 0; i < count; ++i)
            for (index p = 0; p < 4; ++p)
              x.tensor.data()[i * x.tensor.strides()[0] + p / 2 * x.tensor.strides()[2] + p % 2 * x.tensor.strides()[3]] = T(values[i]);
          conv(ctx, x, w, y, {.bias = has_bias ? bias.tensor : Tensor<T>(), .activation = activation, .alpha = alpha});
          const auto results = logical(y.tensor);
          for (std::size_t i = 0; i < results.size(); ++i) {
            const f32 value = values[i / (4 * filters)];
            // Seen with oneDNN 2.6 on a processor with AVX512_BF16, on others not: NaN where an infinity comes in.
            if (sizeof(T) == 2 && __builtin_cpu_supports("avx512bf16") && std::isinf(value) && std::isnan(static_cast<f32>(results[i])))
              continue;
            expect_value(activate(static_cast<f32>(T(value)), activation, alpha), T(static_cast<f32>(results[i])),
                         describe(activation, alpha, value));
          }
        }
  });
}

/// inf - inf is NaN, from operands that are none; so is what comes of products beyond the range.
TYPED_TEST(SpecialValues, ThatAProductMakesAreKept) {
  using T = TypeParam;
  Context ctx(1);
  Owned<T> a({2, 2}), b({2, 24}, row_major, T(1.0f)), y({2, 24});
  const f32 rows[] = {infinity, -infinity, 1e30f, -1e30f};
  for (std::size_t i = 0; i < 4; ++i)
    a.memory[i] = T(rows[i]);
  for (const f32 factor : {1.0f, 1e30f}) {
    for (index j = 0; j < 24; ++j)
      b.memory[static_cast<std::size_t>(j)] = b.memory[static_cast<std::size_t>(24 + j)] = T(factor);
    matmul(ctx, a, b, y, {.activation = relu});
    EXPECT_TRUE(std::isnan(static_cast<f32>(y.memory[0])));
    const f32 second = y.memory[24]; // one sum may be fused, and stay finite or infinite: what it is must be relu's of it
    EXPECT_TRUE(std::isnan(second) || second >= 0);
    if (factor == 1) {
      EXPECT_EQ(second, 0);
    }
  }
}

/// As PyTorch has them: relu's gradient passes at NaN, gelu's is NaN at infinities.
TYPED_TEST(SpecialValues, HaveGradientsInProducts) {
  using T = TypeParam;
  Context ctx(1);
  constexpr f64 pi = std::numbers::pi;
  const auto slope = [](Activation activation, f64 x) -> f64 {
    if (activation == relu)
      return x <= 0 ? 0 : 1;
    if (activation == gelu)
      return std::erfc(-x / std::sqrt(2)) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * pi);
    const f64 c = std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x));
    return (1 + c) / 2 + x / 2 * (1 - c * c) * std::sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x);
  };
  for (const Activation activation : {relu, gelu, gelu_tanh})
    for (const bool sums : {false, true}) {
      Owned<T> a({count, 1}, row_major, T(1.0f)), b({1, 8}, row_major, T(2.0f)), at({count, 8}), y({count, 8});
      Owned<f32> sum({8});
      for (index i = 0; i < count * 8; ++i)
        at.tensor.data()[i] = T(values[i / 8]);
      MatmulOptionsOf<T> options{.gradient_at = at.tensor, .activation_gradient = activation};
      if (sums && std::is_same_v<T, f32>)
        options.bias_gradient = sum.tensor;
      matmul(ctx, a, b, y, options);
      for (index i = 0; i < count * 8; ++i) {
        const f32 x = at.tensor.data()[i];
        if (activation == gelu_tanh && std::isfinite(x) && std::abs(x) > 1e17f)
          continue; // its formula overflows in f32, in PyTorch too
        expect_value(2 * slope(activation, x), y.tensor.data()[i], "gradient of " + describe(activation, 0, values[i / 8]));
      }
      if (sums && std::is_same_v<T, f32> && activation != relu) {
        EXPECT_TRUE(std::isnan(sum.memory[0]));
      }
    }
}

TYPED_TEST(SpecialValues, GoThroughBatchNormalisation) {
  using T = TypeParam;
  Context ctx(1);
  for_activations([&](Activation activation, f32 alpha) {
    // Channels of equal values are 0 when normalised; what is added to them is seen.
    Owned<T> x({4, count}, row_major, T(1.0f)), y({4, count}), residual({4, count});
    Owned<f32> scale({count}, row_major, 1), bias({count}), weight({4}, row_major, 0.25f), mean_part({count}), variance_part({count}), mean({count}),
        inverse({count});
    weight.memory[3] = 0; // padding
    for (index i = 0; i < 4 * count; ++i)
      residual.tensor.data()[i] = T(values[i % count]);
    batch_norm(ctx, x, scale, bias, weight, y, mean_part, variance_part, mean, inverse,
               {.residual = residual.tensor, .activation = activation, .alpha = alpha});
    for (index i = 0; i < 4 * count; ++i)
      expect_value(activate(static_cast<f32>(T(values[i % count])), activation, alpha), y.tensor.data()[i],
                   describe(activation, alpha, values[i % count]));
  });
}

/// Statistics of what is no number are none; other channels have theirs.
TYPED_TEST(SpecialValues, SpoilTheStatisticsOfTheirChannelAlone) {
  using T = TypeParam;
  Context ctx(1);
  for (const f32 value : {nothing, infinity}) {
    Owned<T> x({300, 3}), y({300, 3});
    Owned<f32> scale({3}, row_major, 1), bias({3}), weight({300}, row_major, 1.0f / 300), mean_part({3}), variance_part({3}), mean({3}), inverse({3});
    randomise(x.tensor, 1);
    x.memory[3 * 150 + 1] = T(value);
    batch_norm(ctx, x, scale, bias, weight, y, mean_part, variance_part, mean, inverse, {.activation = relu});
    for (index i = 0; i < 900; ++i)
      EXPECT_EQ(std::isnan(static_cast<f32>(y.tensor.data()[i])), i % 3 == 1) << i;
    for (int c = 0; c < 3; ++c)
      for (const Owned<f32> *statistic : {&mean_part, &variance_part})
        EXPECT_EQ(std::isfinite(statistic->memory[c]), c != 1) << c;
  }
}

/// A NaN wins, the last of several, and of equal numbers the first (torch.nn.functional.max_pool2d, with its indices).
template <class T, class I> void check_pooling(Layout layout, index kernel, index stride) {
  Context ctx(1);
  const index out = (6 - kernel) / stride + 1, channels = 19;
  Owned<T> x({4, channels, 6, 6}, layout), y({4, channels, out, out}, layout), means({4, channels, out, out}, layout);
  Owned<I> at({4, channels, out, out}, layout);
  std::mt19937 engine(1);
  for (T &v : x.memory) {
    const f32 choice[] = {nothing, infinity, -infinity, largest, -largest, 0.0f, 1.0f, -1.0f};
    v = T(engine() % 2 ? choice[engine() % 8] : static_cast<f32>(static_cast<int>(engine() % 5) - 2));
  }
  // One image of nothing but -inf, which is what a maximum begins with.
  for (index i = 0; i < x.tensor.size() / 4; ++i)
    x.tensor.data()[i] = T(-infinity);
  const Dims kernels{kernel, kernel}, strides{stride, stride};
  for (const Activation activation : {Activation::none, relu}) {
    max_pool(ctx, x, y, at, {.kernel = kernels, .strides = strides, .activation = activation});
    avg_pool(ctx, x, means, {.kernel = kernels, .strides = strides});
    for_each_index(y.tensor.shape(), [&](const Dims &o) {
      f32 best = -infinity;
      f64 sum = 0;
      bool holds_largest = false;
      index where = 0;
      for (index k = 0; k < kernel * kernel; ++k) {
        const index position = o[0] * x.tensor.strides()[0] + o[1] * x.tensor.strides()[1] + (o[2] * stride + k / kernel) * x.tensor.strides()[2] +
                               (o[3] * stride + k % kernel) * x.tensor.strides()[3];
        const f32 value = x.tensor.data()[position];
        sum += value;
        holds_largest = holds_largest || (std::isfinite(value) && std::abs(value) > 1e38f);
        if (value > best || std::isnan(value)) {
          best = value;
          where = k;
        }
      }
      const index position = offset_of(y.tensor, position_of(y.tensor.shape(), o));
      expect_value(activate(best, activation), y.tensor.data()[position], "maximum");
      EXPECT_EQ(static_cast<index>(at.tensor.data()[position]), where);
      if (!holds_largest) // two make an infinity, in some order of the sum
        expect_value(sum / static_cast<f64>(kernel * kernel), means.tensor.data()[position], "mean");
    });
  }
}
TYPED_TEST(SpecialValues, WinInPooling) {
  for (const Layout layout : {row_major, channels_last})
    for (const auto &[kernel, stride] : {std::pair<index, index>(2, 2), {3, 3}, {3, 1}}) {
      check_pooling<TypeParam, u8>(layout, kernel, stride);
      check_pooling<TypeParam, i32>(layout, kernel, stride);
    }
}

/// A loss of what is no number is none, whatever it is clamped at. Padding rows do not count, whatever they hold.
TEST(SpecialValues, MakeTheLoss) {
  Context ctx(1);
  for (const f32 value : {nothing, infinity, -infinity}) {
    Owned<f32> p({2, 3}, row_major, 0.5f), t({2, 3}, row_major, 1), weight({2}, row_major, 0.5f), loss({}), dp({2, 3});
    Owned<i64> label({2});
    p.memory[1] = value;
    binary_cross_entropy_with_logits(ctx, p, t, weight, loss, dp);
    EXPECT_FALSE(std::isfinite(loss.memory[0])) << value;
    softmax_cross_entropy(ctx, p, label, weight, loss, dp);
    EXPECT_EQ(std::isnan(loss.memory[0]), value != -infinity) << value;
    if (std::isnan(value)) {
      binary_cross_entropy(ctx, p, t, weight, loss, dp);
      EXPECT_TRUE(std::isnan(loss.memory[0]));
    }
    weight.memory[0] = 0;
    binary_cross_entropy_with_logits(ctx, p, t, weight, loss, dp);
    EXPECT_FLOAT_EQ(loss.memory[0], 0.5f * std::log1p(std::exp(-0.5f)));
    softmax_cross_entropy(ctx, p, label, weight, loss, dp);
    EXPECT_TRUE(std::isfinite(loss.memory[0]));
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(dp.memory[static_cast<std::size_t>(i)], 0);
  }
}

} // namespace

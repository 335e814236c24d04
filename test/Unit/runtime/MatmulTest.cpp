// Matrix products against the definition, with numpy's broadcasting.
#include "Reference.h"

#include <dtcrt/matmul.h>

#include <stdexcept>
#include <utility>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

struct Case {
  const char *name;
  Dims a, b, y;
  Dims bias{};
  bool transpose_a = false, transpose_b = false;
  Activation activation = Activation::none;
  Layout layout_a = row_major, layout_b = row_major, layout_y = row_major;
};

/// The position in a tensor of `shape` of the element that belongs to index `at` of a broadcast result.
index broadcast_position(const Dims &shape, const Dims &at) {
  index position = 0;
  const int lead = at.size() - shape.size();
  for (int d = 0; d < shape.size(); ++d)
    position = position * shape[d] + (shape[d] == 1 ? 0 : at[d + lead]);
  return position;
}

/// The same with the last two entries of `at` replaced.
index matrix_position(const Dims &shape, Dims at, index row, index column, bool transposed) {
  at[at.size() - 2] = transposed ? column : row;
  at[at.size() - 1] = transposed ? row : column;
  return broadcast_position(shape, at);
}

class Matmul : public testing::TestWithParam<Case> {};

TEST_P(Matmul, FollowsTheDefinition) {
  const Case &c = GetParam();
  Context ctx(2);
  Owned<f32> a(c.a, c.layout_a), b(c.b, c.layout_b), y(c.y, c.layout_y), bias(c.bias);
  randomise(a.tensor, 1);
  randomise(b.tensor, 2);
  randomise(bias.tensor, 3);
  const auto as = logical(a.tensor), bs = logical(b.tensor), biases = logical(bias.tensor);
  const index depth = c.a[c.a.size() - (c.transpose_a ? 2 : 1)];
  std::vector<f64> expected;
  for_each_index(c.y, [&](const Dims &at) {
    f64 sum = c.bias.empty() ? 0 : biases[static_cast<std::size_t>(broadcast_position(c.bias, at))];
    for (index k = 0; k < depth; ++k)
      sum += as[static_cast<std::size_t>(matrix_position(c.a, at, at[at.size() - 2], k, c.transpose_a))] *
             bs[static_cast<std::size_t>(matrix_position(c.b, at, k, at[at.size() - 1], c.transpose_b))];
    expected.push_back(activate(sum, c.activation));
  });
  matmul(ctx, a, b, y,
         {.bias = c.bias.empty() ? Tensor<f32>() : bias.tensor,
          .transpose_a = c.transpose_a,
          .transpose_b = c.transpose_b,
          .activation = c.activation});
  expect_near(y.tensor, expected);
  if (!c.bias.empty() || c.activation != Activation::none)
    return;
  // On top of what is there already.
  randomise(y.tensor, 4);
  const auto before = logical(y.tensor);
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] += before[i];
  matmul(ctx, a, b, y, {.transpose_a = c.transpose_a, .transpose_b = c.transpose_b, .accumulate = true});
  expect_near(y.tensor, expected);
}

/// Bias gradients: whatever the layout of the operands, beside a product that is written or added to.
TEST(MatmulSums, AreThoseOfTheOperandsAsTheyAreMultiplied) {
  Context ctx(2);
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const int which : {1, 2, 3}) {
        const index m = 6, n = 10, k = 700;
        Owned<f32> a(transpose_a ? Dims{k, m} : Dims{m, k}), b(transpose_b ? Dims{n, k} : Dims{k, n}), y({m, n}), bias({n});
        Owned<f32> sum_a({m}, row_major, 7), sum_b({1, n}, row_major, 7); // overwritten
        randomise(a.tensor, 1);
        randomise(b.tensor, 2);
        randomise(y.tensor, 3);
        randomise(bias.tensor, 4);
        std::vector<f64> expected_a(static_cast<std::size_t>(m)), expected_b(static_cast<std::size_t>(n)), products;
        const auto at = [&](const Owned<f32> &t, bool transpose, index row, index column) -> f64 {
          return t.memory[static_cast<std::size_t>(transpose ? column * t.tensor.dim(1) + row : row * t.tensor.dim(1) + column)];
        };
        for (index i = 0; i < m; ++i)
          for (index j = 0; j < n; ++j) {
            f64 sum = 0;
            for (index l = 0; l < k; ++l)
              sum += at(a, transpose_a, i, l) * at(b, transpose_b, l, j);
            products.push_back(sum);
          }
        for (index l = 0; l < k; ++l) {
          for (index i = 0; i < m; ++i)
            expected_a[static_cast<std::size_t>(i)] += at(a, transpose_a, i, l);
          for (index j = 0; j < n; ++j)
            expected_b[static_cast<std::size_t>(j)] += at(b, transpose_b, l, j);
        }
        MatmulOptions options{.transpose_a = transpose_a, .transpose_b = transpose_b, .accumulate = true};
        if (which & 1)
          options.bias_gradient_a = sum_a;
        if (which & 2)
          options.bias_gradient_b = sum_b;
        std::vector<f64> expected = logical(y.tensor);
        for (std::size_t i = 0; i < products.size(); ++i)
          expected[i] += products[i];
        matmul(ctx, a, b, y, options);
        const auto expect_sums = [&] {
          expect_near(sum_a.tensor, which & 1 ? expected_a : std::vector<f64>(static_cast<std::size_t>(m), 7));
          expect_near(sum_b.tensor, which & 2 ? expected_b : std::vector<f64>(static_cast<std::size_t>(n), 7));
        };
        expect_near(y.tensor, expected, 1e-4);
        expect_sums();
        // Beside a bias and an activation.
        randomise(sum_a.tensor, 5);
        options.accumulate = false;
        options.bias = bias;
        options.activation = relu;
        for (std::size_t i = 0; i < products.size(); ++i)
          expected[i] = std::max(products[i] + bias.memory[i % static_cast<std::size_t>(n)], 0.0);
        std::fill(sum_a.memory.begin(), sum_a.memory.end(), 7.0f);
        std::fill(sum_b.memory.begin(), sum_b.memory.end(), 7.0f);
        matmul(ctx, a, b, y, options);
        expect_near(y.tensor, expected, 1e-4);
        expect_sums();
      }
}

/// A sum of many bf16 is that of f32: rounded on the way it would stop to grow at 256.
TEST(MatmulSums, OfBf16AreNotRounded) {
  Context ctx(2);
  const index rows = 3000, m = 4, n = 5;
  Owned<bf16> a({rows, m}, row_major, bf16(1.0f)), b({rows, n}, row_major, bf16(0.5f)), low({m, n});
  Owned<f32> y({m, n}), sum({m}), other({n});
  matmul(ctx, a, b, y, {.bias_gradient_a = sum, .transpose_a = true});
  expect_near(sum.tensor, std::vector<f64>(static_cast<std::size_t>(m), rows));
  expect_near(y.tensor, std::vector<f64>(static_cast<std::size_t>(m * n), rows / 2));
  matmul(ctx, a, b, low, {.bias_gradient_b = other, .transpose_a = true}); // the product is
  expect_near(other.tensor, std::vector<f64>(static_cast<std::size_t>(n), rows / 2));
}

/// By central differences of the activation itself.
f64 slope_of(Activation activation, f64 x) {
  if (activation == relu)
    return x > 0 ? 1 : 0;
  const auto value = [&](f64 t) {
    const f64 inner = std::sqrt(2 / M_PI) * (t + 0.044715 * t * t * t);
    return t / 2 * (1 + (activation == gelu ? std::erf(t / std::sqrt(2)) : std::tanh(inner)));
  };
  return (value(x + 1e-5) - value(x - 1e-5)) / 2e-5;
}

/// A forward product with its activation, and the product whose result is the gradient of that; against the definition.
struct GradientCase {
  const char *name;
  Dims dims; ///< of y: [..., N]
  Activation activation;
  bool masked = false, summed = false;
};
class MatmulGradient : public testing::TestWithParam<GradientCase> {};

TEST_P(MatmulGradient, IsThatOfTheActivation) {
  const GradientCase &c = GetParam();
  Context ctx(2);
  const index k = 9, n = c.dims.back();
  Dims x_dims = c.dims;
  x_dims.back() = k;
  Owned<f32> x(x_dims), w({k, n}), bias({n}), at(c.dims), dz(x_dims), v({n, k}), dy(c.dims), sums({n}, row_major, 7);
  const Dims mask_dims = relu_mask_shape(c.dims);
  std::vector<u8> memory(static_cast<std::size_t>(mask_dims.product()) + 16, 0x5A);
  const Tensor<u8> mask(memory.data() + (16 - reinterpret_cast<std::uintptr_t>(memory.data()) % 16) % 16, mask_dims);
  for (auto [tensor, seed] : {std::pair(&x, 1u), {&w, 2u}, {&bias, 3u}, {&dz, 4u}, {&v, 5u}})
    randomise(tensor->tensor, seed);
  const auto run = [&] {
    // gelu's gradient needs what it was given, relu's its result.
    if (c.activation == relu)
      matmul(ctx, x, w, at, {.bias = bias, .relu_mask = c.masked ? mask : Tensor<u8>(), .activation = relu});
    else
      matmul(ctx, x, w, at, {.bias = bias});
    std::vector<f64> expected, totals(static_cast<std::size_t>(n));
    for (index i = 0; i < dy.tensor.size(); ++i) {
      f64 sum = 0;
      for (index l = 0; l < k; ++l)
        sum += f64(dz.memory[static_cast<std::size_t>(i / n * k + l)]) * v.memory[static_cast<std::size_t>(i % n * k + l)];
      expected.push_back(sum * slope_of(c.activation, at.memory[static_cast<std::size_t>(i)]));
      totals[static_cast<std::size_t>(i % n)] += expected.back();
    }
    matmul(ctx, dz, v, dy,
           {.gradient_at = at,
            .bias_gradient = c.summed ? sums.tensor : Tensor<f32>(),
            .relu_mask = c.masked ? mask : Tensor<u8>(),
            .transpose_b = true,
            .activation_gradient = c.activation});
    expect_near(dy.tensor, expected);
    expect_near(sums.tensor, c.summed ? totals : std::vector<f64>(static_cast<std::size_t>(n), 7), 1e-4);
  };
  run();
  randomise(x.tensor, 6); // other signs, with what the calls have made
  run();
}

const GradientCase gradients[] = {
    {.name = "Relu", .dims = {33, 40}, .activation = relu},
    {.name = "ReluSummed", .dims = {700, 13}, .activation = relu, .summed = true},
    {.name = "ReluMasked", .dims = {33, 40}, .activation = relu, .masked = true},
    {.name = "ReluMaskedSummed", .dims = {600, 200}, .activation = relu, .masked = true, .summed = true},
    {.name = "ReluStack", .dims = {3, 5, 130}, .activation = relu, .masked = true, .summed = true},
    {.name = "ReluOneColumn", .dims = {7, 1}, .activation = relu, .masked = true, .summed = true},
    {.name = "ReluOneRow", .dims = {1, 9}, .activation = relu, .masked = true, .summed = true},
    {.name = "GeluTanh", .dims = {33, 40}, .activation = gelu_tanh, .summed = true},
    {.name = "GeluTanhOddWidth", .dims = {33, 13}, .activation = gelu_tanh, .summed = true},
    {.name = "GeluTanhStack", .dims = {2, 3, 16}, .activation = gelu_tanh},
    {.name = "Gelu", .dims = {33, 40}, .activation = gelu, .summed = true},
};
INSTANTIATE_TEST_SUITE_P(All, MatmulGradient, testing::ValuesIn(gradients), [](const auto &info) { return std::string(info.param.name); });

/// Once, or, where a library has rounded the product, twice.
TEST(MatmulGradients, OfBf16AreRoundedAtMostTwice) {
  Context ctx(2);
  for (const Activation activation : {relu, gelu, gelu_tanh}) {
    const index m = 20, k = 9, n = 24;
    Owned<bf16> dz({m, k}), v({k, n}), at({m, n}), dy({m, n});
    randomise(dz.tensor, 1);
    randomise(v.tensor, 2);
    randomise(at.tensor, 3);
    matmul(ctx, dz, v, dy, {.gradient_at = at, .activation_gradient = activation});
    for (index i = 0; i < m * n; ++i) {
      f64 sum = 0;
      for (index l = 0; l < k; ++l)
        sum += f64(f32(dz.memory[static_cast<std::size_t>(i / n * k + l)])) * f32(v.memory[static_cast<std::size_t>(l * n + i % n)]);
      sum *= slope_of(activation, f32(at.memory[static_cast<std::size_t>(i)]));
      EXPECT_NEAR(f32(dy.memory[static_cast<std::size_t>(i)]), sum, std::ldexp(std::abs(sum), -7) + 1e-5) << i;
    }
  }
}

/// A mask whose forward call had another way than the library's says nothing, and is not read.
TEST(MatmulGradients, DoNotReadMasksThatNobodyWrote) {
  Context ctx(1);
  Owned<f32> dz({4, 3}, row_major, 1), v({3, 8}, row_major, 1), at({4, 8}), dy({4, 8});
  randomise(at.tensor, 1);
  alignas(16) u8 memory[4 * 16];
  std::fill(std::begin(memory), std::end(memory), u8(0x5A));
  matmul(ctx, dz, v, dy, {.gradient_at = at, .relu_mask = Tensor<u8>(memory, {4, 16}), .activation_gradient = relu});
  for (index i = 0; i < 32; ++i)
    EXPECT_EQ(dy.memory[static_cast<std::size_t>(i)], at.memory[static_cast<std::size_t>(i)] > 0 ? 3 : 0);
}

TEST(MatmulGradients, FollowTheRules) {
  Context ctx(1);
  Owned<f32> a({3, 4}), b({4, 5}), y({3, 5}), at({3, 5}), other({5, 3}), bias({5}), wrong({3});
  EXPECT_THROW(matmul(ctx, a, b, y, {.activation_gradient = relu}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.gradient_at = at}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.gradient_at = other, .activation_gradient = relu}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.gradient_at = at, .activation_gradient = Activation::tanh}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.bias = bias, .gradient_at = at, .activation_gradient = relu}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.gradient_at = at, .bias_gradient = wrong, .activation_gradient = relu}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.bias_gradient = bias}), std::logic_error);
  alignas(16) u8 memory[64];
  EXPECT_THROW(matmul(ctx, a, b, y, {.relu_mask = Tensor<u8>(memory, {3, 16})}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.relu_mask = Tensor<u8>(memory, {2, 16}), .activation = relu}), std::logic_error);
  EXPECT_THROW(matmul(ctx, a, b, y, {.relu_mask = Tensor<u8>(memory + 8, {3, 16}), .activation = relu}), std::logic_error);
}

TEST(MatmulSums, AreOfMatricesAlone) {
  Context ctx(1);
  Owned<f32> a({2, 3, 4}), b({4, 5}), y({2, 3, 5}), sum({3}), wrong({4});
  EXPECT_THROW(matmul(ctx, a, b, y, {.bias_gradient_a = sum}), std::logic_error);
  Owned<f32> matrix({3, 4}), result({3, 5});
  EXPECT_THROW(matmul(ctx, matrix, b, result, {.bias_gradient_a = wrong}), std::logic_error);
}

const Case cases[] = {
    {.name = "Plain", .a = {5, 7}, .b = {7, 3}, .y = {5, 3}},
    {.name = "LinearLayer", .a = {33, 40}, .b = {10, 40}, .y = {33, 10}, .bias = {10}, .transpose_b = true, .activation = relu},
    {.name = "Gelu", .a = {33, 40}, .b = {10, 40}, .y = {33, 10}, .bias = {10}, .transpose_b = true, .activation = gelu},
    {.name = "GeluByTanh", .a = {33, 40}, .b = {10, 40}, .y = {33, 10}, .bias = {10}, .transpose_b = true, .activation = gelu_tanh},
    {.name = "GeluOfAProduct", .a = {3, 40}, .b = {40, 16}, .y = {3, 16}, .activation = gelu_tanh},
    {.name = "GeluOfARowsBias", .a = {4, 5}, .b = {5, 3}, .y = {4, 3}, .bias = {4, 1}, .activation = gelu},
    {.name = "WeightGradient", .a = {33, 10}, .b = {33, 40}, .y = {10, 40}, .transpose_a = true},
    {.name = "BothTransposed", .a = {6, 4}, .b = {5, 6}, .y = {4, 5}, .transpose_a = true, .transpose_b = true},
    {.name = "OneRow", .a = {1, 9}, .b = {9, 4}, .y = {1, 4}},
    {.name = "OneColumn", .a = {8, 9}, .b = {9, 1}, .y = {8, 1}, .bias = {1}},
    {.name = "OneByOne", .a = {1, 1}, .b = {1, 1}, .y = {1, 1}, .transpose_a = true},
    {.name = "OneTransposedColumn", .a = {9, 1}, .b = {9, 4}, .y = {1, 4}, .transpose_a = true},
    {.name = "BiasARow", .a = {4, 5}, .b = {5, 3}, .y = {4, 3}, .bias = {4, 1}, .activation = relu},
    {.name = "BiasFull", .a = {4, 5}, .b = {5, 3}, .y = {4, 3}, .bias = {4, 3}},
    {.name = "BiasScalar", .a = {4, 5}, .b = {5, 3}, .y = {4, 3}, .bias = {1}},
    {.name = "StackTimesMatrix", .a = {2, 3, 4, 5}, .b = {5, 6}, .y = {2, 3, 4, 6}, .bias = {6}, .activation = relu},
    {.name = "StackTimesStack", .a = {2, 3, 4, 5}, .b = {2, 3, 5, 6}, .y = {2, 3, 4, 6}},
    {.name = "StackTransposed", .a = {3, 5, 4}, .b = {3, 6, 5}, .y = {3, 4, 6}, .transpose_a = true, .transpose_b = true},
    {.name = "MatrixTimesStack", .a = {4, 5}, .b = {3, 5, 6}, .y = {3, 4, 6}},
    {.name = "BroadcastBothWays", .a = {2, 1, 4, 5}, .b = {3, 5, 6}, .y = {2, 3, 4, 6}, .bias = {3, 1, 6}},
    {.name = "ChannelsLast", .a = {2, 3, 4, 5}, .b = {5, 6}, .y = {2, 3, 4, 6}, .layout_a = channels_last, .layout_y = channels_last},
    {.name = "ChannelsLastRankThree", .a = {2, 4, 5}, .b = {2, 5, 6}, .y = {2, 4, 6}, .layout_a = channels_last, .layout_b = channels_last, .layout_y = channels_last},
};

INSTANTIATE_TEST_SUITE_P(All, Matmul, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.name); });

} // namespace

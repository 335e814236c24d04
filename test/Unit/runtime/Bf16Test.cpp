// bf16 against its definition in numbers; every call that takes it against the same call on f32.
#include "Reference.h"

#include "cpu/Backend.h"
#include "dtcrt/program.h"

#include <limits>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

//===-- the type --===//

/// The value of a finite pattern: sign, 8 bits of exponent, 7 of fraction (the definition, in f64).
f64 value_of(std::uint16_t bits) {
  const int exponent = bits >> 7 & 0xFF, fraction = bits & 0x7F;
  const f64 magnitude = exponent ? std::ldexp(128 + fraction, exponent - 127 - 7) : std::ldexp(fraction, -126 - 7);
  return bits & 0x8000 ? -magnitude : magnitude;
}

bool is_finite(std::uint16_t bits) { return (bits & 0x7F80) != 0x7F80; }
bool is_nan(std::uint16_t bits) { return !is_finite(bits) && (bits & 0x7F); }

TEST(Bf16, EveryPatternHasItsValueAndComesBack) {
  for (unsigned i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const f32 value = bf16::from_bits(bits);
    if (is_nan(bits)) {
      EXPECT_TRUE(std::isnan(value));
      const std::uint16_t back = bf16(value).bits;
      EXPECT_TRUE(is_nan(back)) << i;
      EXPECT_EQ(back & 0x8000, bits & 0x8000) << i;
      continue;
    }
    if (is_finite(bits))
      EXPECT_EQ(static_cast<f64>(value), value_of(bits)) << i;
    else
      EXPECT_EQ(value, bits & 0x8000 ? -std::numeric_limits<f32>::infinity() : std::numeric_limits<f32>::infinity());
    EXPECT_EQ(bf16(value).bits, bits) << i;
  }
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  for (unsigned i = 0; i < 0x7F7F; ++i) { // both neighbours are finite
    const auto low = static_cast<std::uint16_t>(i), high = static_cast<std::uint16_t>(i + 1);
    const f32 middle = static_cast<f32>((value_of(low) + value_of(high)) / 2);
    ASSERT_EQ(static_cast<f64>(middle), (value_of(low) + value_of(high)) / 2) << "an f32 holds it";
    const f32 infinity = std::numeric_limits<f32>::infinity();
    EXPECT_EQ(bf16(middle).bits, i % 2 ? high : low) << i;
    EXPECT_EQ(bf16(std::nextafter(middle, -infinity)).bits, low) << i;
    EXPECT_EQ(bf16(std::nextafter(middle, infinity)).bits, high) << i;
    EXPECT_EQ(bf16(-middle).bits, 0x8000 | (i % 2 ? high : low)) << i;
    EXPECT_EQ(bf16(std::nextafter(-middle, infinity)).bits, 0x8000 | low) << i;
  }
}

TEST(Bf16, OverflowsWhereTheNextValueWouldBeNearer) {
  const f32 largest = bf16::from_bits(0x7F7F), tie = static_cast<f32>(std::ldexp(255.5, 120));
  EXPECT_EQ(static_cast<f64>(largest), std::ldexp(255, 120));
  EXPECT_EQ(bf16(std::nextafter(tie, 0.0f)).bits, 0x7F7F);
  EXPECT_EQ(bf16(tie).bits, 0x7F80);
  EXPECT_EQ(bf16(std::numeric_limits<f32>::max()).bits, 0x7F80);
  EXPECT_EQ(bf16(-std::numeric_limits<f32>::max()).bits, 0xFF80);
}

TEST(Bf16, IsThereAtCompileTime) {
  static_assert(bf16(1.0f).bits == 0x3F80 && f32(bf16(3.140625f)) == 3.140625f && f32(bf16(1 + 1.0f / 256)) == 1.0f);
  static_assert(bf16(0x1p-140f).bits == 0, "below half of the smallest subnormal");
}

//===-- the calls --===//

/// A bf16 tensor with random values, and the same values as f32.
struct Both {
  Owned<bf16> low;
  Owned<f32> full;
  Both(const Dims &shape, Layout layout = row_major, unsigned seed = 0) : low(shape, layout), full(shape, layout) {
    if (seed)
      randomise(full.tensor, seed, -1, 1);
    for (std::size_t i = 0; i < low.memory.size(); ++i) {
      low.memory[i] = bf16(full.memory[i]);
      full.memory[i] = low.memory[i];
    }
  }
};

/// One rounding to bf16 away from the f32 result; where sums cancel, from what the terms amount to.
void expect_rounded(const Owned<bf16> &actual, const Owned<f32> &expected, f64 terms = 0.01) {
  const std::vector<f64> a = logical(actual.tensor), e = logical(expected.tensor);
  ASSERT_EQ(a.size(), e.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], e[i], std::ldexp(std::abs(e[i]), -8) + terms * 1e-3) << "element " << i;
}
void expect_full(const Owned<f32> &actual, const Owned<f32> &expected) { expect_near(actual.tensor, logical(expected.tensor), 1e-5); }

/// With oneDNN's bf16 where this machine has it, and on widened operands.
class Bf16Calls : public testing::TestWithParam<bool> {
protected:
  Bf16Calls() : ctx(2) {
    if (!GetParam())
      ctx.backend().library_bf16 = false;
  }
  void SetUp() override {
    if (GetParam() && !ctx.backend().library_bf16)
      GTEST_SKIP() << "this machine has no AVX-512";
  }
  Context ctx;
};
INSTANTIATE_TEST_SUITE_P(, Bf16Calls, testing::Bool(), [](const auto &info) { return info.param ? "library" : "widened"; });

struct ConvCase {
  Dims x, w, strides, dilations, pads;
  index groups;
};

TEST_P(Bf16Calls, Convolution) {
  const ConvCase cases[] = {{{4, 3, 9, 9}, {8, 3, 3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1}, {{2, 16, 11, 10}, {32, 16, 3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1},
                            {{3, 1, 12, 12}, {16, 1, 5, 5}, {2, 2}, {1, 1}, {2, 2, 1, 1}, 1}, {{2, 8, 9, 9}, {8, 2, 3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 4},
                            {{2, 6, 7}, {5, 6, 3}, {1}, {1}, {1, 0}, 1}};
  for (const ConvCase &c : cases)
    for (Layout layout : {channels_last, row_major}) {
      Dims shape{c.x[0], c.w[0]};
      const int spatial = c.x.size() - 2;
      for (int d = 0; d < spatial; ++d)
        shape.push_back((c.x[2 + d] + c.pads[d] + c.pads[spatial + d] - c.dilations[d] * (c.w[2 + d] - 1) - 1) / c.strides[d] + 1);
      Both x(c.x, layout, 1), w(c.w, row_major, 2), bias({c.w[0]}, row_major, 3), y(shape, layout), dy(shape, layout, 4), dx(c.x, layout);
      conv(ctx, x.low, w.low, y.low,
           {.bias = bias.low, .strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups, .activation = relu});
      conv(ctx, x.full, w.full, y.full,
           {.bias = bias.full, .strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups, .activation = relu});
      expect_rounded(y.low, y.full, 1);
      conv_input_gradient(ctx, dy.low, w.low, dx.low, {.strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups});
      conv_input_gradient(ctx, dy.full, w.full, dx.full, {.strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups});
      expect_rounded(dx.low, dx.full, 1);
      Owned<f32> dw(c.w), db({c.w[0]}), expected_dw(c.w), expected_db({c.w[0]});
      conv_weight_gradient(ctx, x.low, dy.low, dw, {.bias_gradient = db, .strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups});
      conv_weight_gradient(ctx, x.full, dy.full, expected_dw,
                           {.bias_gradient = expected_db, .strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups});
      expect_full(dw, expected_dw);
      expect_full(db, expected_db);
    }
}

TEST_P(Bf16Calls, WeightsAreReadAnew) {
  Both x({2, 8, 6, 6}, channels_last, 1), w({8, 8, 3, 3}, row_major, 2), y({2, 8, 4, 4}, channels_last);
  conv(ctx, x.low, w.low, y.low);
  for (std::size_t i = 0; i < w.low.memory.size(); ++i)
    w.low.memory[i] = bf16(w.full.memory[i] *= 2);
  conv(ctx, x.low, w.low, y.low);
  conv(ctx, x.full, w.full, y.full);
  expect_rounded(y.low, y.full, 1);
}

TEST_P(Bf16Calls, CopiesOfParametersAreReadAnewBehindACast) {
  Both x({2, 8, 6, 6}, channels_last, 1), w({8, 8, 3, 3}, row_major, 2), y({2, 8, 4, 4}, channels_last);
  ctx.declare_parameter(w.full.memory.data());
  for (int step = 0; step < 3; ++step) {
    cast(ctx, {{w.full, w.low}});
    conv(ctx, x.low, w.low, y.low);
    conv(ctx, x.low, w.low, y.low);
    conv(ctx, x.full, w.full, y.full);
    expect_rounded(y.low, y.full, 1);
    for (f32 &value : w.full.memory)
      value *= -2;
    ctx.parameter_changed(w.full.memory.data());
  }
}

TEST_P(Bf16Calls, Matmul) {
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      Both a(ta ? Dims{70, 33} : Dims{33, 70}, row_major, 1), b(tb ? Dims{17, 70} : Dims{70, 17}, row_major, 2), bias({17}, row_major, 3), y({33, 17});
      matmul(ctx, a.low, b.low, y.low, {.bias = bias.low, .transpose_a = ta, .transpose_b = tb, .activation = Activation::tanh});
      matmul(ctx, a.full, b.full, y.full, {.bias = bias.full, .transpose_a = ta, .transpose_b = tb, .activation = Activation::tanh});
      expect_rounded(y.low, y.full, 1);
      Owned<f32> sum({33, 17}, row_major, 0.5f), expected({33, 17}, row_major, 0.5f);
      matmul(ctx, a.low, b.low, sum, {.transpose_a = ta, .transpose_b = tb, .accumulate = true});
      matmul(ctx, a.full, b.full, expected, {.transpose_a = ta, .transpose_b = tb, .accumulate = true});
      expect_full(sum, expected);
    }
  // Stacks of matrices, one of which is repeated; a bias along the rows.
  Both a({3, 1, 5, 8}, row_major, 4), b({4, 8, 6}, row_major, 5), bias({5, 1}, row_major, 6), y({3, 4, 5, 6});
  matmul(ctx, a.low, b.low, y.low, {.bias = bias.low, .activation = relu});
  matmul(ctx, a.full, b.full, y.full, {.bias = bias.full, .activation = relu});
  expect_rounded(y.low, y.full, 1);
}

TEST_P(Bf16Calls, Pools) {
  for (Layout layout : {channels_last, row_major})
    for (index stride : {2, 1}) { // side by side, and overlapping
      const index out = stride == 2 ? 4 : 7;
      Both x({3, 20, 8, 8}, layout, 1), y({3, 20, out, out}, layout), dy({3, 20, out, out}, layout, 2), dx({3, 20, 8, 8}, layout);
      Owned<u8> at(y.low.tensor.shape(), layout), expected_at(y.low.tensor.shape(), layout);
      const MaxPoolOptions options{.kernel = {2, 2}, .strides = {stride, stride}, .activation = Activation::elu, .alpha = 1};
      max_pool(ctx, x.low, y.low, at, options);
      max_pool(ctx, x.full, y.full, expected_at, options);
      expect_rounded(y.low, y.full);
      EXPECT_EQ(at.memory, expected_at.memory);
      max_pool_gradient(ctx, dy.low, at, dx.low, options);
      max_pool_gradient(ctx, dy.full, at, dx.full, options);
      expect_rounded(dx.low, dx.full, 1);
      const AvgPoolOptions average{.kernel = {2, 2}, .strides = {stride, stride}};
      avg_pool(ctx, x.low, y.low, average);
      avg_pool(ctx, x.full, y.full, average);
      expect_rounded(y.low, y.full);
      avg_pool_gradient(ctx, dy.low, dx.low, average);
      avg_pool_gradient(ctx, dy.full, dx.full, average);
      expect_rounded(dx.low, dx.full, 1);
    }
}

TEST_P(Bf16Calls, BatchNorm) {
  for (Layout layout : {channels_last, row_major}) {
    Both x({6, 5, 4, 4}, layout, 1), y({6, 5, 4, 4}, layout), dy({6, 5, 4, 4}, layout, 2), dx({6, 5, 4, 4}, layout);
    Owned<f32> scale({5}), bias({5}), weight({6}, row_major, 0.25f), mean({5}), variance({5}), mean2({5}), variance2({5});
    Owned<f32> saved({5}), inverse({5}), saved2({5}), inverse2({5});
    randomise(scale.tensor, 3);
    randomise(bias.tensor, 4);
    weight.memory[2] = 0;
    batch_norm(ctx, x.low, scale, bias, weight, y.low, mean, variance, saved, inverse);
    batch_norm(ctx, x.full, scale, bias, weight, y.full, mean2, variance2, saved2, inverse2);
    expect_rounded(y.low, y.full);
    expect_full(mean, mean2);
    expect_full(variance, variance2);
    expect_full(saved, saved2);
    expect_full(inverse, inverse2);
    batch_norm_gradient(ctx, dy.low, x.low, scale, weight, saved, inverse, dx.low, mean, variance);
    batch_norm_gradient(ctx, dy.full, x.full, scale, weight, saved2, inverse2, dx.full, mean2, variance2);
    expect_rounded(dx.low, dx.full);
    expect_full(mean, mean2);
    expect_full(variance, variance2);
  }
}

TEST_P(Bf16Calls, Losses) {
  Both logits({5, 3, 11}, row_major, 1), slope({5, 3, 11});
  Owned<i64> label({5, 3});
  Owned<f32> weight({5}, row_major, 0.2f), loss({}), expected({});
  for (std::size_t i = 0; i < label.memory.size(); ++i)
    label.memory[i] = static_cast<i64>(i * 7 % 11);
  weight.memory[4] = 0;
  softmax_cross_entropy(ctx, logits.low, label, weight, loss, slope.low);
  softmax_cross_entropy(ctx, logits.full, label, weight, expected, slope.full);
  expect_full(loss, expected);
  expect_rounded(slope.low, slope.full, 1e-4);
  softmax_cross_entropy(ctx, logits.low, label, weight, loss);
  expect_full(loss, expected);
  count_correct(ctx, logits.low, label, weight, loss);
  count_correct(ctx, logits.full, label, weight, expected);
  expect_full(loss, expected);
}

TEST_P(Bf16Calls, SumsAndSoftmax) {
  Both x({4, 6, 50}, row_major, 1), y({4, 6, 50});
  for (const Dims &axes : {Dims{0, 1}, Dims{2}, Dims{1}, Dims{}}) {
    Dims shape;
    for (int d = 0; d < 3; ++d)
      if (!axes.empty() && std::find(axes.begin(), axes.end(), d) == axes.end())
        shape.push_back(x.low.tensor.dim(d));
    Owned<f32> sum(shape), expected(shape);
    reduce_sum(ctx, x.low, sum, {.axes = axes});
    reduce_sum(ctx, x.full, expected, {.axes = axes});
    expect_full(sum, expected);
  }
  Owned<f32> wide({4, 6, 50});
  softmax(ctx, x.low, y.low);
  softmax(ctx, x.low, wide);
  softmax(ctx, x.full, y.full);
  expect_rounded(y.low, y.full, 1e-4);
  expect_full(wide, y.full);
  log_softmax(ctx, x.low, y.low);
  log_softmax(ctx, x.low, wide);
  log_softmax(ctx, x.full, y.full);
  expect_rounded(y.low, y.full);
  expect_full(wide, y.full);
}

TEST_P(Bf16Calls, Movement) {
  Both x({4, 6, 5}, row_major, 1), turned({5, 4, 6}), part({4, 3, 5}), both({4, 9, 5}), last({4, 6, 5}, channels_last);
  transpose(ctx, x.low.tensor, turned.low.tensor, {.perm = {2, 0, 1}});
  transpose(ctx, x.full.tensor, turned.full.tensor, {.perm = {2, 0, 1}});
  expect_rounded(turned.low, turned.full, 0);
  slice(ctx, x.low.tensor, part.low.tensor, {.offsets = {0, 2, 0}});
  slice(ctx, x.full.tensor, part.full.tensor, {.offsets = {0, 2, 0}});
  concat(ctx, {x.low.tensor, part.low.tensor}, both.low, {.axis = 1});
  concat(ctx, {x.full.tensor, part.full.tensor}, both.full, {.axis = 1});
  expect_rounded(both.low, both.full, 0);
  copy(ctx, x.low.tensor, last.low.tensor);
  copy(ctx, x.full.tensor, last.full.tensor);
  expect_rounded(last.low, last.full, 0);
  fill(ctx, last.low, 1.00390625f); // a tie: to even
  EXPECT_EQ(last.low.memory[7].bits, 0x3F80);
}

} // namespace

// Kernel bodies on lanes: one text, given an index or several at once, does the same.
#include <dtcrt/kernel.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

using namespace dtcrt;

namespace {

constexpr index rows = 6, columns = 16;

std::vector<f32> ramp(std::size_t size, f32 begin, f32 step) {
  std::vector<f32> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = begin + step * static_cast<f32>(i);
  return values;
}

/// Runs a body of two coordinates point by point, and by groups of lanes.
template <int W, class Body> void expect_lanes_equal_points(Body (*make)(const f32 *, const f32 *, f32 *)) {
  const std::vector<f32> a = ramp(rows * columns, -3.1f, 0.07f), b = ramp(rows * columns, 1.5f, -0.03f);
  constexpr f32 unwritten = -12345;
  std::vector<f32> expected(rows * columns, unwritten), actual(rows * columns, unwritten);
  const Body points = make(a.data(), b.data(), expected.data()), lanes = make(a.data(), b.data(), actual.data());
  for (index i0 = 0; i0 < rows; ++i0) {
    for (index i1 = 0; i1 < columns; ++i1)
      points(i0, i1);
    for (index i1 = 0; i1 < columns; i1 += W)
      lanes(i0, Lanes<W>{i1});
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    // The compiler may fuse a multiplication and an addition in one and not in the other.
    EXPECT_TRUE(std::isnan(expected[i]) == std::isnan(actual[i]) && !(std::abs(expected[i] - actual[i]) > 1e-6f * std::abs(expected[i])))
        << i << ": " << expected[i] << ", " << actual[i];
    EXPECT_NE(expected[i], unwritten) << i;
  }
}

struct Arithmetic {
  Read<f32> in0, in1;
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
    const auto t0 = in0[i0 * 16 + i1] + in1[i0 * 16 + i1];
    out[i0 * 16 + i1] = 0.5f * t0 * (1.0f + erff(t0 * 0.70710677f)) - -t0 / (2.0f - in1[i0]);
  }
};

struct Chosen {
  Read<f32> in0, in1;
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
    const auto x = in0[i0 * 16 + i1];
    const auto t0 = x > 0.0f;
    out[i0 * 16 + i1] = select(t0, logf(x), select(!(x <= in1[i1]), 0.25f, powf(x, 2.0f)));
  }
};

/// Reads and writes across rows; one value for all lanes.
struct Strided {
  Read<f32> in0, in1;
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
    out[i0 + i1 * 6] = select(unordered(in1[i0], 1.0f), 0.0f, 3.0f + in0[5 + i0 * 2 + i1 * 5]) + tanhf(in1[i0]);
  }
};

struct Constant {
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, auto i1) const { out[i0 * 16 + i1] = 2.0f; }
};

TEST(Lanes, DoWhatPointsDo) {
  auto arithmetic = [](const f32 *a, const f32 *b, f32 *out) { return Arithmetic{a, b, out}; };
  auto chosen = [](const f32 *a, const f32 *b, f32 *out) { return Chosen{a, b, out}; };
  auto strided = [](const f32 *a, const f32 *b, f32 *out) { return Strided{a, b, out}; };
  auto constant = [](const f32 *, const f32 *, f32 *out) { return Constant{out}; };
  expect_lanes_equal_points<2, Arithmetic>(arithmetic);
  expect_lanes_equal_points<4, Arithmetic>(arithmetic);
  expect_lanes_equal_points<8, Arithmetic>(arithmetic);
  expect_lanes_equal_points<4, Chosen>(chosen);
  expect_lanes_equal_points<4, Strided>(strided);
  expect_lanes_equal_points<4, Constant>(constant);
}

TEST(Lanes, ComparisonsOfWhatIsNoNumber) {
  const Vector<f32, 2> x{{NAN, 1}}, y{{1, 2}};
  EXPECT_TRUE((x != y).lane[0]);
  EXPECT_FALSE((x == y).lane[0] || (x < y).lane[0] || (x >= y).lane[0]);
  EXPECT_TRUE((!(x < y)).lane[0]);
  EXPECT_TRUE(unordered(x, y).lane[0] && !unordered(x, y).lane[1]);
  EXPECT_TRUE(!less_or_greater(x, y).lane[0] && less_or_greater(x, y).lane[1]);
  EXPECT_TRUE(unordered(f32(NAN), 1.0f) && !less_or_greater(2.0f, 2.0f));
}

/// Integers, booleans and conversions on lanes and one by one.
struct Decided {
  Read<f32> in0, in1;
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
    const auto x = in0[i0 * 16 + i1];
    const auto n = convert<i64>(x * 10.0f);
    const auto t0 = ((x > 0.5f) & !(n == i64(3))) | ((in1[i0] < x) ^ (x < -1.0f));
    const auto t1 = wrapping_add(quotient(n, i64(3)), wrapping_mul(rest(n, i64(3)), i64(100)));
    out[i0 * 16 + i1] = select(t0, maximum(fmodf(x, 0.3f), sinf(x)), minimum(convert<f32>(t1), rintf(x)));
  }
};

TEST(Lanes, DecideWhatPointsDecide) {
  auto decided = [](const f32 *a, const f32 *b, f32 *out) { return Decided{a, b, out}; };
  expect_lanes_equal_points<4, Decided>(decided);
  expect_lanes_equal_points<8, Decided>(decided);
}

TEST(Lanes, ReadAndWriteBooleans) {
  bool values[16] = {true, false, true, true};
  const Read<bool> in(values);
  const Write<bool> out(values);
  out[Lanes<8>{8}] = !in[Lanes<8>{0}];
  EXPECT_TRUE(values[9] && values[15] && !values[8] && !values[10]);
}

constexpr i64 lowest = std::numeric_limits<i64>::min(), largest = std::numeric_limits<i64>::max();

TEST(Scalars, IntegersWrapAround) {
  EXPECT_EQ(wrapping_add(largest, i64(1)), lowest);
  EXPECT_EQ(wrapping_sub(lowest, i64(1)), largest);
  EXPECT_EQ(wrapping_sub(0, i32(5)), -5);
  EXPECT_EQ(wrapping_mul(i32(65536), i32(65536)), 0);
}

TEST(Scalars, DivisionDoesNotTrap) {
  EXPECT_EQ(quotient(i64(-7), i64(2)), -3) << "towards 0";
  EXPECT_EQ(rest(i64(-7), i64(2)), -1) << "with the dividend's sign";
  EXPECT_EQ(quotient(i64(7), i64(0)), 0);
  EXPECT_EQ(rest(i64(7), i64(0)), 0);
  EXPECT_EQ(quotient(lowest, i64(-1)), lowest);
  EXPECT_EQ(rest(lowest, i64(-1)), 0);
}

TEST(Scalars, PowersOfIntegers) {
  for (i64 a = -5; a <= 5; ++a)
    for (i64 b = 0; b <= 12; ++b)
      EXPECT_EQ(integer_power(a, b), static_cast<i64>(std::pow(static_cast<f64>(a), static_cast<f64>(b)))) << a << ", " << b;
  EXPECT_EQ(integer_power(i64(2), i64(-1)), 0);
  EXPECT_EQ(integer_power(i64(-1), i64(-3)), -1);
  EXPECT_EQ(integer_power(i64(0), i64(-3)), 0);
  EXPECT_EQ(integer_power(i64(2), i64(64)), 0) << "wraps around";
}

TEST(Scalars, ConversionsSaturate) {
  EXPECT_EQ(convert<i64>(-2.7f), -2) << "towards 0";
  EXPECT_EQ(convert<i64>(f32(NAN)), 0);
  EXPECT_EQ(convert<i64>(1e30f), largest);
  EXPECT_EQ(convert<i64>(-INFINITY), lowest);
  EXPECT_EQ(convert<i32>(2147483648.0f), 2147483647);
  EXPECT_EQ(convert<i32>(2147483520.0f), 2147483520) << "the float below";
  EXPECT_EQ(convert<i32>(i64(4294967297)), 1);
}

TEST(Scalars, ExtremesOfNaNAreNaN) {
  EXPECT_TRUE(std::isnan(maximum(f32(NAN), 1.0f)) && std::isnan(maximum(1.0f, f32(NAN))));
  EXPECT_TRUE(std::isnan(minimum(f32(NAN), 1.0f)) && std::isnan(minimum(1.0f, f32(NAN))));
  EXPECT_EQ(maximum(i32(-3), i32(2)), 2);
}

TEST(Lanes, ReadBeforeTheyWrite) {
  std::vector<f32> values(8);
  std::iota(values.begin(), values.end(), 0.0f);
  const Read<f32> in(values.data());
  const Write<f32> out(values.data());
  const Lanes<4> position{4};
  out[position] = in[position] * in[position];
  EXPECT_EQ(values, (std::vector<f32>{0, 1, 2, 3, 16, 25, 36, 49}));
}

TEST(Lanes, WidenWhatTheyReadAndRoundWhatTheyWrite) {
  std::vector<bf16> values(16, bf16(3.0f));
  const Read<bf16> in(values.data());
  const Write<bf16> out(values.data());
  const Lanes<8> position{8};
  const Vector<f32, 8> computed = in[position] / 256.0f + 1.0f;
  EXPECT_EQ(computed.lane[7], 1.01171875f);
  out[position] = computed;
  out[index(0)] = in[index(1)] / 256.0f + 1.0f;
  EXPECT_EQ(f32(values[0]), 1.015625f) << "a tie goes to even";
  EXPECT_EQ(f32(values[1]), 3.0f);
  EXPECT_EQ(f32(values[15]), 1.015625f);
}

struct Count {
  Read<f32> in;
  Write<f32> out;
  DTC_HOST_DEVICE void operator()(index i0, index i1, auto i2) const { out[i0 * 77 + i1 * 11 + i2] = in[i0 * 77 + i1 * 11 + i2] + 1.0f; }
};

TEST(Launch, RunsEveryPointOnce) {
  Context ctx(2);
  std::vector<f32> counts(5 * 7 * 11, 0);
  launch(ctx, grid(5, 7, 11), Count{counts.data(), counts.data()});
  EXPECT_EQ(counts, std::vector<f32>(5 * 7 * 11, 1));
}

} // namespace

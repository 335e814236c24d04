// Attention against its definition in f64, with masks of every kind, heads that share keys, both orders of dimensions, and more than one tile.
#include "dtcrt/attention.h"

#include "Reference.h"

#include <algorithm>
#include <limits>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

constexpr f64 hidden = -std::numeric_limits<f64>::infinity();

struct Sizes {
  index samples, heads, groups, queries, keys, width, value_width;
};
enum class Mask { none, truth, added };

/// One call and its gradient, and what both should give.
template <class T> struct Problem {
  Sizes z;
  AttentionOptions options;
  Owned<T> q, k, v, y, dy, dq, dk, dv;
  Owned<f32> lse, bias, dbias;
  std::vector<u8> truth;
  std::vector<f64> expected_y, expected_lse, expected_dq, expected_dk, expected_dv, expected_dbias;

  Problem(const Sizes &z, Mask mask, const Dims &mask_shape, bool causal, bool positions_first)
      : z(z), options{.scale = 0.3, .causal = causal, .positions_first = positions_first}, q(shape(z.heads, z.queries, z.width)),
        k(shape(z.groups, z.keys, z.width)), v(shape(z.groups, z.keys, z.value_width)), y(shape(z.heads, z.queries, z.value_width)),
        dy(shape(z.heads, z.queries, z.value_width)), dq(shape(z.heads, z.queries, z.width)), dk(shape(z.groups, z.keys, z.width)),
        dv(shape(z.groups, z.keys, z.value_width)), lse({z.samples, z.heads, z.queries}), bias(mask_shape), dbias(mask_shape),
        truth(static_cast<std::size_t>(mask_shape.product())) {
    unsigned seed = 0;
    for (const Owned<T> *t : {&q, &k, &v, &dy})
      randomise(t->tensor, ++seed, -2, 2);
    randomise(bias.tensor, 9, -2, 2);
    for (std::size_t i = 0; i < truth.size(); ++i)
      truth[i] = i % 3 != 1;
    if (mask == Mask::truth)
      options.mask = Tensor<bool>(reinterpret_cast<bool *>(truth.data()), mask_shape);
    if (mask == Mask::added)
      options.bias = bias;
    expect();
  }
  Dims shape(index heads, index positions, index width) const {
    return options.positions_first ? Dims{z.samples, positions, heads, width} : Dims{z.samples, heads, positions, width};
  }
  /// The number of an element.
  std::size_t at(const Tensor<T> &t, index n, index head, index position, index element) const {
    const index first = options.positions_first ? position : head, second = options.positions_first ? head : position;
    return static_cast<std::size_t>(((n * t.dim(1) + first) * t.dim(2) + second) * t.dim(3) + element);
  }
  std::size_t mask_at(index n, index head, index t, index s) const {
    const Dims &shape = bias.tensor.shape();
    const index whole[4] = {n, head, t, s};
    index number = 0;
    for (int d = 0; d < shape.size(); ++d)
      number = number * shape[d] + (shape[d] == 1 ? 0 : whole[d + 4 - shape.size()]);
    return static_cast<std::size_t>(number);
  }
  void expect() {
    expected_y.resize(y.memory.size());
    expected_dq.resize(q.memory.size());
    expected_dk.resize(k.memory.size());
    expected_dv.resize(v.memory.size());
    expected_dbias.resize(bias.memory.size());
    const auto value = [](const Owned<T> &t, std::size_t i) { return static_cast<f64>(t.memory[i]); };
    std::vector<f64> p(static_cast<std::size_t>(z.keys)), slopes(p.size());
    for (index n = 0; n < z.samples; ++n)
      for (index head = 0; head < z.heads; ++head)
        for (index t = 0; t < z.queries; ++t) {
          const index group = head / (z.heads / z.groups);
          f64 largest = hidden, sum = 0, mean = 0;
          for (index s = 0; s < z.keys; ++s) {
            f64 score = 0;
            for (index d = 0; d < z.width; ++d)
              score += options.scale * value(q, at(q, n, head, t, d)) * value(k, at(k, n, group, s, d));
            if (options.bias)
              score += bias.memory[mask_at(n, head, t, s)];
            if ((options.mask && !truth[mask_at(n, head, t, s)]) || (options.causal && s > t))
              score = hidden;
            p[s] = score;
            largest = std::max(largest, score);
          }
          for (f64 &each : p)
            sum += each = largest == hidden ? 0 : std::exp(each - largest);
          expected_lse.push_back(largest + std::log(sum));
          for (index s = 0; s < z.keys; ++s) {
            p[s] = sum == 0 ? 0 : p[s] / sum;
            slopes[s] = 0;
            for (index e = 0; e < z.value_width; ++e) {
              const f64 slope = value(dy, at(dy, n, head, t, e));
              expected_y[at(y, n, head, t, e)] += p[s] * value(v, at(v, n, group, s, e));
              expected_dv[at(v, n, group, s, e)] += p[s] * slope;
              slopes[s] += slope * value(v, at(v, n, group, s, e));
            }
            mean += p[s] * slopes[s];
          }
          for (index s = 0; s < z.keys; ++s) {
            const f64 of_score = p[s] * (slopes[s] - mean);
            if (options.bias)
              expected_dbias[mask_at(n, head, t, s)] += of_score;
            for (index d = 0; d < z.width; ++d) {
              expected_dq[at(q, n, head, t, d)] += options.scale * of_score * value(k, at(k, n, group, s, d));
              expected_dk[at(k, n, group, s, d)] += options.scale * of_score * value(q, at(q, n, head, t, d));
            }
          }
        }
  }
  void run(Context &ctx) {
    attention(ctx, q.tensor, k.tensor, v.tensor, y.tensor, lse.tensor, options);
    attention_gradient(ctx, dy.tensor, q.tensor, k.tensor, v.tensor, y.tensor, lse.tensor, dq.tensor, dk.tensor, dv.tensor,
                       options.bias ? dbias.tensor : Tensor<f32>(), options);
  }
  void check(f64 tolerance, f64 gradient_tolerance) {
    expect_near(y.tensor, expected_y, tolerance);
    for (std::size_t i = 0; i < expected_lse.size(); ++i)
      EXPECT_TRUE(lse.memory[i] == expected_lse[i] || std::abs(lse.memory[i] - expected_lse[i]) < 1e-4) << lse.memory[i] << " and " << expected_lse[i];
    expect_near(dq.tensor, expected_dq, gradient_tolerance);
    expect_near(dk.tensor, expected_dk, gradient_tolerance);
    expect_near(dv.tensor, expected_dv, gradient_tolerance);
    if (options.bias)
      expect_near(dbias.tensor, expected_dbias, 10 * gradient_tolerance);
  }
};

TEST(Attention, AgreesWithItsDefinition) {
  Context ctx(2);
  for (const Sizes &z : {Sizes{1, 1, 1, 1, 1, 1, 1}, {2, 2, 2, 5, 7, 4, 3}, {1, 4, 2, 70, 66, 5, 6}, {1, 3, 1, 65, 3, 9, 8}, {1, 1, 1, 34, 130, 17, 16}})
    for (bool causal : {false, true})
      for (bool positions_first : {false, true})
        for (const auto &[mask, shape] :
             {std::pair(Mask::none, Dims{1}), {Mask::truth, Dims{z.samples, 1, 1, z.keys}}, {Mask::truth, Dims{z.queries, z.keys}},
              {Mask::added, Dims{z.heads, z.queries, z.keys}}, {Mask::added, Dims{z.samples, 1, z.queries, 1}}, {Mask::added, Dims{z.keys}}}) {
          SCOPED_TRACE(testing::Message() << z.queries << " x " << z.keys << " causal " << causal << " positions first " << positions_first << " mask "
                                          << static_cast<int>(mask) << " of rank " << shape.size());
          Problem<f32> p(z, mask, shape, causal, positions_first);
          p.run(ctx);
          p.check(1e-5, 1e-4);
        }
}

TEST(Attention, TakesBf16) {
  Context ctx(2);
  Problem<bf16> p({2, 4, 2, 66, 70, 16, 8}, Mask::truth, {66, 70}, true, true);
  p.run(ctx);
  p.check(1e-2, 3e-2);
}

/// A query that may attend to no key has no result, and gives no gradient, by truth values as by -infinity.
TEST(Attention, GivesZeroWhereAllKeysAreHidden) {
  Context ctx(1);
  for (Mask mask : {Mask::truth, Mask::added}) {
    Problem<f32> p({1, 2, 2, 3, 4, 5, 5}, mask, {3, 4}, false, false);
    for (std::size_t s = 0; s < 4; ++s) {
      p.truth[4 + s] = 0;
      p.bias.memory[4 + s] = -std::numeric_limits<f32>::infinity();
    }
    p.run(ctx);
    for (const auto &[head, element] : {std::pair(0, 0), {0, 4}, {1, 2}}) {
      EXPECT_EQ(p.y.memory[p.at(p.y, 0, head, 1, element)], 0);
      EXPECT_EQ(p.dq.memory[p.at(p.dq, 0, head, 1, element)], 0);
    }
    for (f32 value : p.dk.memory)
      EXPECT_TRUE(std::isfinite(value));
    for (std::size_t s = 0; s < 4; ++s)
      EXPECT_EQ(p.dbias.memory[4 + s], 0); // where nothing is added it is untouched
  }
}

/// Scores far beyond what an exponential holds, and a NaN, which is not lost.
TEST(Attention, KeepsLargeScoresAndNaN) {
  Context ctx(1);
  Owned<f32> q({1, 1, 2, 1}), k({1, 1, 2, 1}), v({1, 1, 2, 1}), y({1, 1, 2, 1}), lse({1, 1, 2});
  q.memory = {1000, -1000};
  k.memory = {1, -1};
  v.memory = {3, 5};
  attention(ctx, q.tensor, k.tensor, v.tensor, y.tensor, lse.tensor);
  EXPECT_EQ(y.memory, (std::vector<f32>{3, 5}));
  EXPECT_EQ(lse.memory, (std::vector<f32>{1000, 1000}));
  q.memory[1] = std::nanf("");
  attention(ctx, q.tensor, k.tensor, v.tensor, y.tensor, lse.tensor);
  EXPECT_EQ(y.memory[0], 3);
  EXPECT_TRUE(std::isnan(y.memory[1]));
}

/// Whether a thread has a whole head or a tile of it: one order of all sums.
TEST(Attention, HasTheSameBitsForAnyNumberOfThreads) {
  Problem<f32> one({1, 2, 1, 140, 140, 8, 8}, Mask::added, {140, 140}, true, false), many({1, 2, 1, 140, 140, 8, 8}, Mask::added, {140, 140}, true, false);
  Context single(1), several(5);
  one.run(single);
  many.run(several);
  EXPECT_EQ(one.y.memory, many.y.memory);
  EXPECT_EQ(one.dq.memory, many.dq.memory);
  EXPECT_EQ(one.dk.memory, many.dk.memory);
  EXPECT_EQ(one.dv.memory, many.dv.memory);
  EXPECT_EQ(one.dbias.memory, many.dbias.memory);
}

TEST(Attention, RefusesWhatDoesNotFit) {
  Context ctx(1);
  Owned<f32> q({1, 4, 2, 3}), k({1, 3, 2, 3}), y({1, 4, 2, 3}), other({1, 2, 2, 3}), mask({3, 2});
  EXPECT_THROW(attention(ctx, q.tensor, k.tensor, k.tensor, y.tensor), std::logic_error);
  EXPECT_THROW(attention(ctx, q.tensor, other.tensor, other.tensor, other.tensor), std::logic_error);
  EXPECT_THROW(attention(ctx, q.tensor, other.tensor, other.tensor, y.tensor, {.bias = mask.tensor}), std::logic_error);
}

} // namespace

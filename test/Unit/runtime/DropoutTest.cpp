// Dropout against Random123's words, one element after the other.
#include "Reference.h"

#include <dtcrt/random.h>

#include <Random123/philox.h>

#include <algorithm>
#include <limits>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

constexpr std::uint64_t seed = 0x123456789ABCDEF0u;

bool is_kept(index offset, i64 sample, i64 step, index stream, f64 ratio) {
  const r123::Philox4x32::ctr_type counter = {{static_cast<std::uint32_t>(offset / 4), static_cast<std::uint32_t>(sample),
                                               static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(stream)}};
  const r123::Philox4x32::key_type key = {{static_cast<std::uint32_t>(seed) ^ 0x64726F70u,
                                           static_cast<std::uint32_t>(seed >> 32) ^ static_cast<std::uint32_t>(step >> 32)}};
  return r123::Philox4x32()(counter, key)[static_cast<std::size_t>(offset % 4)] >= ratio * 0x1p32;
}

template <class T> void check(index outer, index samples, index inner, f64 ratio, i64 step, bool numbered = true) {
  SCOPED_TRACE(testing::Message() << outer << " x " << samples << " x " << inner << " ratio " << ratio << " step " << step);
  Context ctx(2);
  ctx.set_seed(seed);
  Owned<T> x({outer, samples, inner}), y({outer, samples, inner}, row_major, T(7.0f));
  Owned<i64> number({samples}), at({});
  randomise(x.tensor, 1, 1, 2);
  for (index n = 0; n < samples; ++n)
    number.memory[static_cast<std::size_t>(n)] = 1000 + 3 * n;
  at.memory[0] = step;
  dropout(ctx, x, at, y, {.sample = numbered ? number.tensor : Tensor<i64>(), .ratio = ratio, .stream = 5, .outer = numbered ? outer : 1});
  for (index i = 0; i < x.tensor.size(); ++i) {
    const index n = i / inner % samples, offset = numbered ? i / inner / samples * inner + i % inner : i;
    const bool kept = is_kept(offset, numbered ? 1000 + 3 * n : 0, step, 5, ratio);
    const T expected = kept ? T(static_cast<f32>(x.tensor.data()[i]) * static_cast<f32>(1 / (1 - ratio))) : T(0.0f);
    ASSERT_EQ(static_cast<f32>(y.tensor.data()[i]), static_cast<f32>(expected)) << "element " << i;
  }
}

TEST(Dropout, DropsByTheWordsOfTheCounters) {
  for (const index inner : {1, 2, 3, 4, 5, 31, 64, 509, 512, 515, 2051})
    for (const index samples : {1, 3})
      for (const index outer : {1, 3}) {
        check<f32>(outer, samples, inner, 0.3, 17);
        check<bf16>(outer, samples, inner, 0.3, 17);
      }
  check<f32>(1, 8, 1024, 0.1, (i64(3) << 32) + 2);
  check<f32>(2, 3, 64, 0.1, 1, /*numbered=*/false);
  check<bf16>(1, 5, 7, 0.1, 1, /*numbered=*/false);
}

TEST(Dropout, OfNothingKeepsAllAndOfAllNothing) {
  Context ctx(2);
  Owned<f32> x({3, 50}), y({3, 50}, row_major, 7);
  Owned<i64> step({}, row_major, 4);
  randomise(x.tensor, 1);
  x.memory[5] = std::numeric_limits<f32>::quiet_NaN();
  dropout(ctx, x, step, y, {.ratio = 1});
  for (const f32 value : y.memory)
    EXPECT_EQ(value, 0);
  x.memory[5] = 1;
  dropout(ctx, x, step, y, {.ratio = 0});
  EXPECT_EQ(y.memory, x.memory);
}

/// A share of the batch, or of it in parts, has the mask of its samples; another step, stream or seed has another.
TEST(Dropout, OfSharesIsThatOfTheWhole) {
  Context ctx(1);
  ctx.set_seed(seed);
  Owned<f32> x({8, 33}, row_major, 1), whole({8, 33}), share({2, 33}), other({8, 33});
  Owned<i64> step({}, row_major, 4), next({}, row_major, 5), all({8}), two({2});
  for (index n = 0; n < 8; ++n)
    all.memory[static_cast<std::size_t>(n)] = n;
  dropout(ctx, x, step, whole, {.sample = all.tensor, .ratio = 0.5, .stream = 1});
  for (index first = 0; first < 8; first += 2) {
    two.memory = {first, first + 1};
    dropout(ctx, Tensor<f32>(x.tensor.data(), {2, 33}), step, share, {.sample = two.tensor, .ratio = 0.5, .stream = 1});
    for (index i = 0; i < 66; ++i)
      ASSERT_EQ(share.memory[static_cast<std::size_t>(i)], whole.memory[static_cast<std::size_t>(first * 33 + i)]);
  }
  dropout(ctx, x, next, other, {.sample = all.tensor, .ratio = 0.5, .stream = 1});
  EXPECT_NE(other.memory, whole.memory);
  dropout(ctx, x, step, other, {.sample = all.tensor, .ratio = 0.5, .stream = 2});
  EXPECT_NE(other.memory, whole.memory);
  ctx.set_seed(seed + 1);
  dropout(ctx, x, step, other, {.sample = all.tensor, .ratio = 0.5, .stream = 1});
  EXPECT_NE(other.memory, whole.memory);
}

TEST(Dropout, DropsAsOftenAsItSays) {
  Context ctx(2);
  Owned<f32> x({1000, 1000}, row_major, 1), y({1000, 1000});
  Owned<i64> step({}, row_major, 1);
  dropout(ctx, x, step, y, {.ratio = 0.2});
  const auto dropped = std::count(y.memory.begin(), y.memory.end(), 0.0f);
  EXPECT_NEAR(static_cast<f64>(dropped), 2e5, 5 * 400); // five deviations
}

} // namespace

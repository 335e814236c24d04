// Dropout: the words of a piece of a row at once, several counters in a vector, then its elements.
#include "cpu/PhiloxWords.h"
#include "math/DropoutMask.h"

#include <algorithm>
#include <type_traits>

namespace dtcrt {

namespace {

constexpr index counters = 128, piece = 4 * counters; ///< words that lie in the first cache

/// Apart from the loop over pieces, in which g++ 12 leaves it scalar.
template <class T> void keep(const T *x, T *y, const std::uint32_t *words, index size, std::uint32_t threshold, f32 scale) {
#pragma omp simd
  for (index i = 0; i < size; ++i) {
    const std::uint32_t mask = words[i] < threshold ? 0u : ~0u; // no choice between floats, which would be control flow
    const f32 kept = __builtin_bit_cast(f32, __builtin_bit_cast(std::uint32_t, static_cast<f32>(x[i]) * scale) & mask);
    if constexpr (std::is_same_v<T, bf16>)
      y[i].bits = bf16(kept).bits; // a copy of the struct would not be vectorised
    else
      y[i] = kept;
  }
}

template <class T> void run(Context &ctx, const Tensor<T> &x, const Tensor<i64> &step, const Tensor<T> &y, const DropoutOptions &o) {
  const DropoutMask mask(ctx, x, step, y, o);
  if (x.size() == 0)
    return;
  if (mask.threshold > UINT32_MAX) {
    std::fill_n(y.data(), x.size(), T(0.0f));
    return;
  }
  const auto threshold = static_cast<std::uint32_t>(mask.threshold), number = static_cast<std::uint32_t>(*step.data());
  const PhiloxKey key = mask.key(*step.data());
  const index pieces = (mask.inner + piece - 1) / piece, rows = mask.outer * mask.samples;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, x.size(), 4096))
  for (index item = 0; item < rows * pieces; ++item) {
    const index row = item / pieces, begin = item % pieces * piece, size = std::min(piece, mask.inner - begin);
    // A row of which the first offset is no multiple of four begins in the middle of a counter.
    const index offset = row / mask.samples * mask.inner + begin, lead = offset % 4;
    const index needed = (lead + size + 3) / 4, drawn = (needed + philox_group - 1) / philox_group * philox_group;
    alignas(64) std::uint32_t words[piece + 4 * philox_group];
    const index sample = o.sample ? o.sample.data()[row % mask.samples] : 0;
    philox_words(words, static_cast<std::uint32_t>(offset / 4), drawn, static_cast<std::uint32_t>(sample), number, mask.stream, key);
    const T *in = x.data() + row * mask.inner + begin;
    T *out = y.data() + row * mask.inner + begin;
    keep(in, out, words + lead, size, threshold, mask.scale);
  }
}

} // namespace

void dropout(Context &ctx, const Tensor<f32> &x, const Tensor<i64> &step, const Tensor<f32> &y, const DropoutOptions &o) {
  run(ctx, x, step, y, o);
}
void dropout(Context &ctx, const Tensor<bf16> &x, const Tensor<i64> &step, const Tensor<bf16> &y, const DropoutOptions &o) {
  run(ctx, x, step, y, o);
}

} // namespace dtcrt

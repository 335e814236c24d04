// Dropout: a thread draws the four words of a counter and writes the elements that they belong to.
#include "cuda/Primitives.h"
#include "math/DropoutMask.h"

namespace dtcrt {

namespace {

using namespace device;

/// `packed`: every counter's four elements lie in one row, at a multiple of their size.
template <bool packed, class T>
__global__ void drop(const T *x, const i64 *step, const i64 *sample, T *y, DropoutMask mask, index row_counters) {
  const i64 number = *step;
  const PhiloxKey key = mask.key(number);
  const index items = mask.outer * mask.samples * row_counters;
  for (index item = first_item<index>(); item < items; item += item_step<index>()) {
    const index row = divide(item, row_counters), n = row - divide(row, mask.samples) * mask.samples;
    const index base = divide(row, mask.samples) * mask.inner, counter = divide(base, 4) + (item - row * row_counters);
    std::uint32_t word[4] = {static_cast<std::uint32_t>(counter), sample != nullptr ? static_cast<std::uint32_t>(sample[n]) : 0u,
                             static_cast<std::uint32_t>(number), mask.stream};
    philox(word[0], word[1], word[2], word[3], key);
    const index first = counter * 4 - base; // of the row; the counter may begin before it, and end behind it
    const T *in = x + row * mask.inner + first;
    T *out = y + row * mask.inner + first;
    if constexpr (packed) {
      Pack<T, 4> values = load<4>(in);
      for (int i = 0; i < 4; ++i)
        values[i] = word[i] < mask.threshold ? T(0.0f) : T(static_cast<f32>(values[i]) * mask.scale);
      store(out, values);
    } else {
      for (int i = 0; i < 4; ++i)
        if (first + i >= 0 && first + i < mask.inner)
          out[i] = word[i] < mask.threshold ? T(0.0f) : T(static_cast<f32>(in[i]) * mask.scale);
    }
  }
}

template <class T> void run(Context &ctx, const Tensor<T> &x, const Tensor<i64> &step, const Tensor<T> &y, const DropoutOptions &o) {
  const DropoutMask mask(ctx, x, step, y, o);
  if (x.size() == 0)
    return;
  const bool is_packed = packs<4, T>({x.data(), y.data()}, {mask.inner});
  // A row begins at any of a counter's words.
  const index row_counters = is_packed ? mask.inner / 4 : ceil_div(mask.inner + 3, 4);
  const dim3 blocks = blocks_for(ctx, mask.outer * mask.samples * row_counters);
  launch(ctx, is_packed ? drop<true, T> : drop<false, T>, blocks, block_threads, x.data(), step.data(), o.sample.data(), y.data(), mask,
         row_counters);
}

} // namespace

void dropout(Context &ctx, const Tensor<f32> &x, const Tensor<i64> &step, const Tensor<f32> &y, const DropoutOptions &o) {
  run(ctx, x, step, y, o);
}
void dropout(Context &ctx, const Tensor<bf16> &x, const Tensor<i64> &step, const Tensor<bf16> &y, const DropoutOptions &o) {
  run(ctx, x, step, y, o);
}

} // namespace dtcrt

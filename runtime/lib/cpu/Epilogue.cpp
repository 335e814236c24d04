// Whether the operands of a product can make a value that oneDNN's epilogue does not keep.
#include "cpu/Epilogue.h"
#include "core/Require.h"
#include "cpu/Lines.h"

#include <cstdint>
#include <limits>
#include <type_traits>

namespace dtcrt {

template <class T> f32 largest_magnitude(Context &ctx, const Tensor<T> &t) {
  // Without their sign, bits are ordered as magnitudes are, NaN above infinity: a comparison that vectorises and loses no NaN.
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint16_t>;
  constexpr Bits unsigned_bits = static_cast<Bits>(~Bits(0)) >> 1;
  Bits largest = 0;
  const Lines<T> lines(t);
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, t.size())) reduction(max : largest)
  for (index number = 0; number < lines.count(); ++number) {
    const std::span<T> line = lines[number];
    const T *data = line.data();
    const auto length = static_cast<index>(line.size());
    Bits of_line = 0;
#pragma omp simd reduction(max : of_line)
    for (index i = 0; i < length; ++i) {
      const auto bits = static_cast<Bits>(__builtin_bit_cast(Bits, data[i]) & unsigned_bits);
      of_line = bits > of_line ? bits : of_line;
    }
    largest = of_line > largest ? of_line : largest;
  }
  return static_cast<f32>(__builtin_bit_cast(T, largest));
}
template f32 largest_magnitude(Context &, const Tensor<f32> &);
template f32 largest_magnitude(Context &, const Tensor<bf16> &);

namespace {
bool is_relu(Activation activation, f32 alpha) {
  return activation == Activation::relu || (activation == Activation::leaky_relu && alpha == 0);
}
} // namespace

template <class T, class Y>
bool epilogue_fits(Context &ctx, Activation activation, f32 alpha, const Tensor<T> &x, const Tensor<T> &w, index terms, const Tensor<Y> &bias,
                   const Tensor<Y> &y) {
  // All others keep NaN and infinities, in all of oneDNN's kernels.
  if (!is_relu(activation, alpha) && activation != Activation::sigmoid)
    return true;
  // A pass reads and writes; for sigmoid it would compute too.
  if (is_relu(activation, alpha) && 2 * y.bytes() <= x.bytes() + w.bytes())
    return false;
  const f64 products = static_cast<f64>(largest_magnitude(ctx, x)) * largest_magnitude(ctx, w) * static_cast<f64>(terms);
  // Whatever the order of the sum, half of the range is beyond its rounding.
  return products + (bias ? largest_magnitude(ctx, bias) : 0) < std::numeric_limits<f32>::max() / 2;
}
template bool epilogue_fits(Context &, Activation, f32, const Tensor<f32> &, const Tensor<f32> &, index, const Tensor<f32> &, const Tensor<f32> &);
template bool epilogue_fits(Context &, Activation, f32, const Tensor<bf16> &, const Tensor<bf16> &, index, const Tensor<f32> &, const Tensor<f32> &);
template bool epilogue_fits(Context &, Activation, f32, const Tensor<bf16> &, const Tensor<bf16> &, index, const Tensor<bf16> &,
                            const Tensor<bf16> &);

} // namespace dtcrt

// What attention's tiles are made of: vectors of the machine's width, their exponential, and products of matrices that stay in the cache.
#pragma once

#include "dtcrt/tensor.h"

#include <cstring>
#include <limits>

namespace dtcrt::tile {

#if defined(__AVX512F__)
inline constexpr int lanes = 16, block_rows = 12;
#elif defined(__AVX__)
inline constexpr int lanes = 8, block_rows = 6;
#else
inline constexpr int lanes = 4, block_rows = 6;
#endif
using Vector = f32 __attribute__((vector_size(lanes * sizeof(f32))));
using Bits = i32 __attribute__((vector_size(lanes * sizeof(f32))));

/// Columns of a product are made so many at a time: two registers of each row.
inline constexpr index panel = 2 * lanes;
constexpr index round_up(index size, index to) { return (size + to - 1) / to * to; }

inline Vector load(const f32 *from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
inline void store(f32 *to, const Vector &v) { std::memcpy(to, &v, sizeof v); }
inline Vector splat(f32 value) { return value - Vector{}; }
/// b where one of them is NaN.
inline Vector larger(const Vector &a, const Vector &b) { return a > b ? a : b; }

/// e^x for x up to 88 (that of 88 above), to about 2 units in the last place; 0 below -87, NaN of NaN.
inline Vector exponential(const Vector &x) {
  const Vector shifter = splat(12582912.0f); // 1.5 2^23: the sum's last bits are an integer
  const Vector bounded = x < splat(-87.0f) ? splat(-87.0f) : (x > splat(88.0f) ? splat(88.0f) : x);
  const Vector shifted = bounded * 1.44269504f + shifter, n = shifted - shifter;
  // ln 2 in two parts, of which the first times n is exact.
  const Vector r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  // Taylor's series with the coefficients of the least error on [-ln 2 / 2, ln 2 / 2] (Cephes, expf).
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const Bits power = (Bits)shifted << 23;
  const Vector result = (Vector)((Bits)p + power);
  return x < splat(-87.0f) ? Vector{} : (x == x ? result : x);
}

/// A matrix of any strides, whose elements are read one by one.
struct Matrix {
  const f32 *data;
  index row, column;
};

/// rows x panel of c (+)= a b.
template <int rows> inline void product_block(f32 *c, index c_step, const Matrix &a, index inner, const f32 *b, index b_step, bool accumulate) {
  Vector sum[rows][2];
  for (int r = 0; r < rows; ++r)
    for (int half = 0; half < 2; ++half)
      sum[r][half] = accumulate ? load(c + r * c_step + half * lanes) : Vector{};
  const f32 *from = a.data;
  for (index i = 0; i < inner; ++i, from += a.column, b += b_step) {
    const Vector b0 = load(b), b1 = load(b + lanes);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const f32 factor = from[r * a.row];
      sum[r][0] += factor * b0;
      sum[r][1] += factor * b1;
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int half = 0; half < 2; ++half)
      store(c + r * c_step + half * lanes, sum[r][half]);
}

template <int rows>
inline void product_rest(index count, f32 *c, index c_step, const Matrix &a, index inner, const f32 *b, index b_step, bool accumulate) {
  if constexpr (rows > 0) {
    if (count == rows)
      product_block<rows>(c, c_step, a, inner, b, b_step, accumulate);
    else
      product_rest<rows - 1>(count, c, c_step, a, inner, b, b_step, accumulate);
  }
}

/// c [rows, columns] = a [rows, inner] b [inner, columns], or += with `accumulate`; columns are whole panels of c and b. Each element is summed in
/// the order of `inner`, whatever the sizes.
inline void product(f32 *c, index c_step, index rows, index columns, const Matrix &a, index inner, const f32 *b, index b_step, bool accumulate) {
  for (index at = 0; at < columns; at += panel) {
    index row = 0;
    for (; row + block_rows <= rows; row += block_rows)
      product_block<block_rows>(c + row * c_step + at, c_step, {a.data + row * a.row, a.row, a.column}, inner, b + at, b_step, accumulate);
    product_rest<block_rows - 1>(rows - row, c + row * c_step + at, c_step, {a.data + row * a.row, a.row, a.column}, inner, b + at, b_step, accumulate);
  }
}

} // namespace dtcrt::tile

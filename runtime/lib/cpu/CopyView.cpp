// Strided copies: rows, or tiles where both sides are contiguous along different dimensions.
#include "math/CopyView.h"
#include "cpu/Backend.h"
#include "math/CopyLoops.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

/// One row: the innermost loop.
template <class T> void copy_row(const T *from, T *to, index size, index from_step, index to_step) {
  if (from_step == 1 && to_step == 1)
    std::memcpy(to, from, static_cast<std::size_t>(size) * sizeof(T));
  else if (from_step == 0 && to_step == 1)
    std::fill_n(to, size, *from);
  else
    for (index i = 0; i < size; ++i)
      to[i * to_step] = from[i * from_step];
}

/// A transposed pair of loops, tile by tile, so that both sides use whole cache lines.
template <class T>
void copy_tile(const T *from, T *to, index rows, index columns, index from_row, index from_column, index to_row) {
  constexpr index tile = 16;
  for (index r = 0; r < rows; r += tile)
    for (index c = 0; c < columns; c += tile) {
      const index row_end = std::min(r + tile, rows), column_end = std::min(c + tile, columns);
      for (index i = r; i < row_end; ++i)
        for (index j = c; j < column_end; ++j)
          to[i * to_row + j] = from[i * from_row + j * from_column];
    }
}

template <class T> void run_loops(Context &ctx, const T *from, T *to, const CopyLoops &loops, index elements) {
  if (loops.count == 0) {
    *to = *from;
    return;
  }
  const int inner = loops.count - 1;
  // The dimension along which the source is contiguous, when it is not the innermost one.
  int partner = -1;
  if (loops.to[inner] == 1 && loops.from[inner] > 1)
    for (int i = 0; i < inner; ++i)
      if (loops.from[i] == 1)
        partner = i;
  index outer = 1;
  for (int i = 0; i < inner; ++i)
    if (i != partner)
      outer *= loops.size[i];
  const int threads = threads_for(ctx, elements);
  // One long run, or few of them: cut the innermost loop.
  if (partner < 0 && outer < 4 * threads) {
    for (index position = 0; position < outer; ++position) {
      index rest = position, from_at = 0, to_at = 0;
      for (int i = inner - 1; i >= 0; --i) {
        from_at += rest % loops.size[i] * loops.from[i];
        to_at += rest % loops.size[i] * loops.to[i];
        rest /= loops.size[i];
      }
      const index size = loops.size[inner];
#pragma omp parallel for schedule(static) num_threads(threads)
      for (int part = 0; part < threads; ++part) {
        const index begin = size * part / threads, end = size * (part + 1) / threads;
        copy_row(from + from_at + begin * loops.from[inner], to + to_at + begin * loops.to[inner], end - begin, loops.from[inner],
                 loops.to[inner]);
      }
    }
    return;
  }
  // A transposed pair is also cut along its rows: one large matrix alone keeps all threads busy.
  constexpr index rows_a_piece = 64;
  const index pieces = partner < 0 ? 1 : (loops.size[partner] + rows_a_piece - 1) / rows_a_piece;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index position = 0; position < outer * pieces; ++position) {
    index rest = position / pieces, from_at = 0, to_at = 0;
    for (int i = inner - 1; i >= 0; --i) {
      if (i == partner)
        continue;
      from_at += rest % loops.size[i] * loops.from[i];
      to_at += rest % loops.size[i] * loops.to[i];
      rest /= loops.size[i];
    }
    if (partner < 0) {
      copy_row(from + from_at, to + to_at, loops.size[inner], loops.from[inner], loops.to[inner]);
    } else {
      const index row = position % pieces * rows_a_piece, rows = std::min(rows_a_piece, loops.size[partner] - row);
      copy_tile(from + from_at + row, to + to_at + row * loops.to[partner], rows, loops.size[inner], 1, loops.from[inner],
                loops.to[partner]);
    }
  }
}

} // namespace

template <class T> void copy_view(Context &ctx, const T *x, const Dims &x_strides, T *y, const Dims &y_strides, const Dims &shape) {
  const index elements = shape.product();
  if (elements > 0)
    run_loops(ctx, x, y, make_copy_loops(shape, x_strides, y_strides), elements);
}

template <class T> void fill_view(Context &ctx, T value, T *y, const Dims &y_strides, const Dims &shape) {
  copy_view<T>(ctx, &value, Dims::repeat(shape.size(), 0), y, y_strides, shape);
}

#define DTCRT_COPY_VIEW(T)                                                                                                             \
  template void copy_view(Context &, const T *, const Dims &, T *, const Dims &, const Dims &);                                        \
  template void fill_view(Context &, T, T *, const Dims &, const Dims &);
DTCRT_COPY_VIEW(f32)
DTCRT_COPY_VIEW(bf16)
DTCRT_COPY_VIEW(i64)
DTCRT_COPY_VIEW(i32)
DTCRT_COPY_VIEW(u8)
DTCRT_COPY_VIEW(bool)
#undef DTCRT_COPY_VIEW

} // namespace dtcrt

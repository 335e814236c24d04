// Gather, and its gradient as sums in place: each element of the table has one thread, which adds to it in the order of the indices.
#include "dtcrt/gather.h"
#include "cpu/Backend.h"
#include "math/BadOperand.h"
#include "math/GatherGeometry.h"

#include <algorithm>

namespace dtcrt {

namespace {

template <class T, class I> void forward(Context &ctx, const Tensor<T> &data, const Tensor<I> &indices, const Tensor<T> &y, int axis) {
  const GatherGeometry g("gather", data, indices, y, axis);
  const T *const from = data.data();
  const I *const which = indices.data();
  T *const to = y.data();
  const index inner = g.inner, slices = g.outer * g.count;
  index bad = g.count;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, y.size())) reduction(min : bad)
  for (index slice = 0; slice < slices; ++slice) {
    const index position = slice % g.count, row = g.row_of(which[position]);
    T *const target = to + slice * inner;
    if (row < 0) {
      bad = std::min(bad, position);
      std::fill_n(target, inner, T());
    } else {
      std::copy_n(from + (slice / g.count * g.rows + row) * inner, inner, target);
    }
  }
  if (bad < g.count)
    throw Error(describe(BadOperand::of_index(bad, which[bad], g.rows), ctx.rank()));
}

/// What one thread works on at a time: some rows of the table, in some columns.
struct Tasks {
  static constexpr index line = 64 / sizeof(f32); ///< columns are parted at cache lines
  index columns, column_parts, rows, row_parts, count;

  Tasks(const GatherGeometry &g, int threads) {
    const index lines = (g.inner + line - 1) / line;
    // Columns first: every part goes through all indices, and rows of one part may be those that all indices name.
    columns = std::max<index>((lines + threads - 1) / threads, 4) * line;
    column_parts = (g.inner + columns - 1) / columns;
    row_parts = std::clamp<index>(threads / std::max<index>(g.outer * column_parts, 1), 1, std::max<index>(g.rows, 1));
    rows = (g.rows + row_parts - 1) / row_parts;
    count = g.outer * column_parts * row_parts;
  }
};

template <class T, class I>
void backward(Context &ctx, const Tensor<T> &dy, const Tensor<I> &indices, const Tensor<f32> &ddata, const GatherGradientOptions &o) {
  const GatherGeometry g("gather_gradient", ddata, indices, dy, o.axis);
  const T *const from = dy.data();
  const I *const which = indices.data();
  f32 *const to = ddata.data();
  const index inner = g.inner, size = ddata.size();
  if (size == 0)
    return;
  const int threads = threads_for(ctx, o.accumulate ? dy.size() : size + dy.size());
  const Tasks tasks(g, threads);
#pragma omp parallel num_threads(threads)
  {
    if (!o.accumulate) {
#pragma omp for schedule(static)
      for (index i = 0; i < size; ++i)
        to[i] = 0;
    }
#pragma omp for schedule(dynamic)
    for (index task = 0; task < tasks.count; ++task) {
      const index rest = task / tasks.column_parts, outer = rest / tasks.row_parts;
      const index column = task % tasks.column_parts * tasks.columns, width = std::min(tasks.columns, inner - column);
      const index first = rest % tasks.row_parts * tasks.rows, last = std::min(first + tasks.rows, g.rows);
      f32 *const table = to + outer * g.rows * inner + column;
      const T *const slices = from + outer * g.count * inner + column;
      for (index position = 0; position < g.count; ++position) {
        const index row = g.row_of(which[position]);
        if (row < first || row >= last)
          continue;
        f32 *const sum = table + row * inner;
        const T *const slope = slices + position * inner;
#pragma omp simd
        for (index c = 0; c < width; ++c)
          sum[c] += slope[c];
      }
    }
  }
}

} // namespace

template <class T> void gather(Context &ctx, const Tensor<T> &data, const Tensor<i64> &indices, const Tensor<T> &y, const GatherOptions &o) {
  forward(ctx, data, indices, y, o.axis);
}
template <class T> void gather(Context &ctx, const Tensor<T> &data, const Tensor<i32> &indices, const Tensor<T> &y, const GatherOptions &o) {
  forward(ctx, data, indices, y, o.axis);
}
template <class T>
void gather_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<i64> &indices, const Tensor<f32> &ddata, const GatherGradientOptions &o) {
  backward(ctx, dy, indices, ddata, o);
}
template <class T>
void gather_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<i32> &indices, const Tensor<f32> &ddata, const GatherGradientOptions &o) {
  backward(ctx, dy, indices, ddata, o);
}

#define DTCRT_GATHER(T)                                                                                                                \
  template void gather(Context &, const Tensor<T> &, const Tensor<i64> &, const Tensor<T> &, const GatherOptions &);                   \
  template void gather(Context &, const Tensor<T> &, const Tensor<i32> &, const Tensor<T> &, const GatherOptions &);
DTCRT_GATHER(f32)
DTCRT_GATHER(bf16)
DTCRT_GATHER(i64)
DTCRT_GATHER(i32)
DTCRT_GATHER(bool)
#undef DTCRT_GATHER

#define DTCRT_GATHER_GRADIENT(T)                                                                                                       \
  template void gather_gradient(Context &, const Tensor<T> &, const Tensor<i64> &, const Tensor<f32> &, const GatherGradientOptions &);       \
  template void gather_gradient(Context &, const Tensor<T> &, const Tensor<i32> &, const Tensor<f32> &, const GatherGradientOptions &);
DTCRT_GATHER_GRADIENT(f32)
DTCRT_GATHER_GRADIENT(bf16)
#undef DTCRT_GATHER_GRADIENT

} // namespace dtcrt

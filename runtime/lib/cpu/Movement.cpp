// Moving elements: every call becomes one strided copy between two views of the same shape.
#include "dtcrt/movement.h"
#include "cpu/Backend.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace dtcrt {

namespace {

/// The loops of a copy: sizes with the steps of both sides, outermost first, as few as possible.
struct Loops {
  int count = 0;
  index size[max_rank], from[max_rank], to[max_rank];
};

/// Orders the dimensions by the step of the destination (writes run forward through memory) and merges
/// those that are one run of memory on both sides.
Loops make_loops(const Dims &shape, const Dims &from, const Dims &to) {
  int order[max_rank], used = 0;
  for (int i = 0; i < shape.size(); ++i)
    if (shape[i] != 1)
      order[used++] = i;
  std::stable_sort(order, order + used, [&](int a, int b) { return to[a] > to[b]; });
  Loops loops;
  for (int i = 0; i < used; ++i) {
    const int d = order[i];
    const int last = loops.count - 1;
    if (last >= 0 && loops.from[last] == from[d] * shape[d] && loops.to[last] == to[d] * shape[d]) {
      loops.size[last] *= shape[d];
      loops.from[last] = from[d];
      loops.to[last] = to[d];
    } else {
      loops.size[loops.count] = shape[d];
      loops.from[loops.count] = from[d];
      loops.to[loops.count] = to[d];
      ++loops.count;
    }
  }
  return loops;
}

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

template <class T> void run_loops(Context &ctx, const T *from, T *to, const Loops &loops, index elements) {
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

/// y = x for views of one shape.
template <class T> void copy_view(Context &ctx, const T *x, const Dims &x_strides, T *y, const Dims &y_strides, const Dims &shape) {
  const index elements = shape.product();
  if (elements > 0)
    run_loops(ctx, x, y, make_loops(shape, x_strides, y_strides), elements);
}

Dims part_strides(const Dims &strides, const Dims &steps) {
  Dims result = strides;
  for (int i = 0; i < steps.size(); ++i)
    result[i] *= steps[i];
  return result;
}

index part_offset(const char *call, const Dims &whole, const Dims &part, const Dims &strides, const SliceOptions &o) {
  require(o.offsets.size() == whole.size() && part.size() == whole.size(), call, "one offset a dimension");
  require(o.steps.empty() || o.steps.size() == whole.size(), call, "one step a dimension");
  index offset = 0;
  for (int i = 0; i < whole.size(); ++i) {
    const index step = o.steps.empty() ? 1 : o.steps[i];
    require(step >= 1 && o.offsets[i] >= 0 && (part[i] == 0 || o.offsets[i] + (part[i] - 1) * step < whole[i]), call,
            "the part lies inside the whole");
    offset += o.offsets[i] * strides[i];
  }
  return offset;
}

} // namespace

template <class T> void copy(Context &ctx, const Tensor<T> &x, const Tensor<T> &y) {
  require(x.size() == y.size(), "copy", "both sides have the same number of elements");
  if (x.shape() == y.shape())
    return copy_view(ctx, x.data(), x.strides(), y.data(), y.strides(), x.shape());
  // A reshape: one side that is row-major takes the other's shape.
  if (y.layout() == row_major)
    return copy_view(ctx, x.data(), x.strides(), y.data(), dense_strides(x.shape()), x.shape());
  if (x.layout() == row_major)
    return copy_view(ctx, x.data(), dense_strides(y.shape()), y.data(), y.strides(), y.shape());
  std::vector<T> between(static_cast<std::size_t>(x.size()));
  copy_view(ctx, x.data(), x.strides(), between.data(), dense_strides(x.shape()), x.shape());
  copy_view(ctx, static_cast<const T *>(between.data()), dense_strides(y.shape()), y.data(), y.strides(), y.shape());
}

template <class T> void transpose(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const TransposeOptions &o) {
  const int rank = x.rank();
  require(y.rank() == rank && (o.perm.empty() || o.perm.size() == rank), "transpose", "one entry of perm a dimension");
  Dims strides = Dims::repeat(rank, 0);
  for (int i = 0; i < rank; ++i) {
    const index from = o.perm.empty() ? rank - 1 - i : o.perm[i];
    require(from >= 0 && from < rank && x.dim(static_cast<int>(from)) == y.dim(i), "transpose", "y's shape is x's, permuted");
    strides[i] = x.strides()[static_cast<int>(from)];
  }
  copy_view(ctx, x.data(), strides, y.data(), y.strides(), y.shape());
}

template <class T> void slice(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &o) {
  const index offset = part_offset("slice", x.shape(), y.shape(), x.strides(), o);
  copy_view(ctx, x.data() + offset, part_strides(x.strides(), o.steps), y.data(), y.strides(), y.shape());
}

template <class T> void insert(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &o) {
  const index offset = part_offset("insert", y.shape(), x.shape(), y.strides(), o);
  copy_view(ctx, x.data(), x.strides(), y.data() + offset, part_strides(y.strides(), o.steps), x.shape());
}

template <class T> void broadcast(Context &ctx, const Tensor<T> &x, const Tensor<T> &y) {
  const int lead = y.rank() - x.rank();
  require(lead >= 0, "broadcast", "the result has at least as many dimensions");
  Dims strides = Dims::repeat(y.rank(), 0);
  for (int i = lead; i < y.rank(); ++i)
    if (x.dim(i - lead) != 1) {
      require(x.dim(i - lead) == y.dim(i), "broadcast", "sizes agree or are 1");
      strides[i] = x.strides()[i - lead];
    }
  copy_view(ctx, x.data(), strides, y.data(), y.strides(), y.shape());
}

#define DTCRT_MOVEMENT(T)                                                                                                              \
  template void copy(Context &, const Tensor<T> &, const Tensor<T> &);                                                                 \
  template void transpose(Context &, const Tensor<T> &, const Tensor<T> &, const TransposeOptions &);                                  \
  template void slice(Context &, const Tensor<T> &, const Tensor<T> &, const SliceOptions &);                                          \
  template void insert(Context &, const Tensor<T> &, const Tensor<T> &, const SliceOptions &);                                         \
  template void broadcast(Context &, const Tensor<T> &, const Tensor<T> &);
DTCRT_MOVEMENT(f32)
DTCRT_MOVEMENT(i64)
DTCRT_MOVEMENT(i32)
DTCRT_MOVEMENT(u8)
#undef DTCRT_MOVEMENT

void concat(Context &ctx, std::initializer_list<Tensor<f32>> inputs, const Tensor<f32> &y, const ConcatOptions &o) {
  const int axis = o.axis < 0 ? o.axis + y.rank() : o.axis;
  require(axis >= 0 && axis < y.rank(), "concat", "the axis is one of y's");
  index at = 0;
  for (const Tensor<f32> &x : inputs) {
    Dims offsets = Dims::repeat(y.rank(), 0);
    offsets[axis] = at;
    insert(ctx, x, y, {.offsets = offsets});
    at += x.dim(axis);
  }
  require(at == y.dim(axis), "concat", "the inputs fill y");
}

void fill(Context &ctx, const Tensor<f32> &y, f32 value) {
  Tensor<f32> scalar(&value, {});
  broadcast(ctx, scalar, y);
}

} // namespace dtcrt

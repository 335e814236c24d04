// Gather, and its gradient without sorting: the first index of each row adds up all of them, in their order.
#include "dtcrt/gather.h"
#include "cuda/Backend.h"
#include "cuda/Primitives.h"
#include "dtcrt/movement.h"
#include "math/GatherGeometry.h"

#include <type_traits>

namespace dtcrt {

namespace {

using namespace device;

/// Of several bad indices any may be told.
__device__ void tell_bad_index(BadOperand *bad, i64 number, i64 value, i64 rows) {
  using Word = unsigned long long;
  const Word none = static_cast<Word>(-1);
  if (atomicCAS(reinterpret_cast<Word *>(&bad->sample), none, static_cast<Word>(number)) == none) {
    bad->label = value;
    bad->classes = rows;
    bad->is_index = true;
  }
}

/// A thread gives `count` elements of a slice at a time.
template <int count, class T, class I, class Counter>
__global__ void gather_slices(const T *data, const I *indices, T *slices, GatherGeometry g, BadOperand *bad, Counter packs, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const Counter slice = i / packs, column = (i - slice * packs) * count, outer = slice / static_cast<Counter>(g.count);
    const auto position = static_cast<index>(slice - outer * static_cast<Counter>(g.count));
    const index row = g.row_of(indices[position]);
    Pack<T, count> values{};
    if (row >= 0)
      values = load<count>(data + (static_cast<index>(outer) * g.rows + row) * g.inner + column);
    else if (column == 0 && outer == 0)
      tell_bad_index(bad, position, indices[position], g.rows);
    store(slices + static_cast<index>(slice) * g.inner + column, values);
  }
}

/// Which of the positions first, first + 1, … of a block's threads name `row`: a bit a thread in `found`, which all threads read.
template <class I> __device__ void find_row(const I *indices, const GatherGeometry &g, index row, index first, index last, unsigned *found) {
  const index position = first + threadIdx.x;
  const unsigned warp = __ballot_sync(0xffffffffu, position < last && g.row_of(indices[position]) == row);
  __syncthreads(); // the bits before these have been read
  if (threadIdx.x % 32 == 0)
    found[threadIdx.x / 32] = warp;
  __syncthreads();
}

/// A block has an index and a piece of the columns, [outer, inner] read as one. If the index is the first that names its row, the block adds them
/// to that row; else another does.
template <int count, class T, class I> __global__ void add_slices(const T *dy, const I *indices, f32 *ddata, GatherGeometry g, index pieces, index blocks) {
  constexpr int warps = block_threads / 32;
  __shared__ unsigned found[warps];
  for (index block = blockIdx.x; block < blocks; block += gridDim.x) {
    const index position = divide(block, pieces), row = g.row_of(indices[position]);
    bool is_first = row >= 0;
    for (index first = 0; is_first && first < position; first += block_threads) {
      find_row(indices, g, row, first, position, found);
      for (int warp = 0; warp < warps; ++warp)
        is_first = is_first && found[warp] == 0;
    }
    if (!is_first)
      continue; // all threads of the block alike
    const index column = ((block - position * pieces) * block_threads + threadIdx.x) * count;
    const bool has_column = column < g.outer * g.inner;
    const index outer = has_column ? divide(column, g.inner) : 0, inner = column - outer * g.inner;
    const T *const slopes = dy + outer * g.count * g.inner + inner;
    f32 *const total = ddata + (outer * g.rows + row) * g.inner + inner;
    Pack<f32, count> sum{};
    if (has_column)
      sum = load<count>(total);
    for (index first = position; first < g.count; first += block_threads) {
      find_row(indices, g, row, first, g.count, found);
      for (int warp = 0; warp < warps; ++warp)
        for (unsigned left = found[warp]; left != 0; left &= left - 1) {
          if (!has_column)
            continue;
          const index at = first + warp * 32 + (__ffs(static_cast<int>(left)) - 1);
          const Pack<T, count> slope = load<count>(slopes + at * g.inner);
          for (int i = 0; i < count; ++i)
            sum[i] += slope[i];
        }
    }
    if (has_column)
      store(total, sum);
  }
}

template <class T, class I> void forward(Context &ctx, const Tensor<T> &data, const Tensor<I> &indices, const Tensor<T> &y, int axis) {
  const GatherGeometry g("gather", data, indices, y, axis);
  if (y.size() == 0)
    return;
  const auto run = [&](auto count) {
    const index packs = g.inner / count.value, items = g.outer * g.count * packs;
    // Counted in elements, for columns.
    with_counter(y.size(), [&](auto counter) {
      using Counter = decltype(counter);
      launch(ctx, gather_slices<count.value, T, I, Counter>, blocks_for(ctx, items), block_threads, data.data(), indices.data(), y.data(), g,
             ctx.backend().bad_operand, static_cast<Counter>(packs), static_cast<Counter>(items));
    });
  };
  constexpr int pack = pack_size<T>;
  if (packs<pack, T>({data.data(), y.data()}, {g.inner}))
    run(std::integral_constant<int, pack>());
  else
    run(std::integral_constant<int, 1>());
}

template <class T, class I>
void backward(Context &ctx, const Tensor<T> &dy, const Tensor<I> &indices, const Tensor<f32> &ddata, const GatherGradientOptions &o) {
  const GatherGeometry g("gather_gradient", ddata, indices, dy, o.axis);
  if (ddata.size() == 0)
    return;
  if (!o.accumulate)
    fill(ctx, ddata, 0);
  if (dy.size() == 0)
    return;
  const auto run = [&](auto count) {
    const index pieces = ceil_div(g.outer * g.inner, index(block_threads) * count.value), blocks = g.count * pieces;
    launch(ctx, add_slices<count.value, T, I>, dim3(static_cast<unsigned>(std::min<index>(blocks, INT32_MAX))), block_threads, dy.data(), indices.data(),
           ddata.data(), g, pieces, blocks);
  };
  constexpr int pack = pack_size<f32>;
  if (packs<pack, T>({dy.data()}, {g.inner}) && packs<pack, f32>({ddata.data()}, {g.inner}))
    run(std::integral_constant<int, pack>());
  else
    run(std::integral_constant<int, 1>());
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

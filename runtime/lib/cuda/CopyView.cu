// Strided copies: packs where rows are contiguous, tiles through shared memory where both sides are contiguous along different
// dimensions, single elements otherwise.
#include "math/CopyView.h"
#include "cuda/Locate.h"
#include "cuda/Primitives.h"

#include <cstring>
#include <type_traits>

namespace dtcrt {

namespace {

using namespace device;

template <class E, class I> __global__ void copy_elements(const E *from, E *to, CopyLoops loops, I count) {
  for (I i = first_item<I>(); i < count; i += item_step<I>()) {
    index from_at, to_at;
    locate(loops, i, from_at, to_at);
    to[to_at] = from[from_at];
  }
}

template <class E, class I> __global__ void fill_elements(E value, E *to, CopyLoops loops, I count) {
  for (I i = first_item<I>(); i < count; i += item_step<I>()) {
    index none, to_at;
    locate(loops, i, none, to_at);
    to[to_at] = value;
  }
}

constexpr int tile = 32, tile_rows = 8;

/// to[r, c] = from[c, r] for matrices inside outer loops; columns are contiguous in `to`, rows in `from`.
template <class E>
__global__ void transpose_tiles(const E *from, E *to, CopyLoops outer, index rows, index columns, index from_column, index to_row,
                                std::uint32_t row_tiles, std::uint32_t column_tiles, std::uint64_t tiles) {
  __shared__ E values[tile][tile + 1]; // one more: a column lies in all banks
  for (std::uint64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const index column = static_cast<index>(t % column_tiles) * tile, row = static_cast<index>(t / column_tiles % row_tiles) * tile;
    index from_at, to_at;
    locate(outer, t / column_tiles / row_tiles, from_at, to_at);
    for (int i = static_cast<int>(threadIdx.y); i < tile; i += tile_rows)
      if (column + i < columns && row + threadIdx.x < rows)
        values[threadIdx.x][i] = from[from_at + (column + i) * from_column + row + threadIdx.x];
    __syncthreads(); // the tile is whole
    for (int i = static_cast<int>(threadIdx.y); i < tile; i += tile_rows)
      if (row + i < rows && column + threadIdx.x < columns)
        to[to_at + (row + i) * to_row + column + threadIdx.x] = values[i][threadIdx.x];
    __syncthreads(); // before the next one
  }
}

/// The same loops over packs of `count` elements, if the innermost one and all steps are whole packs.
template <int count> bool in_packs(const void *from, const void *to, std::size_t element, CopyLoops &loops) {
  const int inner = loops.count - 1;
  const auto aligned = [&](const void *p) { return reinterpret_cast<std::uintptr_t>(p) % (element * count) == 0; };
  if (!aligned(from) || !aligned(to) || loops.from[inner] != 1 || loops.to[inner] != 1 || loops.size[inner] % count)
    return false;
  for (int d = 0; d < inner; ++d)
    if (loops.from[d] % count || loops.to[d] % count)
      return false;
  loops.size[inner] /= count;
  for (int d = 0; d < inner; ++d) {
    loops.from[d] /= count;
    loops.to[d] /= count;
  }
  return true;
}

template <class E> void copy_by_elements(Context &ctx, const void *from, void *to, const CopyLoops &loops) {
  index elements = 1;
  for (int d = 0; d < loops.count; ++d)
    elements *= loops.size[d];
  with_counter(elements, [&](auto counter) {
    using I = decltype(counter);
    launch(ctx, copy_elements<E, I>, blocks_for(ctx, elements), block_threads, static_cast<const E *>(from), static_cast<E *>(to), loops,
           static_cast<I>(elements));
  });
}

/// E: an unsigned integer as wide as an element.
template <class E> void run_loops(Context &ctx, const E *from, E *to, CopyLoops loops) {
  const int inner = loops.count - 1;
  if (loops.count == 0 || (loops.count == 1 && loops.from[0] == 1 && loops.to[0] == 1)) {
    const index size = loops.count == 0 ? 1 : loops.size[0];
    return check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(size) * sizeof(E), cudaMemcpyDeviceToDevice, stream(ctx)), "copy memory");
  }
  if (in_packs<16 / sizeof(E)>(from, to, sizeof(E), loops))
    return copy_by_elements<uint4>(ctx, from, to, loops);
  int partner = -1; // the dimension along which the source is contiguous, when it is not the innermost one
  if (loops.to[inner] == 1 && loops.from[inner] > 1)
    for (int d = 0; d < inner; ++d)
      if (loops.from[d] == 1)
        partner = d;
  if (partner < 0 || loops.size[partner] < tile_rows || loops.size[inner] < tile_rows)
    return copy_by_elements<E>(ctx, from, to, loops);
  CopyLoops outer;
  std::uint64_t matrices = 1;
  for (int d = 0; d < inner; ++d)
    if (d != partner) {
      outer.size[outer.count] = loops.size[d];
      outer.from[outer.count] = loops.from[d];
      outer.to[outer.count++] = loops.to[d];
      matrices *= static_cast<std::uint64_t>(loops.size[d]);
    }
  const auto row_tiles = static_cast<std::uint32_t>(ceil_div(loops.size[partner], tile)),
             column_tiles = static_cast<std::uint32_t>(ceil_div(loops.size[inner], tile));
  const std::uint64_t tiles = matrices * row_tiles * column_tiles;
  launch(ctx, transpose_tiles<E>, blocks_for(ctx, static_cast<index>(tiles), 1), dim3(tile, tile_rows), from, to, outer, loops.size[partner],
         loops.size[inner], loops.from[inner], loops.to[partner], row_tiles, column_tiles, tiles);
}

/// The unsigned integer as wide as T.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                std::conditional_t<sizeof(T) == 2, std::uint16_t, std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

} // namespace

template <class T> void copy_view(Context &ctx, const T *x, const Dims &x_strides, T *y, const Dims &y_strides, const Dims &shape) {
  if (shape.product() > 0)
    run_loops(ctx, reinterpret_cast<const Bits<T> *>(x), reinterpret_cast<Bits<T> *>(y), make_copy_loops(shape, x_strides, y_strides));
}

template <class T> void fill_view(Context &ctx, T value, T *y, const Dims &y_strides, const Dims &shape) {
  const index elements = shape.product();
  if (elements == 0)
    return;
  CopyLoops loops = make_copy_loops(shape, Dims::repeat(shape.size(), 0), y_strides);
  static constexpr T zero = T();
  if (loops.count == 1 && loops.to[0] == 1 && std::memcmp(&value, &zero, sizeof(T)) == 0)
    return check(cudaMemsetAsync(y, 0, static_cast<std::size_t>(elements) * sizeof(T), stream(ctx)), "fill memory");
  with_counter(elements, [&](auto counter) {
    using I = decltype(counter);
    launch(ctx, fill_elements<T, I>, blocks_for(ctx, elements), block_threads, value, y, loops, static_cast<I>(elements));
  });
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

// Rounding to bf16, all tensors of a list in one launch: each block takes a piece of one tensor.
#include "core/Require.h"
#include "cuda/Backend.h"
#include "cuda/Primitives.h"
#include "dtcrt/cast.h"

namespace dtcrt {

namespace {

using namespace device;

constexpr int pack = pack_size<bf16>, piece = block_threads * pack * 2; ///< elements of a thread at once, and of a block

/// Tensors of a launch, in the kernel's parameters.
struct CastList {
  static constexpr int capacity = 192;
  int count = 0;
  std::uint32_t first_block[capacity + 1] = {};
  index sizes[capacity];
  const f32 *from[capacity];
  bf16 *to[capacity];
};

template <int count> __device__ void round_elements(const f32 *from, bf16 *to, index begin, index end) {
  for (index i = begin + index(threadIdx.x) * count; i < end; i += block_threads * count) {
    Pack<bf16, count> rounded;
    if constexpr (count == 1) {
      rounded[0] = bf16(from[i]);
    } else {
      for (int half = 0; half < count; half += pack_size<f32>) {
        const Pack<f32, pack_size<f32>> values = load<pack_size<f32>>(from + i + half);
        for (int j = 0; j < pack_size<f32>; ++j)
          rounded[half + j] = bf16(values[j]);
      }
    }
    store(to + i, rounded);
  }
}

__global__ void cast_list(const __grid_constant__ CastList list) {
  int low = 0, high = list.count; // the tensor whose pieces this block is among
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (list.first_block[middle] <= blockIdx.x ? low : high) = middle;
  }
  const f32 *from = list.from[low];
  bf16 *to = list.to[low];
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(from) % 16 == 0 && reinterpret_cast<std::uintptr_t>(to) % 16 == 0;
  const index begin = index(blockIdx.x - list.first_block[low]) * piece, end = min(begin + piece, list.sizes[low]);
  const index packed = is_aligned ? begin + (end - begin) / pack * pack : begin;
  round_elements<pack>(from, to, begin, packed);
  round_elements<1>(from, to, packed, end);
}

} // namespace

void cast(Context &ctx, ListOf<CastTensors> tensors) {
  CastList list;
  const auto flush = [&] {
    if (list.count > 0)
      launch(ctx, cast_list, list.first_block[list.count], block_threads, list);
    list.count = 0;
  };
  for (const CastTensors &t : tensors) {
    require(t.from.shape() == t.to.shape() && t.from.is_dense() && t.to.is_dense() && t.from.strides() == t.to.strides(), "cast",
            "both sides are dense, of one shape and layout");
    const index size = t.from.size();
    if (size == 0)
      continue;
    if (list.count == CastList::capacity)
      flush();
    list.first_block[list.count + 1] = list.first_block[list.count] + static_cast<std::uint32_t>(ceil_div(size, piece));
    list.sizes[list.count] = size;
    list.from[list.count] = t.from.data();
    list.to[list.count] = t.to.data();
    ++list.count;
    // Until the next cast the copy of a parameter changes as little as the parameter.
    auto &generations = ctx.backend().generations;
    if (generations.count(t.from.data()))
      ++generations[t.to.data()];
  }
  flush();
}

void cast(Context &ctx, const Tensor<f32> &from, const Tensor<bf16> &to) { cast(ctx, {{from, to}}); }

} // namespace dtcrt

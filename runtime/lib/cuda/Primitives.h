// What kernels are made of: packs of 16 bytes, teams of threads that add up or compare, loops over grids.
#pragma once

#include "dtcrt/device.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#ifdef __CUDACC__
#include <cub/block/block_reduce.cuh>
#endif

namespace dtcrt::device {

// Packs: what a thread loads and stores at once.

template <class T, int count> struct alignas(sizeof(T) * count) Pack {
  T values[count];
  __device__ T &operator[](int i) { return values[i]; }
  __device__ const T &operator[](int i) const { return values[i]; }
};

/// Values of T in 16 bytes.
template <class T> inline constexpr int pack_size = 16 / static_cast<int>(sizeof(T));

template <int count, class T> __device__ inline Pack<T, count> load(const T *from) { return *reinterpret_cast<const Pack<T, count> *>(from); }
template <int count, class T> __device__ inline void store(T *to, const Pack<T, count> &pack) { *reinterpret_cast<Pack<T, count> *>(to) = pack; }

/// Whether memory at these addresses can be taken in packs of `count`: they are aligned, and sizes and steps whole packs.
template <int count, class T> bool packs(std::initializer_list<const T *> addresses, std::initializer_list<index> steps) {
  return std::all_of(addresses.begin(), addresses.end(),
                     [](const T *p) { return reinterpret_cast<std::uintptr_t>(p) % (sizeof(T) * count) == 0; }) &&
         std::all_of(steps.begin(), steps.end(), [](index step) { return step % count == 0; });
}

// Reductions in a fixed order: the same bits in every run, and in every thread that receives them.

struct Sum {
  template <class T> __device__ T operator()(const T &a, const T &b) const { return a + b; }
};
struct Max {
  template <class T> __device__ T operator()(const T &a, const T &b) const { return a < b ? b : a; }
};
struct Min {
  template <class T> __device__ T operator()(const T &a, const T &b) const { return b < a ? b : a; }
};

/// Over `lanes` neighbours of a warp, a power of two.
template <int lanes = 32, class T, class Op> __device__ inline T warp_reduce(T value, Op op) {
  static_assert(lanes <= 32 && (lanes & (lanes - 1)) == 0);
  const unsigned mask = lanes == 32 ? 0xffffffffu : ((1u << (lanes % 32)) - 1) << (threadIdx.x % 32 / lanes * lanes);
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(mask, value, distance));
  return value;
}

/// Over all `threads` of a one-dimensional block, which all call it.
template <int threads, class T, class Op> __device__ inline T block_reduce(T value, Op op) {
  static_assert(threads % 32 == 0);
  __shared__ T result;
#ifdef __CUDACC__
  using Reduce = cub::BlockReduce<T, threads>;
  __shared__ typename Reduce::TempStorage storage;
  value = Reduce(storage).Reduce(value, op);
#else
  __shared__ T parts[threads / 32];
  value = warp_reduce(value, op);
  if (threadIdx.x % 32 == 0)
    parts[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < threads / 32; ++warp)
      value = op(value, parts[warp]);
#endif
  if (threadIdx.x == 0)
    result = value;
  __syncthreads();
  return result;
}

/// Threads of a block that work on one row: one thread, a part of a warp, a warp, or a whole block.
template <int lanes> struct Team {
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % lanes; }
  template <class T, class Op> __device__ static T reduce(T value, Op op) {
    if constexpr (lanes == 1)
      return value;
    else if constexpr (lanes <= 32)
      return warp_reduce<lanes>(value, op);
    else
      return block_reduce<lanes>(value, op);
  }
  template <class T> __device__ static T sum(T value) { return reduce(value, Sum()); }
  template <class T> __device__ static T max(T value) { return reduce(value, Max()); }
  template <class T> __device__ static T min(T value) { return reduce(value, Min()); }
};

/// Many terms: runs of them in f32, the runs in f64.
class LongSum {
public:
  __device__ void add(f32 term) {
    run_ += term;
    if (++terms_ == 64)
      flush();
  }
  __device__ f64 total() {
    flush();
    return total_;
  }

private:
  __device__ void flush() {
    total_ += run_;
    run_ = 0;
    terms_ = 0;
  }
  f64 total_ = 0;
  f32 run_ = 0;
  int terms_ = 0;
};

// Grids.

/// Threads of a block, where nothing asks for another number.
inline constexpr int block_threads = 256;

/// a / b of numbers that are not negative: in 32 bits where they fit.
__device__ inline index divide(index a, index b) {
  constexpr index limit = index(1) << 32;
  return a < limit && b < limit ? static_cast<index>(static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b)) : a / b;
}

constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

/// Blocks for a kernel whose threads go through `items` in steps of the whole grid: enough to fill the GPU.
inline dim3 blocks_for(Context &ctx, index items, int threads = block_threads) {
  return dim3(static_cast<unsigned>(std::clamp<index>(ceil_div(items, threads), 1, index(multiprocessors(ctx)) * 16)));
}

/// The first item of this thread and the step to its next. I counts them: 32 bits where they fit, since divisions by 64 are slow.
template <class I> __device__ inline I first_item() { return static_cast<I>(blockIdx.x) * blockDim.x + threadIdx.x; }
template <class I> __device__ inline I item_step() { return static_cast<I>(gridDim.x) * blockDim.x; }

/// Calls body(I()) with the type that counts `items`.
template <class Body> void with_counter(index items, Body body) {
  if (items < (index(1) << 31))
    body(std::uint32_t());
  else
    body(std::uint64_t());
}

} // namespace dtcrt::device

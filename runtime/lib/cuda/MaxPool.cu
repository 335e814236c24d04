// Max pooling, and its gradient as each element's sum over the windows that it was the maximum of: no atomics, the same bits every run.
#include "cuda/PoolThreads.h"
#include "dtcrt/pooling.h"
#include "math/Activated.h"

namespace dtcrt {

namespace {

using namespace device;

struct Sizes {
  index of[3];
};

/// A thread makes `count` neighbouring channels of one window. position.data is nullptr when nobody asks for positions.
template <int count, bool by_channels, class T, class I, class Counter>
__global__ void max_windows(PoolView<T> x, PoolView<T> y, PoolView<I> position, PoolGeometry g, Activation activation, f32 alpha, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const PoolElement at(by_channels, count, i, g.channels, g.out);
    const T *in = x.data + at.n * x.n + at.c * x.c;
    Pack<f32, count> best;
    Pack<i32, count> where;
    for (int j = 0; j < count; ++j) {
      best[j] = -INFINITY;
      where[j] = -1;
    }
    for_window(g, at.s, x.s, [&](i32 k, index element) {
      const Pack<T, count> values = load<count>(in + element);
      for (int j = 0; j < count; ++j) {
        const f32 value = values[j];
        if (where[j] < 0 || value > best[j] || value != value) { // a NaN beats every number and the first maximum wins
          best[j] = value;
          where[j] = k;
        }
      }
    });
    Pack<T, count> result;
    Pack<I, count> places;
    for (int j = 0; j < count; ++j) {
      result[j] = T(activated(best[j], activation, alpha));
      places[j] = static_cast<I>(max(where[j], 0));
    }
    store(at.in(y), result);
    if (position.data)
      store(at.in(position), places);
  }
}

/// A thread makes `count` neighbouring channels of one element of dx.
template <int count, bool by_channels, class T, class I, class Counter>
__global__ void max_gradients(PoolView<T> dy, PoolView<I> position, PoolView<T> dx, PoolGeometry g, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const PoolElement at(by_channels, count, i, g.channels, g.in);
    const T *gradient = dy.data + at.n * dy.n + at.c * dy.c;
    const I *places = position.data + at.n * position.n + at.c * position.c;
    Pack<f32, count> sum{};
    for_windows_of(g, at.s, [&](i32 k, const index(&o)[3]) {
      const Pack<I, count> here = load<count>(places + o[0] * position.s[0] + o[1] * position.s[1] + o[2] * position.s[2]);
      const Pack<T, count> slope = load<count>(gradient + o[0] * dy.s[0] + o[1] * dy.s[1] + o[2] * dy.s[2]);
      for (int j = 0; j < count; ++j)
        sum[j] += static_cast<i32>(here[j]) == k ? static_cast<f32>(slope[j]) : 0.0f;
    });
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T(sum[j]);
    store(at.in(dx), result);
  }
}

/// Windows side by side: a thread makes `count` neighbouring channels of all elements of one, each once. Windows beyond the last are those
/// of elements that no window holds.
template <int count, bool by_channels, class T, class I, class Counter>
__global__ void tile_gradients(PoolView<T> dy, PoolView<I> position, PoolView<T> dx, PoolGeometry g, Sizes windows, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const PoolElement at(by_channels, count, i, g.channels, windows.of);
    Pack<I, count> here{};
    Pack<T, count> slope{};
    if (at.s[0] < g.out[0] && at.s[1] < g.out[1] && at.s[2] < g.out[2]) {
      here = load<count>(at.in(position));
      slope = load<count>(at.in(dy));
    }
    i32 k = 0;
    for (index k0 = 0; k0 < g.kernel[0]; ++k0)
      for (index k1 = 0; k1 < g.kernel[1]; ++k1)
        for (index k2 = 0; k2 < g.kernel[2]; ++k2, ++k) {
          PoolElement to = at;
          to.s[0] = at.s[0] * g.kernel[0] + k0;
          to.s[1] = at.s[1] * g.kernel[1] + k1;
          to.s[2] = at.s[2] * g.kernel[2] + k2;
          if (to.s[0] >= g.in[0] || to.s[1] >= g.in[1] || to.s[2] >= g.in[2])
            continue;
          Pack<T, count> result;
          for (int j = 0; j < count; ++j)
            result[j] = static_cast<i32>(here[j]) == k ? slope[j] : T(0.0f);
          store(to.in(dx), result);
        }
  }
}

template <class T, class I>
void forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<I> *position, const MaxPoolOptions &o) {
  const PoolGeometry g("max_pool", x.shape(), y.shape(), o.kernel, o.strides, o.pads, o.dilations);
  require(!position || position->shape() == y.shape(), "max_pool", "positions have the output's shape");
  require(!position || sizeof(I) > 1 || g.kernel_size() <= 256, "max_pool", "a window of more than 256 elements needs i32 positions");
  const PoolView<T> in(x), out(y);
  const PoolView<I> places = position ? PoolView<I>(*position) : PoolView<I>();
  constexpr int pack = pack_size<T>;
  with_pool_threads<pack>(g.batch * g.channels * g.out_size(), pool_packs<pack>(in) && pool_packs<pack>(out) && pool_packs<pack>(places) && g.channels % pack == 0,
                          out.c == 1, [&](auto count, auto by_channels, auto counter, index items) {
                            using Counter = decltype(counter);
                            launch(ctx, max_windows<count.value, by_channels.value, T, I, Counter>, blocks_for(ctx, items), block_threads, in, out, places,
                                   g, o.activation, o.alpha, static_cast<Counter>(items));
                          });
}

template <class T, class I>
void backward(Context &ctx, const Tensor<T> &dy, const Tensor<I> &position, const Tensor<T> &dx, const MaxPoolOptions &o) {
  const PoolGeometry g("max_pool_gradient", dx.shape(), dy.shape(), o.kernel, o.strides, o.pads, o.dilations);
  require(position.shape() == dy.shape(), "max_pool_gradient", "positions have the output's shape");
  const PoolView<T> wide(dx), narrow(dy);
  const PoolView<I> places(position);
  constexpr int pack = pack_size<T>;
  const bool packed = pool_packs<pack>(wide) && pool_packs<pack>(narrow) && pool_packs<pack>(places) && g.channels % pack == 0;
  if (g.is_tiling()) {
    Sizes windows;
    for (int d = 0; d < 3; ++d)
      windows.of[d] = ceil_div(g.in[d], g.kernel[d]);
    return with_pool_threads<pack>(g.batch * g.channels * windows.of[0] * windows.of[1] * windows.of[2], packed, wide.c == 1,
                                   [&](auto count, auto by_channels, auto counter, index items) {
                                     using Counter = decltype(counter);
                                     launch(ctx, tile_gradients<count.value, by_channels.value, T, I, Counter>, blocks_for(ctx, items), block_threads,
                                            narrow, places, wide, g, windows, static_cast<Counter>(items));
                                   });
  }
  with_pool_threads<pack>(g.batch * g.channels * g.in_size(), packed, wide.c == 1, [&](auto count, auto by_channels, auto counter, index items) {
    using Counter = decltype(counter);
    launch(ctx, max_gradients<count.value, by_channels.value, T, I, Counter>, blocks_for(ctx, items), block_threads, narrow, places, wide, g,
           static_cast<Counter>(items));
  });
}

} // namespace

#define DTCRT_MAX_POOL(T)                                                                                                              \
  void max_pool(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<u8> &index, const MaxPoolOptions &o) {              \
    forward(ctx, x, y, index ? &index : nullptr, o);                                                                                   \
  }                                                                                                                                    \
  void max_pool(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<i32> &index, const MaxPoolOptions &o) {             \
    forward(ctx, x, y, index ? &index : nullptr, o);                                                                                   \
  }                                                                                                                                    \
  void max_pool(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const MaxPoolOptions &o) { forward<T, i32>(ctx, x, y, nullptr, o); } \
  void max_pool_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<u8> &index, const Tensor<T> &dx, const MaxPoolOptions &o) {   \
    backward(ctx, dy, index, dx, o);                                                                                                   \
  }                                                                                                                                    \
  void max_pool_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<i32> &index, const Tensor<T> &dx, const MaxPoolOptions &o) {  \
    backward(ctx, dy, index, dx, o);                                                                                                   \
  }
DTCRT_MAX_POOL(f32)
DTCRT_MAX_POOL(bf16)
#undef DTCRT_MAX_POOL

} // namespace dtcrt

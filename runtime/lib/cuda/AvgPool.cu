// Average pooling, and its gradient as each element's sum over the windows around it.
#include "cuda/PoolThreads.h"
#include "dtcrt/pooling.h"

namespace dtcrt {

namespace {

using namespace device;

/// What a window's sum is multiplied by.
__device__ f32 factor_of(const PoolGeometry &g, const index (&o)[3], bool count_include_pad) {
  index count = 1;
  for (int d = 0; d < 3; ++d) {
    index first, last;
    g.inside(d, o[d], first, last);
    count *= count_include_pad ? g.inside_padding(d, o[d]) : last - first;
  }
  return count > 0 ? 1.0f / static_cast<f32>(count) : 0;
}

template <int count, bool by_channels, class T, class Counter>
__global__ void mean_windows(PoolView<T> x, PoolView<T> y, PoolGeometry g, bool count_include_pad, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const PoolElement at(by_channels, count, i, g.channels, g.out);
    const T *in = x.data + at.n * x.n + at.c * x.c;
    Pack<f32, count> sum{};
    for_window(g, at.s, x.s, [&](i32, index element) {
      const Pack<T, count> values = load<count>(in + element);
      for (int j = 0; j < count; ++j)
        sum[j] += values[j];
    });
    const f32 factor = factor_of(g, at.s, count_include_pad);
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T(sum[j] * factor);
    store(at.in(y), result);
  }
}

template <int count, bool by_channels, class T, class Counter>
__global__ void mean_gradients(PoolView<T> dy, PoolView<T> dx, PoolGeometry g, bool count_include_pad, Counter items) {
  for (Counter i = first_item<Counter>(); i < items; i += item_step<Counter>()) {
    const PoolElement at(by_channels, count, i, g.channels, g.in);
    const T *gradient = dy.data + at.n * dy.n + at.c * dy.c;
    Pack<f32, count> sum{};
    for_windows_of(g, at.s, [&](i32, const index(&o)[3]) {
      const Pack<T, count> slope = load<count>(gradient + o[0] * dy.s[0] + o[1] * dy.s[1] + o[2] * dy.s[2]);
      const f32 factor = factor_of(g, o, count_include_pad);
      for (int j = 0; j < count; ++j)
        sum[j] += slope[j] * factor;
    });
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T(sum[j]);
    store(at.in(dx), result);
  }
}

template <class T> void forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const AvgPoolOptions &o) {
  const PoolGeometry g("avg_pool", x.shape(), y.shape(), o.kernel, o.strides, o.pads, o.dilations);
  const PoolView<T> in(x), out(y);
  constexpr int pack = pack_size<T>;
  with_pool_threads<pack>(g.batch * g.channels * g.out_size(), pool_packs<pack>(in) && pool_packs<pack>(out) && g.channels % pack == 0, out.c == 1,
                          [&](auto count, auto by_channels, auto counter, index items) {
                            using Counter = decltype(counter);
                            launch(ctx, mean_windows<count.value, by_channels.value, T, Counter>, blocks_for(ctx, items), block_threads, in, out, g,
                                   o.count_include_pad, static_cast<Counter>(items));
                          });
}

template <class T> void backward(Context &ctx, const Tensor<T> &dy, const Tensor<T> &dx, const AvgPoolOptions &o) {
  const PoolGeometry g("avg_pool_gradient", dx.shape(), dy.shape(), o.kernel, o.strides, o.pads, o.dilations);
  const PoolView<T> wide(dx), narrow(dy);
  constexpr int pack = pack_size<T>;
  with_pool_threads<pack>(g.batch * g.channels * g.in_size(), pool_packs<pack>(wide) && pool_packs<pack>(narrow) && g.channels % pack == 0, wide.c == 1,
                          [&](auto count, auto by_channels, auto counter, index items) {
                            using Counter = decltype(counter);
                            launch(ctx, mean_gradients<count.value, by_channels.value, T, Counter>, blocks_for(ctx, items), block_threads, narrow, wide,
                                   g, o.count_include_pad, static_cast<Counter>(items));
                          });
}

} // namespace

void avg_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const AvgPoolOptions &o) { forward(ctx, x, y, o); }
void avg_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const AvgPoolOptions &o) { forward(ctx, x, y, o); }
void avg_pool_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &dx, const AvgPoolOptions &o) { backward(ctx, dy, dx, o); }
void avg_pool_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &dx, const AvgPoolOptions &o) { backward(ctx, dy, dx, o); }

} // namespace dtcrt

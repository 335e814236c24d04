// Average pooling and its gradient.
#include "cpu/Widened.h"
#include "dtcrt/pooling.h"
#include "math/Pooling.h"

namespace dtcrt {

namespace {

constexpr index block = 64;

/// One window: which part of it is inside x, and what its sum is multiplied by.
struct Window {
  index first[3], last[3];
  f32 factor;

  Window(const PoolGeometry &g, const index (&o)[3], bool count_include_pad) {
    index count = 1;
    for (int d = 0; d < 3; ++d) {
      g.inside(d, o[d], first[d], last[d]);
      count *= count_include_pad ? g.inside_padding(d, o[d]) : last[d] - first[d];
    }
    factor = count > 0 ? 1.0f / static_cast<f32>(count) : 0;
  }
};

/// Calls `visit(data of window, offset of an element of x)` for every element of every window of one image and some channels.
template <class Visit> void for_windows(const PoolGeometry &g, const index (&step)[3], bool count_include_pad, Visit visit) {
  index o[3];
  for (o[0] = 0; o[0] < g.out[0]; ++o[0])
    for (o[1] = 0; o[1] < g.out[1]; ++o[1])
      for (o[2] = 0; o[2] < g.out[2]; ++o[2]) {
        const Window w(g, o, count_include_pad);
        visit(o, w, [&](auto element) {
          for (index k0 = w.first[0]; k0 < w.last[0]; ++k0)
            for (index k1 = w.first[1]; k1 < w.last[1]; ++k1)
              for (index k2 = w.first[2]; k2 < w.last[2]; ++k2)
                element((o[0] * g.stride[0] - g.begin[0] + k0 * g.dilation[0]) * step[0] +
                        (o[1] * g.stride[1] - g.begin[1] + k1 * g.dilation[1]) * step[1] +
                        (o[2] * g.stride[2] - g.begin[2] + k2 * g.dilation[2]) * step[2]);
        });
      }
}

template <class T> index at(const PoolView<T> &v, const index (&o)[3]) { return o[0] * v.s[0] + o[1] * v.s[1] + o[2] * v.s[2]; }

template <class T> void forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const AvgPoolOptions &options) {
  const PoolGeometry g("avg_pool", x.shape(), y.shape(), options.kernel, options.strides, options.pads, options.dilations);
  const PoolView<T> in(x), out(y);
  const index piece = in.c == 1 && out.c == 1 ? block : 1, pieces = (g.channels + piece - 1) / piece;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  for (index part = 0; part < g.batch * pieces; ++part) {
    const index n = part / pieces, c0 = part % pieces * piece;
    const int width = static_cast<int>(std::min(piece, g.channels - c0));
    const T *source = in.data + n * in.n + c0 * in.c;
    T *result = out.data + n * out.n + c0 * out.c;
    for_windows(g, in.s, options.count_include_pad, [&](const index(&o)[3], const Window &w, auto elements) {
      f32 sum[block] = {};
      elements([&](index element) {
        const T *from = source + element;
#pragma omp simd
        for (int c = 0; c < width; ++c)
          sum[c] += from[c];
      });
      T *to = result + at(out, o);
      for (int c = 0; c < width; ++c)
        to[c] = T(sum[c] * w.factor);
    });
  }
}

/// dx is f32, since windows that overlap add up in it.
template <class T> void backward(Context &ctx, const Tensor<T> &dy, const Tensor<f32> &dx, const AvgPoolOptions &options) {
  const PoolGeometry g("avg_pool_gradient", dx.shape(), dy.shape(), options.kernel, options.strides, options.pads, options.dilations);
  const PoolView<f32> wide(dx);
  const PoolView<T> narrow(dy);
  const index piece = wide.c == 1 && narrow.c == 1 ? block : 1, pieces = (g.channels + piece - 1) / piece;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  for (index part = 0; part < g.batch * pieces; ++part) {
    const index n = part / pieces, c0 = part % pieces * piece, width = std::min(piece, g.channels - c0);
    f32 *result = wide.data + n * wide.n + c0 * wide.c;
    const T *gradient = narrow.data + n * narrow.n + c0 * narrow.c;
    for (index i0 = 0; i0 < g.in[0]; ++i0)
      for (index i1 = 0; i1 < g.in[1]; ++i1)
        for (index i2 = 0; i2 < g.in[2]; ++i2)
          std::fill_n(result + i0 * wide.s[0] + i1 * wide.s[1] + i2 * wide.s[2], width, 0.0f);
    for_windows(g, wide.s, options.count_include_pad, [&](const index(&o)[3], const Window &w, auto elements) {
      const T *from = gradient + at(narrow, o);
      elements([&](index element) {
        f32 *to = result + element;
#pragma omp simd
        for (index c = 0; c < width; ++c)
          to[c] += from[c] * w.factor;
      });
    });
  }
}

} // namespace

void avg_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const AvgPoolOptions &o) { forward(ctx, x, y, o); }
void avg_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const AvgPoolOptions &o) { forward(ctx, x, y, o); }
void avg_pool_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &dx, const AvgPoolOptions &o) { backward(ctx, dy, dx, o); }
void avg_pool_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &dx, const AvgPoolOptions &o) {
  Widened widened(ctx);
  const Tensor<f32> sums = widened.like(dx);
  backward(ctx, dy, sums, o);
  cast(ctx, sums, dx);
}

} // namespace dtcrt

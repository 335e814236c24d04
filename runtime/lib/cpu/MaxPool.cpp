// Max pooling and its gradient: memory-bound, so one pass, vectorised over the channels, which are innermost.
#include "cpu/Widened.h"
#include "dtcrt/pooling.h"
#include "math/Activated.h"
#include "math/Pooling.h"

#include <limits>
#include <type_traits>
#include <vector>

namespace dtcrt {

namespace {

/// Channels that a kernel works on at a time: their maxima and positions stay in the first-level cache.
constexpr index block = 64;

/// What a kernel sees: x and dx are "wide" (the input's size), y, dy and the positions "narrow" (the output's).
template <class T, class I> struct Views {
  PoolView<T> wide, narrow;
  PoolView<I> position; ///< data is nullptr when nobody asks for positions
  bool channels_innermost() const { return wide.c == 1 && narrow.c == 1 && position.c == 1; }
};

/// A NaN beats every number and the first maximum wins.
inline bool beats(f32 value, f32 best) { return value > best || value != value; }

/// The maximum over `count` sources of each channel; `at` is their position in the window.
template <class T, class I>
void max_of(const T *const *sources, const i32 *at, int count, index channels, T *out, I *position) {
  for (index c0 = 0; c0 < channels; c0 += block) {
    const int width = static_cast<int>(std::min(block, channels - c0));
    f32 best[block];
    i32 where[block];
    for (int c = 0; c < width; ++c) {
      best[c] = sources[0][c0 + c];
      where[c] = at[0];
    }
    for (int k = 1; k < count; ++k) {
      const T *source = sources[k] + c0;
      const i32 here = at[k];
#pragma omp simd
      for (int c = 0; c < width; ++c) {
        const bool better = beats(source[c], best[c]);
        best[c] = better ? f32(source[c]) : best[c];
        where[c] = better ? here : where[c];
      }
    }
    for (int c = 0; c < width; ++c)
      out[c0 + c] = T(best[c]);
    if (position)
      for (int c = 0; c < width; ++c)
        position[c0 + c] = static_cast<I>(where[c]);
  }
}

/// Channels that four-element windows take at a time: a fixed count becomes one vector without a loop around it.
constexpr int lane = 16;

/// The maximum of a whole window of four (2×2, by far the most frequent) for `width` channels, in registers.
template <int width, class T, class I>
inline __attribute__((always_inline)) void max_of_four(const T *a, const T *b, const T *c, const T *d, T *out, I *position) {
  f32 best[width];
  i32 where[width];
#pragma omp simd
  for (int i = 0; i < width; ++i) {
    const f32 of_a = a[i], of_b = b[i], of_c = c[i], of_d = d[i];
    const bool second = beats(of_b, of_a);
    const f32 of_two = second ? of_b : of_a;
    const bool third = beats(of_c, of_two);
    const f32 of_three = third ? of_c : of_two;
    const bool fourth = beats(of_d, of_three);
    best[i] = fourth ? of_d : of_three;
    where[i] = fourth ? 3 : third ? 2 : second ? 1 : 0;
  }
  for (int i = 0; i < width; ++i)
    out[i] = T(best[i]);
  if (position)
    for (int i = 0; i < width; ++i)
      position[i] = static_cast<I>(where[i]);
}

template <class T, class I>
void max_of_four(const T *a, const T *b, const T *c, const T *d, index channels, T *out, I *position) {
  index i = 0;
  for (; i + lane <= channels; i += lane)
    max_of_four<lane>(a + i, b + i, c + i, d + i, out + i, position ? position + i : nullptr);
  for (; i < channels; ++i)
    max_of_four<1>(a + i, b + i, c + i, d + i, out + i, position ? position + i : nullptr);
}

/// The gradient of two neighbours in a window: dy where the position is theirs, 0 elsewhere.
template <int width, class T, class I>
inline __attribute__((always_inline)) void gradient_of_two(const T *dy, const I *at, i32 first, T *left, T *right) {
  i32 where[width];
  for (int c = 0; c < width; ++c)
    where[c] = static_cast<i32>(at[c]);
#pragma omp simd
  for (int c = 0; c < width; ++c)
    left[c] = where[c] == first ? dy[c] : T(0.0f);
#pragma omp simd
  for (int c = 0; c < width; ++c)
    right[c] = where[c] == first + 1 ? dy[c] : T(0.0f);
}

/// Calls `visit(kernel position, element of the input)` for the part of a window that lies inside the input.
template <class Visit> void for_window(const PoolGeometry &g, index o0, index o1, index o2, const index (&step)[3], Visit visit) {
  index first[3], last[3];
  const index o[3] = {o0, o1, o2};
  for (int d = 0; d < 3; ++d)
    g.inside(d, o[d], first[d], last[d]);
  for (index k0 = first[0]; k0 < last[0]; ++k0)
    for (index k1 = first[1]; k1 < last[1]; ++k1)
      for (index k2 = first[2]; k2 < last[2]; ++k2)
        visit(static_cast<i32>((k0 * g.kernel[1] + k1) * g.kernel[2] + k2),
              (o0 * g.stride[0] - g.begin[0] + k0 * g.dilation[0]) * step[0] +
                  (o1 * g.stride[1] - g.begin[1] + k1 * g.dilation[1]) * step[1] +
                  (o2 * g.stride[2] - g.begin[2] + k2 * g.dilation[2]) * step[2]);
}

template <class T, class I> void forward_channels_innermost(Context &ctx, const PoolGeometry &g, const Views<T, I> &v, const MaxPoolOptions &o) {
  const index rows = g.batch * g.out[0] * g.out[1];
  const bool four = g.is_tiling() && g.kernel[0] == 1 && g.kernel[1] == 2 && g.kernel[2] == 2;
#pragma omp parallel num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  {
    std::vector<const T *> sources(static_cast<std::size_t>(g.kernel_size()));
    std::vector<i32> at(static_cast<std::size_t>(g.kernel_size()));
#pragma omp for schedule(static)
    for (index row = 0; row < rows; ++row) {
      const index n = row / (g.out[0] * g.out[1]), o0 = row / g.out[1] % g.out[0], o1 = row % g.out[1];
      const T *in = v.wide.data + n * v.wide.n;
      for (index o2 = 0; o2 < g.out[2]; ++o2) {
        T *out = v.narrow.data + n * v.narrow.n + o0 * v.narrow.s[0] + o1 * v.narrow.s[1] + o2 * v.narrow.s[2];
        I *position = v.position.data ? v.position.data + n * v.position.n + o0 * v.position.s[0] + o1 * v.position.s[1] +
                                            o2 * v.position.s[2]
                                      : nullptr;
        if (four) {
          const T *a = in + o0 * v.wide.s[0] + 2 * o1 * v.wide.s[1] + 2 * o2 * v.wide.s[2], *c = a + v.wide.s[1];
          max_of_four(a, a + v.wide.s[2], c, c + v.wide.s[2], g.channels, out, position);
        } else {
          int count = 0;
          for_window(g, o0, o1, o2, v.wide.s, [&](i32 k, index element) {
            sources[count] = in + element;
            at[count++] = k;
          });
          if (count > 0) {
            max_of(sources.data(), at.data(), count, g.channels, out, position);
          } else { // a window of nothing but padding
            std::fill_n(out, g.channels, T(-std::numeric_limits<f32>::infinity()));
            if (position)
              std::fill_n(position, g.channels, I(0));
          }
        }
        if (o.activation != Activation::none)
          for (index c = 0; c < g.channels; ++c)
            out[c] = T(activated(out[c], o.activation, o.alpha));
      }
    }
  }
}

template <class T, class I> void forward_any_layout(Context &ctx, const PoolGeometry &g, const Views<T, I> &v, const MaxPoolOptions &o) {
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  for (index plane = 0; plane < g.batch * g.channels; ++plane) {
    const index n = plane / g.channels, c = plane % g.channels;
    const T *in = v.wide.data + n * v.wide.n + c * v.wide.c;
    for (index o0 = 0; o0 < g.out[0]; ++o0)
      for (index o1 = 0; o1 < g.out[1]; ++o1)
        for (index o2 = 0; o2 < g.out[2]; ++o2) {
          f32 best = -std::numeric_limits<f32>::infinity();
          i32 where = -1;
          for_window(g, o0, o1, o2, v.wide.s, [&](i32 k, index element) {
            if (where < 0 || beats(in[element], best)) {
              best = in[element];
              where = k;
            }
          });
          v.narrow.data[n * v.narrow.n + c * v.narrow.c + o0 * v.narrow.s[0] + o1 * v.narrow.s[1] + o2 * v.narrow.s[2]] =
              T(activated(best, o.activation, o.alpha));
          if (v.position.data)
            v.position.data[n * v.position.n + c * v.position.c + o0 * v.position.s[0] + o1 * v.position.s[1] +
                            o2 * v.position.s[2]] = static_cast<I>(std::max(where, 0));
        }
  }
}

/// Windows side by side: every element of dx is written once, a maximum's gradient or 0.
template <class T, class I> void gradient_of_tiling(Context &ctx, const PoolGeometry &g, const Views<T, I> &v) {
  const index rows = g.batch * g.in[0] * g.in[1];
  const bool four = g.kernel[1] == 2 && g.kernel[2] == 2;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  for (index row = 0; row < rows; ++row) {
    const index n = row / (g.in[0] * g.in[1]), i0 = row / g.in[1] % g.in[0], i1 = row % g.in[1];
    const index o0 = i0 / g.kernel[0], o1 = i1 / g.kernel[1];
    T *out = v.wide.data + n * v.wide.n + i0 * v.wide.s[0] + i1 * v.wide.s[1];
    const bool covered = o0 < g.out[0] && o1 < g.out[1];
    const index columns = covered ? g.out[2] * g.kernel[2] : 0;
    if (covered) {
      const i32 first = static_cast<i32>(((i0 % g.kernel[0]) * g.kernel[1] + i1 % g.kernel[1]) * g.kernel[2]);
      const T *gradient = v.narrow.data + n * v.narrow.n + o0 * v.narrow.s[0] + o1 * v.narrow.s[1];
      const I *position = v.position.data + n * v.position.n + o0 * v.position.s[0] + o1 * v.position.s[1];
      for (index o2 = 0; o2 < g.out[2]; ++o2) {
        const T *dy = gradient + o2 * v.narrow.s[2];
        const I *at = position + o2 * v.position.s[2];
        T *dx = out + o2 * g.kernel[2] * v.wide.s[2];
        if (four) {
          T *right = dx + v.wide.s[2];
          index c = 0;
          for (; c + lane <= g.channels; c += lane)
            gradient_of_two<lane>(dy + c, at + c, first, dx + c, right + c);
          for (; c < g.channels; ++c)
            gradient_of_two<1>(dy + c, at + c, first, dx + c, right + c);
        } else {
          for (index k = 0; k < g.kernel[2]; ++k) {
            const i32 here = first + static_cast<i32>(k);
            T *to = dx + k * v.wide.s[2];
#pragma omp simd
            for (index c = 0; c < g.channels; ++c)
              to[c] = i32(at[c]) == here ? dy[c] : T(0.0f);
          }
        }
      }
    }
    for (index i2 = columns; i2 < g.in[2]; ++i2)
      std::fill_n(out + i2 * v.wide.s[2], g.channels, T(0.0f));
  }
}

/// Windows that overlap: every image is cleared, then receives its windows in order. They add up, so dx is f32.
template <class T, class I>
void gradient_any(Context &ctx, const PoolGeometry &g, const PoolView<f32> &wide, const PoolView<T> &narrow, const PoolView<I> &position) {
  const bool innermost = wide.c == 1 && narrow.c == 1 && position.c == 1;
  // Images are independent, channels too: enough pieces for all threads.
  const index piece = innermost ? block : 1, pieces = (g.channels + piece - 1) / piece;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.batch * g.channels * g.in_size()))
  for (index part = 0; part < g.batch * pieces; ++part) {
    const index n = part / pieces, c0 = part % pieces * piece, width = std::min(piece, g.channels - c0);
    f32 *dx = wide.data + n * wide.n + c0 * wide.c;
    for (index i0 = 0; i0 < g.in[0]; ++i0)
      for (index i1 = 0; i1 < g.in[1]; ++i1)
        for (index i2 = 0; i2 < g.in[2]; ++i2)
          std::fill_n(dx + i0 * wide.s[0] + i1 * wide.s[1] + i2 * wide.s[2], width, 0.0f);
    for (index o0 = 0; o0 < g.out[0]; ++o0)
      for (index o1 = 0; o1 < g.out[1]; ++o1)
        for (index o2 = 0; o2 < g.out[2]; ++o2) {
          const T *dy = narrow.data + n * narrow.n + c0 * narrow.c + o0 * narrow.s[0] + o1 * narrow.s[1] + o2 * narrow.s[2];
          const I *at = position.data + n * position.n + c0 * position.c + o0 * position.s[0] + o1 * position.s[1] +
                        o2 * position.s[2];
          for_window(g, o0, o1, o2, wide.s, [&](i32 k, index element) {
            f32 *to = dx + element;
#pragma omp simd
            for (index c = 0; c < width; ++c)
              to[c] += i32(at[c]) == k ? f32(dy[c]) : 0;
          });
        }
  }
}

template <class T, class I>
void forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<I> *position, const MaxPoolOptions &o) {
  const PoolGeometry g("max_pool", x.shape(), y.shape(), o.kernel, o.strides, o.pads, o.dilations);
  require(!position || position->shape() == y.shape(), "max_pool", "positions have the output's shape");
  require(!position || sizeof(I) > 1 || g.kernel_size() <= 256, "max_pool", "a window of more than 256 elements needs i32 positions");
  Views<T, I> v{PoolView<T>(x), PoolView<T>(y), position ? PoolView<I>(*position) : PoolView<I>()};
  if (v.channels_innermost())
    forward_channels_innermost(ctx, g, v, o);
  else
    forward_any_layout(ctx, g, v, o);
}

template <class T, class I>
void backward(Context &ctx, const Tensor<T> &dy, const Tensor<I> &position, const Tensor<T> &dx, const MaxPoolOptions &o) {
  const PoolGeometry g("max_pool_gradient", dx.shape(), dy.shape(), o.kernel, o.strides, o.pads, o.dilations);
  require(position.shape() == dy.shape(), "max_pool_gradient", "positions have the output's shape");
  const Views<T, I> v{PoolView<T>(dx), PoolView<T>(dy), PoolView<I>(position)};
  if (v.channels_innermost() && g.is_tiling())
    return gradient_of_tiling(ctx, g, v);
  if constexpr (std::is_same_v<T, f32>) {
    gradient_any(ctx, g, v.wide, v.narrow, v.position);
  } else {
    Widened widened(ctx);
    const Tensor<f32> sums = widened.like(dx);
    gradient_any(ctx, g, PoolView<f32>(sums), v.narrow, v.position);
    cast(ctx, sums, dx);
  }
}

} // namespace

#define DTCRT_MAX_POOL(T, I)                                                                                                           \
  void max_pool(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<I> &index, const MaxPoolOptions &o) {               \
    forward(ctx, x, y, index ? &index : nullptr, o);                                                                                   \
  }                                                                                                                                    \
  void max_pool_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<I> &index, const Tensor<T> &dx, const MaxPoolOptions &o) {    \
    backward(ctx, dy, index, dx, o);                                                                                                   \
  }
DTCRT_MAX_POOL(f32, u8)
DTCRT_MAX_POOL(f32, i32)
DTCRT_MAX_POOL(bf16, u8)
DTCRT_MAX_POOL(bf16, i32)
#undef DTCRT_MAX_POOL

void max_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const MaxPoolOptions &o) { forward<f32, i32>(ctx, x, y, nullptr, o); }
void max_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const MaxPoolOptions &o) {
  forward<bf16, i32>(ctx, x, y, nullptr, o);
}

} // namespace dtcrt

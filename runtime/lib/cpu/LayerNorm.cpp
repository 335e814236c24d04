// Layer and RMS normalisation and their gradient: threads take rows, which stay in their caches from the statistics to the result.
#include "cpu/Backend.h"
#include "dtcrt/sample_normalisation.h"
#include "math/SampleNormGeometry.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace dtcrt {

namespace {

/// Terms along a row, and rows of a column, that are added in f32; such runs are merged in f64 along rows, in a second level of f32 along
/// columns.
constexpr index run_length = 1024, run_rows = 64;

inline void store(f32 &to, f32 value) { to = value; }
inline void store(bf16 &to, f32 value) { to.bits = bf16(value).bits; }

/// body(std::bool_constant()…) for run-time flags.
template <class Body> void with_flags(Body body) { body(); }
template <class Body, class... Flags> void with_flags(Body body, bool flag, Flags... more) {
  if (flag)
    with_flags([&](auto... rest) { body(std::true_type(), rest...); }, more...);
  else
    with_flags([&](auto... rest) { body(std::false_type(), rest...); }, more...);
}

struct TwoSums {
  f64 first = 0, second = 0;
};

/// The sums over a row of the two values that term(i, first, second) gives.
template <class Term> TwoSums sum_row(index length, Term term) {
  TwoSums total;
  for (index begin = 0; begin < length; begin += run_length) {
    f32 run = 0, run2 = 0;
    const index end = std::min(begin + run_length, length);
#pragma omp simd reduction(+ : run, run2)
    for (index i = begin; i < end; ++i) {
      f32 value, value2;
      term(i, value, value2);
      run += value;
      run2 += value2;
    }
    total.first += run;
    total.second += run2;
  }
  return total;
}

struct Statistics {
  f32 mean, inverse;
};

/// Two passes, each measured from near the mean, so that a variance that is small beside it stays exact.
template <class T> Statistics statistics_of(const T *x, index length, f64 epsilon) {
  const auto count = static_cast<f64>(length);
  const f32 shift = x[0];
  const TwoSums distances = sum_row(length, [=](index i, f32 &first, f32 &second) {
    first = x[i] - shift;
    second = 0;
  });
  const f32 mean = static_cast<f32>(shift + distances.first / count);
  const TwoSums rest = sum_row(length, [=](index i, f32 &first, f32 &second) {
    first = x[i] - mean;
    second = first * first;
  });
  const f64 squares = rest.second - rest.first * rest.first / count; // the mean has been rounded
  return {mean, static_cast<f32>(1 / std::sqrt((squares < 0 ? 0 : squares) / count + epsilon))}; // NaN stays NaN
}

template <class T> Statistics root_mean_square_of(const T *x, index length, f64 epsilon) {
  const TwoSums sums = sum_row(length, [=](index i, f32 &first, f32 &second) {
    const f32 value = x[i];
    first = value * value;
    second = 0;
  });
  return {0, static_cast<f32>(1 / std::sqrt(sums.first / static_cast<f64>(length) + epsilon))};
}

/// `mean`: nullptr for rms_norm.
template <class T>
void normalise(Context &ctx, const NormRows &r, const T *x, const f32 *scale, const f32 *bias, f64 epsilon, T *y, f32 *mean, f32 *inverse) {
  with_flags(
      [&](auto centered, auto scaled, auto shifted) {
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, r.rows *r.length))
        for (index row = 0; row < r.rows; ++row) {
          const T *in = x + row * r.length;
          T *out = y + row * r.length;
          Statistics of;
          if constexpr (centered) {
            of = statistics_of(in, r.length, epsilon);
            mean[row] = of.mean;
          } else {
            of = root_mean_square_of(in, r.length, epsilon);
          }
          inverse[row] = of.inverse;
#pragma omp simd
          for (index i = 0; i < r.length; ++i) {
            f32 value = (centered ? in[i] - of.mean : static_cast<f32>(in[i])) * of.inverse;
            if constexpr (scaled)
              value *= scale[i];
            if constexpr (shifted)
              value += bias[i];
            store(out[i], value);
          }
        }
      },
      mean != nullptr, scale != nullptr, bias != nullptr);
}

/// Rows are shared out in as many parts as their number says, so that sums over them do not depend on the threads.
index shares_of(const NormRows &r) { return std::clamp<index>((r.rows + 3) / 4, 1, 64); }

/// With xhat = (x - mean) inverse: dx = inverse (scale dy - mean(scale dy) - xhat mean(scale dy xhat)), without mean(scale dy) for rms_norm.
/// `sums` [share, 2, length]: of dy xhat and of dy; nullptr if nobody asks.
template <class T>
void normalise_back(Context &ctx, const NormRows &r, const T *dy, const T *x, const f32 *mean, const f32 *inverse, const f32 *scale, T *dx,
                    index shares, f32 *sums, f32 *runs) {
  const index length = r.length;
  with_flags(
      [&](auto centered, auto scaled, auto summed) {
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, r.rows *length))
        for (index share = 0; share < shares; ++share) {
          f32 *total = sums + share * 2 * length, *run = runs + share * 2 * length, *run2 = run + length;
          index in_run = 0;
          const auto flush = [&] {
#pragma omp simd
            for (index i = 0; i < 2 * length; ++i)
              total[i] += run[i];
            std::fill_n(run, 2 * length, 0.0f);
            in_run = 0;
          };
          if constexpr (summed) {
            std::fill_n(total, 2 * length, 0.0f);
            std::fill_n(run, 2 * length, 0.0f);
          }
          for (index row = r.rows * share / shares; row < r.rows * (share + 1) / shares; ++row) {
            const T *in = x + row * length, *slope = dy + row * length;
            T *out = dx + row * length;
            const f32 middle = centered ? mean[row] : 0, factor = inverse[row];
            const TwoSums of = sum_row(length, [=](index i, f32 &first, f32 &second) {
              const f32 counts = scaled ? slope[i] * scale[i] : static_cast<f32>(slope[i]);
              first = counts;
              second = counts * ((in[i] - middle) * factor);
            });
            const f32 a = centered ? static_cast<f32>(of.first / static_cast<f64>(length)) : 0,
                      b = static_cast<f32>(of.second / static_cast<f64>(length));
#pragma omp simd
            for (index i = 0; i < length; ++i) {
              const f32 of_y = slope[i], normal = (in[i] - middle) * factor;
              const f32 counts = scaled ? of_y * scale[i] : of_y;
              if constexpr (summed) {
                run[i] += of_y * normal;
                run2[i] += of_y;
              }
              store(out[i], factor * (counts - a - normal * b));
            }
            if constexpr (summed)
              if (++in_run == run_rows)
                flush();
          }
          if constexpr (summed)
            flush();
        }
      },
      mean != nullptr, scale != nullptr, sums != nullptr);
}

/// to = the sums over shares of `from` [share, 2, length].
void add_shares(Context &ctx, const f32 *from, index shares, index length, f32 *to) {
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, shares *length))
  for (index begin = 0; begin < length; begin += run_length) {
    f64 totals[run_length] = {};
    const index count = std::min(run_length, length - begin);
    for (index share = 0; share < shares; ++share) {
      const f32 *part = from + share * 2 * length + begin;
#pragma omp simd
      for (index i = 0; i < count; ++i)
        totals[i] += part[i];
    }
    for (index i = 0; i < count; ++i)
      to[begin + i] = static_cast<f32>(totals[i]);
  }
}

template <class T>
void layer_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                   const LayerNormOptions &o) {
  const NormRows r("layer_norm", x, inverse);
  r.require_like("layer_norm", x, y);
  r.require_statistic("layer_norm", inverse, mean);
  r.require_parameter("layer_norm", o.scale);
  r.require_parameter("layer_norm", o.bias);
  normalise(ctx, r, x.data(), o.scale.data(), o.bias.data(), o.epsilon, y.data(), mean.data(), inverse.data());
}

template <class T>
void rms_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &inverse, const RmsNormOptions &o) {
  const NormRows r("rms_norm", x, inverse);
  r.require_like("rms_norm", x, y);
  r.require_parameter("rms_norm", o.scale);
  normalise<T>(ctx, r, x.data(), o.scale.data(), nullptr, o.epsilon, y.data(), nullptr, inverse.data());
}

template <class T>
void gradient_of(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &inverse, const Tensor<T> &dx,
                 const LayerNormGradientOptions &o) {
  const char *call = "layer_norm_gradient";
  const NormRows r(call, x, inverse);
  r.require_like(call, x, dy);
  r.require_like(call, x, dx);
  if (o.mean)
    r.require_statistic(call, inverse, o.mean);
  for (const Tensor<f32> *parameter : {&o.scale, &o.scale_gradient, &o.bias_gradient})
    r.require_parameter(call, *parameter);
  const index shares = shares_of(r);
  f32 *sums = nullptr, *runs = nullptr;
  if (o.scale_gradient || o.bias_gradient) {
    sums = static_cast<f32 *>(ctx.backend().workspace(static_cast<std::size_t>(4 * shares * r.length) * sizeof(f32)));
    runs = sums + 2 * shares * r.length;
  }
  normalise_back(ctx, r, dy.data(), x.data(), o.mean.data(), inverse.data(), o.scale.data(), dx.data(), shares, sums, runs);
  if (o.scale_gradient)
    add_shares(ctx, sums, shares, r.length, o.scale_gradient.data());
  if (o.bias_gradient)
    add_shares(ctx, sums + r.length, shares, r.length, o.bias_gradient.data());
}

} // namespace

#define DTCRT_LAYER_NORM(T)                                                                                                            \
  void layer_norm(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &mean, const Tensor<f32> &inverse,           \
                  const LayerNormOptions &o) {                                                                                         \
    layer_norm_of(ctx, x, y, mean, inverse, o);                                                                                        \
  }                                                                                                                                    \
  void rms_norm(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &inverse, const RmsNormOptions &o) {           \
    rms_norm_of(ctx, x, y, inverse, o);                                                                                                \
  }                                                                                                                                    \
  void layer_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &inverse, const Tensor<T> &dx,     \
                           const LayerNormGradientOptions &o) {                                                                        \
    gradient_of(ctx, dy, x, inverse, dx, o);                                                                                           \
  }
DTCRT_LAYER_NORM(f32)
DTCRT_LAYER_NORM(bf16)
#undef DTCRT_LAYER_NORM

} // namespace dtcrt

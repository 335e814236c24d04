// Batch normalisation over the rows that are samples, and its gradient: x is read once for its statistics (dy and x once for the
// gradient's sums), and once to write the result. oneDNN's has no mask for rows that pad a partial batch.
#include "cpu/Backend.h"
#include "dtcrt/normalisation.h"
#include "math/Activated.h"
#include "math/BatchNormGeometry.h"

#include <algorithm>
#include <cmath>

#include <omp.h>

namespace dtcrt {

namespace {

/// Terms that are added in f32; such runs are merged in f64.
constexpr index run_rows = 64, run_length = 1024;

/// The sums of the two values that term(offset, channel, first, second) gives.
template <class Term> struct Sums {
  Term term;

  f32 shift(index) const { return 0; }
  void operator()(index i, index c, f32, f32 &first, f32 &second) const { term(i, c, first, second); }
  static void merge(f64 &first, f64 &second, f64 other, f64 other2, f64, f64) {
    first += other;
    second += other2;
  }
  static void merge_run(f64 &first, f64 &second, f32 run, f32 run2, f32, f64, f64, f64) {
    first += run;
    second += run2;
  }
};

/// Mean and sum of squared deviations. Runs measure from their first value, so that a variance that is small beside its mean stays
/// exact (Chan, Golub & LeVeque 1983).
template <class T> struct Moments {
  const T *x;

  f32 shift(index i) const { return x[i]; }
  void operator()(index i, index, f32 shift, f32 &distance, f32 &square) const {
    distance = x[i] - shift;
    square = distance * distance;
  }
  /// `count` values and others, which are `share` of all.
  static void merge(f64 &mean, f64 &squares, f64 other, f64 other_squares, f64 count, f64 share) {
    const f64 distance = other - mean;
    mean += distance * share;
    squares += other_squares + distance * distance * count * share;
  }
  static void merge_run(f64 &mean, f64 &squares, f32 sum, f32 run_squares, f32 shift, f64 length, f64 count, f64 share) {
    const f64 rest = sum / length, deviations = run_squares - rest * sum;
    merge(mean, squares, shift + rest, deviations < 0 ? 0 : deviations, count, share); // NaN stays NaN
  }
};

/// Memory of one call: what is reduced of all channels, the threads' own, and what the last pass computes with.
struct Workspace {
  int threads;
  f64 *totals, *counts, *partial; ///< [2, C], [threads], [threads, 2, C]
  f32 *runs;                      ///< [threads, 3, C]
  f32 *factor, *a, *b;            ///< [C]

  Workspace(Context &ctx, const BatchNormGeometry &g) : threads(threads_for(ctx, g.size())) {
    const index c = g.channels;
    const auto doubles = static_cast<std::size_t>(2 * c * (1 + threads) + threads), floats = static_cast<std::size_t>(3 * c * (1 + threads));
    totals = static_cast<f64 *>(ctx.backend().workspace(doubles * sizeof(f64) + floats * sizeof(f32)));
    counts = totals + 2 * c;
    partial = counts + threads;
    runs = reinterpret_cast<f32 *>(totals + doubles);
    factor = runs + 3 * c * threads;
    a = factor + c;
    b = a + c;
  }
};

// What loops call is copied for each thread, and stores are of plain numbers: else GCC does not vectorise them.

/// Channels innermost: each thread takes some samples.
template <class Of> void reduce_rows(const BatchNormGeometry &g, Workspace &w, Of of) {
  const index channels = g.channels;
  std::fill_n(w.counts, w.threads, 0.0);
#pragma omp parallel num_threads(w.threads) firstprivate(of)
  {
    const index thread = omp_get_thread_num(), team = omp_get_num_threads();
    f64 *first = w.partial + thread * 2 * channels, *second = first + channels;
    f32 *shift = w.runs + thread * 3 * channels, *run = shift + channels, *run2 = run + channels;
    std::fill_n(first, 2 * channels, 0.0);
    f64 merged = 0;
    index rows = 0;
    const auto flush = [&] {
      const auto count = static_cast<f64>(rows);
      const f64 share = count / (merged + count);
#pragma omp simd
      for (index c = 0; c < channels; ++c)
        Of::merge_run(first[c], second[c], run[c], run2[c], shift[c], count, merged, share);
      merged += count;
      rows = 0;
    };
    for (index sample = g.samples * thread / team; sample < g.samples * (thread + 1) / team; ++sample) {
      if (g.weight[sample] == 0)
        continue;
      for (index p = 0; p < g.positions; ++p) {
        const index begin = g.at(sample) + p * channels;
        if (rows == 0) {
          for (index c = 0; c < channels; ++c)
            shift[c] = of.shift(begin + c);
          std::fill_n(run, 2 * channels, 0.0f);
        }
#pragma omp simd
        for (index c = 0; c < channels; ++c) {
          f32 value, value2;
          of(begin + c, c, shift[c], value, value2);
          run[c] += value;
          run2[c] += value2;
        }
        if (++rows == run_rows)
          flush();
      }
    }
    if (rows > 0)
      flush();
    w.counts[thread] = merged;
  }
  std::fill_n(w.totals, 2 * channels, 0.0);
  f64 merged = 0;
  for (int thread = 0; thread < w.threads; ++thread) {
    if (w.counts[thread] == 0)
      continue;
    const f64 *first = w.partial + thread * 2 * channels, share = w.counts[thread] / (merged + w.counts[thread]);
    for (index c = 0; c < channels; ++c)
      Of::merge(w.totals[c], w.totals[channels + c], first[c], first[channels + c], merged, share);
    merged += w.counts[thread];
  }
}

/// Positions innermost: each thread takes some channels.
template <class Of> void reduce_planes(const BatchNormGeometry &g, Workspace &w, Of of) {
#pragma omp parallel for schedule(static) num_threads(w.threads) firstprivate(of)
  for (index c = 0; c < g.channels; ++c) {
    f64 first = 0, second = 0, merged = 0;
    for (index sample = 0; sample < g.samples; ++sample) {
      if (g.weight[sample] == 0)
        continue;
      const index plane = g.at(sample) + c * g.positions;
      for (index begin = 0; begin < g.positions; begin += run_length) {
        f32 run = 0, run2 = 0;
        const f32 shift = of.shift(plane + begin);
        const index end = std::min(begin + run_length, g.positions);
#pragma omp simd reduction(+ : run, run2)
        for (index p = begin; p < end; ++p) {
          f32 value, value2;
          of(plane + p, c, shift, value, value2);
          run += value;
          run2 += value2;
        }
        const auto count = static_cast<f64>(end - begin);
        Of::merge_run(first, second, run, run2, shift, count, merged, count / (merged + count));
        merged += count;
      }
    }
    w.totals[c] = first;
    w.totals[g.channels + c] = second;
  }
}

/// w.totals = for each channel what `of` makes of all its elements that belong to samples.
template <class Of> void reduce_channels(const BatchNormGeometry &g, Workspace &w, Of of) {
  g.last ? reduce_rows(g, w, of) : reduce_planes(g, w, of);
}

inline void store(f32 &to, f32 value) { to = value; }
inline void store(bf16 &to, f32 value) { to.bits = bf16(value).bits; }

/// out = value(offset, channel) for all elements of samples, padding(offset) for the others.
template <class T, class Value, class Padding> void write(const BatchNormGeometry &g, const Workspace &w, T *out, Value value, Padding padding) {
  const index lines = g.last ? g.positions : g.channels, length = g.last ? g.channels : g.positions;
#pragma omp parallel for schedule(static) collapse(2) num_threads(w.threads) firstprivate(value, padding)
  for (index sample = 0; sample < g.samples; ++sample)
    for (index line = 0; line < lines; ++line) {
      const index begin = g.at(sample) + line * length;
      if (g.weight[sample] == 0) {
        for (index i = begin; i < begin + length; ++i)
          out[i] = T(padding(i));
      } else if (g.last) {
#pragma omp simd
        for (index c = 0; c < length; ++c)
          store(out[begin + c], value(begin + c, c));
      } else {
#pragma omp simd
        for (index p = 0; p < length; ++p)
          store(out[begin + p], value(begin + p, line));
      }
    }
}

/// body(what applies the activation to a value).
template <class Body> void with_activation(Activation activation, f32 alpha, Body body) {
  if (activation == Activation::none)
    body([](f32 v) { return v; });
  else if (activation == Activation::relu)
    body([](f32 v) { return activated(v, Activation::relu, 0); });
  else
    body([=](f32 v) { return activated(v, activation, alpha); });
}

/// The number of values of a channel.
index count_of(const BatchNormGeometry &g) {
  return g.positions * (g.samples - std::count(g.weight, g.weight + g.samples, 0.0f));
}

template <class T>
void normalise(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight, const Tensor<T> &y,
               const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean, const Tensor<f32> &inverse,
               const BatchNormOptionsOf<T> &options) {
  const BatchNormGeometry g("batch_norm", x, weight);
  require_like("batch_norm", x, y);
  for (const Tensor<f32> *channels : {&scale, &bias, &mean_part, &variance_part, &mean, &inverse})
    require_channels("batch_norm", x, *channels);
  if (options.residual.data())
    require_like("batch_norm", x, options.residual);
  const f32 *running_mean = options.running_mean.data(), *running_variance = options.running_variance.data();
  require_running("batch_norm", x, options.running_mean, options.running_variance);
  Workspace w(ctx, g);
  const T *in = x.data();
  reduce_channels(g, w, Moments<T>{in});

  f64 total = 0;
  for (index sample = 0; sample < g.samples; ++sample)
    total += g.weight[sample];
  const auto count = static_cast<f64>(count_of(g));
  const f64 freedom = options.biased_variance ? 0 : 1; // what the mean takes of the values' degrees of freedom
  for (index c = 0; c < g.channels; ++c) {
    const f64 squares = w.totals[g.channels + c];
    mean.data()[c] = static_cast<f32>(w.totals[c]);
    inverse.data()[c] = static_cast<f32>(1 / std::sqrt((count > 0 ? squares / count : 0) + options.epsilon));
    const bool stays = count <= 1 && running_mean;
    mean_part.data()[c] = static_cast<f32>(total * (stays ? running_mean[c] : w.totals[c]));
    variance_part.data()[c] = static_cast<f32>(total * (stays ? running_variance[c] : count > 1 ? squares / (count - freedom) : 0));
    w.factor[c] = scale.data()[c] * inverse.data()[c];
  }
  const f32 *m = mean.data(), *factor = w.factor, *shift = bias.data();
  const T *residual = options.residual.data();
  with_activation(options.activation, options.alpha, [&](auto of) {
    if (residual)
      write(
          g, w, y.data(), [=](index i, index c) { return of(normalised(in[i], m[c], factor[c], shift[c]) + residual[i]); },
          [=](index i) { return of(residual[i]); });
    else
      write(
          g, w, y.data(), [=](index i, index c) { return of(normalised(in[i], m[c], factor[c], shift[c])); }, [=](index) { return of(0); });
  });
}

/// The gradients; slope(offset, channel) is what counts of dy.
template <class T, class Slope>
void write_gradients(const BatchNormGeometry &g, Workspace &w, const T *in, const f32 *mean, const f32 *inverse, Slope slope, T *dx, f32 *dscale, f32 *dbias) {
  const auto terms = [=](index i, index c, f32 &dy, f32 &product) {
    dy = slope(i, c);
    product = dy * (in[i] - mean[c]);
  };
  reduce_channels(g, w, Sums<decltype(terms)>{terms});
  const index count = count_of(g);
  const f64 share = count ? 1.0 / static_cast<f64>(count) : 0;
  // With xhat = (x - mean) inverse: dx = scale inverse (dy - mean(dy) - xhat mean(dy xhat)).
  for (index c = 0; c < g.channels; ++c) {
    const f64 of_dy = w.totals[c], of_product = w.totals[g.channels + c] * inverse[c];
    dbias[c] = static_cast<f32>(of_dy);
    dscale[c] = static_cast<f32>(of_product);
    w.a[c] = static_cast<f32>(of_dy * share);
    w.b[c] = static_cast<f32>(of_product * inverse[c] * share);
  }
  const f32 *factor = w.factor, *a = w.a, *b = w.b;
  write(
      g, w, dx, [=](index i, index c) { return factor[c] * (slope(i, c) - a[c] - (in[i] - mean[c]) * b[c]); }, [](index) { return 0.0f; });
}

template <class T>
void normalise_back(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight,
                    const Tensor<f32> &mean, const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias,
                    const BatchNormGradientOptions &options) {
  const BatchNormGeometry g("batch_norm_gradient", x, weight);
  require_like("batch_norm_gradient", x, dy);
  require_like("batch_norm_gradient", x, dx);
  for (const Tensor<f32> *channels : {&scale, &mean, &inverse, &dscale, &dbias})
    require_channels("batch_norm_gradient", x, *channels);
  if (options.relu_bias.data())
    require_channels("batch_norm_gradient", x, options.relu_bias);
  Workspace w(ctx, g);
  for (index c = 0; c < g.channels; ++c)
    w.factor[c] = scale.data()[c] * inverse.data()[c];
  const T *in = x.data(), *slope = dy.data();
  const f32 *m = mean.data(), *factor = w.factor, *bias = options.relu_bias.data();
  const auto with = [&](auto slopes) { write_gradients(g, w, in, m, inverse.data(), slopes, dx.data(), dscale.data(), dbias.data()); };
  if (bias)
    with([=](index i, index c) -> f32 {
      const f32 dy = slope[i]; // loaded in any case: a load that depends on a comparison does not vectorise
      return passes_relu<T>(normalised(in[i], m[c], factor[c], bias[c])) ? dy : 0.0f;
    });
  else
    with([=](index i, index) -> f32 { return slope[i]; });
}

} // namespace

#define DTCRT_BATCH_NORM(T)                                                                                                            \
  void batch_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,     \
                  const Tensor<T> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean,         \
                  const Tensor<f32> &inverse, const BatchNormOptionsOf<T> &o) {                                                             \
    normalise(ctx, x, scale, bias, weight, y, mean_part, variance_part, mean, inverse, o);                                             \
  }                                                                                                                                    \
  void batch_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, \
                           const Tensor<f32> &mean, const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale,        \
                           const Tensor<f32> &dbias, const BatchNormGradientOptions &o) {                                              \
    normalise_back(ctx, dy, x, scale, weight, mean, inverse, dx, dscale, dbias, o);                                                    \
  }
DTCRT_BATCH_NORM(f32)
DTCRT_BATCH_NORM(bf16)
#undef DTCRT_BATCH_NORM

} // namespace dtcrt

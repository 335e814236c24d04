// Batch normalisation over the rows that are samples, and its gradient. oneDNN's has no mask for rows that pad a partial batch.
#include "cpu/Backend.h"
#include "dtcrt/normalisation.h"
#include "math/BatchNormGeometry.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <omp.h>

namespace dtcrt {

namespace {

/// Terms that are added in f32; the sums of such runs are added in f64.
constexpr index run_rows = 64, run_length = 1024;

/// Memory of one call: sums and statistics of all channels, and the threads' own sums.
struct Workspace {
  int threads;
  f64 *sums, *partial; ///< [2, C], [threads, 2, C]
  f32 *runs;           ///< [threads, 2, C]
  f32 *mean, *inverse, *a, *b;
  f64 *variance;

  Workspace(Context &ctx, const BatchNormGeometry &g) : threads(threads_for(ctx, g.size())) {
    const index c = g.channels;
    const auto doubles = static_cast<std::size_t>(c * (3 + 2 * threads)), floats = static_cast<std::size_t>(c * (4 + 2 * threads));
    sums = static_cast<f64 *>(ctx.backend().workspace(doubles * sizeof(f64) + floats * sizeof(f32)));
    variance = sums + 2 * c;
    partial = variance + c;
    runs = reinterpret_cast<f32 *>(sums + doubles);
    mean = runs + 2 * c * threads;
    inverse = mean + c;
    a = inverse + c;
    b = a + c;
  }
};

/// w.sums = for each channel the sums of the two values that term(offset, channel) gives, over all elements of samples.
template <class Term> void sum_channels(const BatchNormGeometry &g, Workspace &w, Term term) {
  const index channels = g.channels;
  if (g.last) {
    std::fill_n(w.partial, 2 * channels * w.threads, 0.0);
#pragma omp parallel num_threads(w.threads)
    {
      const index thread = omp_get_thread_num(), team = omp_get_num_threads();
      f64 *first = w.partial + thread * 2 * channels, *second = first + channels;
      f32 *run = w.runs + thread * 2 * channels, *run2 = run + channels;
      std::fill_n(run, 2 * channels, 0.0f);
      index rows = 0;
      const auto flush = [&] {
        for (index c = 0; c < channels; ++c) {
          first[c] += run[c];
          second[c] += run2[c];
        }
        std::fill_n(run, 2 * channels, 0.0f);
        rows = 0;
      };
      for (index sample = g.samples * thread / team; sample < g.samples * (thread + 1) / team; ++sample) {
        if (g.weight[sample] == 0)
          continue;
        for (index p = 0; p < g.positions; ++p) {
          const index begin = g.at(sample) + p * channels;
#pragma omp simd
          for (index c = 0; c < channels; ++c) {
            const std::array<f32, 2> value = term(begin + c, c);
            run[c] += value[0];
            run2[c] += value[1];
          }
          if (++rows == run_rows)
            flush();
        }
      }
      flush();
    }
    std::fill_n(w.sums, 2 * channels, 0.0);
    for (int thread = 0; thread < w.threads; ++thread)
      for (index i = 0; i < 2 * channels; ++i)
        w.sums[i] += w.partial[thread * 2 * channels + i];
    return;
  }
#pragma omp parallel for schedule(static) num_threads(w.threads)
  for (index c = 0; c < channels; ++c) {
    f64 first = 0, second = 0;
    for (index sample = 0; sample < g.samples; ++sample) {
      if (g.weight[sample] == 0)
        continue;
      const index plane = g.at(sample) + c * g.positions;
      for (index begin = 0; begin < g.positions; begin += run_length) {
        f32 run = 0, run2 = 0;
        const index end = std::min(begin + run_length, g.positions);
#pragma omp simd reduction(+ : run, run2)
        for (index p = begin; p < end; ++p) {
          const std::array<f32, 2> value = term(plane + p, c);
          run += value[0];
          run2 += value[1];
        }
        first += run;
        second += run2;
      }
    }
    w.sums[c] = first;
    w.sums[channels + c] = second;
  }
}

/// out = value(offset, channel) for all elements of samples, 0 for those of padding.
template <class T, class Value> void write(const BatchNormGeometry &g, const Workspace &w, T *out, Value value) {
  const index lines = g.last ? g.positions : g.channels, length = g.last ? g.channels : g.positions;
#pragma omp parallel for schedule(static) collapse(2) num_threads(w.threads)
  for (index sample = 0; sample < g.samples; ++sample)
    for (index line = 0; line < lines; ++line) {
      const index begin = g.at(sample) + line * length;
      if (g.weight[sample] == 0) {
        std::fill_n(out + begin, length, T(0.0f));
      } else if (g.last) {
#pragma omp simd
        for (index c = 0; c < length; ++c)
          out[begin + c] = T(value(begin + c, c));
      } else {
#pragma omp simd
        for (index p = 0; p < length; ++p)
          out[begin + p] = T(value(begin + p, line));
      }
    }
}

/// Fills mean, variance (biased) and inverse = 1 / sqrt(variance + epsilon); the number of values a channel, the mean in f64 in w.sums.
template <class T> index take_statistics(const BatchNormGeometry &g, Workspace &w, const T *x, f64 epsilon) {
  const index count = g.positions * (g.samples - std::count(g.weight, g.weight + g.samples, 0.0f));
  const f64 share = count ? 1.0 / static_cast<f64>(count) : 0;
  sum_channels(g, w, [=](index i, index) { return std::array<f32, 2>{x[i], 0.0f}; });
  for (index c = 0; c < g.channels; ++c)
    w.mean[c] = static_cast<f32>(w.sums[c] * share);
  const f32 *mean = w.mean;
  // The sum of the differences takes back what rounding the mean has changed.
  sum_channels(g, w, [=](index i, index c) {
    const f32 centered = x[i] - mean[c];
    return std::array<f32, 2>{centered, centered * centered};
  });
  for (index c = 0; c < g.channels; ++c) {
    const f64 rest = w.sums[c] * share;
    w.variance[c] = std::max(0.0, w.sums[g.channels + c] * share - rest * rest);
    w.inverse[c] = static_cast<f32>(1.0 / std::sqrt(w.variance[c] + epsilon));
  }
  return count;
}

template <class T>
void normalise(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,
               const Tensor<T> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const BatchNormOptions &options) {
  const BatchNormGeometry g("batch_norm", x, weight);
  require_like("batch_norm", x, y);
  for (const Tensor<f32> *channels : {&scale, &bias, &mean_part, &variance_part})
    require_channels("batch_norm", x, *channels);
  Workspace w(ctx, g);
  const T *in = x.data();
  const index count = take_statistics(g, w, in, options.epsilon);

  f64 total = 0;
  for (index sample = 0; sample < g.samples; ++sample)
    total += g.weight[sample];
  const f64 unbiased = count > 1 ? static_cast<f64>(count) / static_cast<f64>(count - 1) : 0;
  for (index c = 0; c < g.channels; ++c) {
    mean_part.data()[c] = static_cast<f32>(total * w.mean[c]);
    variance_part.data()[c] = static_cast<f32>(total * unbiased * w.variance[c]);
    w.a[c] = scale.data()[c] * w.inverse[c];
    w.b[c] = bias.data()[c];
  }
  const f32 *mean = w.mean, *a = w.a, *b = w.b;
  write(g, w, y.data(), [=](index i, index c) { return (in[i] - mean[c]) * a[c] + b[c]; });
}

template <class T>
void normalise_back(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight,
                    const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias, const BatchNormOptions &options) {
  const BatchNormGeometry g("batch_norm_gradient", x, weight);
  require_like("batch_norm_gradient", x, dy);
  require_like("batch_norm_gradient", x, dx);
  for (const Tensor<f32> *channels : {&scale, &dscale, &dbias})
    require_channels("batch_norm_gradient", x, *channels);
  Workspace w(ctx, g);
  const T *in = x.data(), *slope = dy.data();
  const index count = take_statistics(g, w, in, options.epsilon);

  const f32 *mean = w.mean;
  sum_channels(g, w, [=](index i, index c) { return std::array<f32, 2>{slope[i], slope[i] * (in[i] - mean[c])}; });
  const f64 share = count ? 1.0 / static_cast<f64>(count) : 0;
  // With xhat = (x - mean) inverse: dx = scale inverse (dy - mean(dy) - xhat mean(dy xhat)).
  f32 *a = w.a, *b = w.b;
  for (index c = 0; c < g.channels; ++c) {
    const f64 inverse = w.inverse[c], of_dy = w.sums[c], of_product = w.sums[g.channels + c] * inverse;
    dbias.data()[c] = static_cast<f32>(of_dy);
    dscale.data()[c] = static_cast<f32>(of_product);
    a[c] = static_cast<f32>(of_dy * share);
    b[c] = static_cast<f32>(of_product * inverse * share);
    w.inverse[c] *= scale.data()[c];
  }
  const f32 *factor = w.inverse;
  write(g, w, dx.data(), [=](index i, index c) { return factor[c] * (slope[i] - a[c] - (in[i] - mean[c]) * b[c]); });
}

} // namespace

#define DTCRT_BATCH_NORM(T)                                                                                                            \
  void batch_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,     \
                  const Tensor<T> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const BatchNormOptions &o) {     \
    normalise(ctx, x, scale, bias, weight, y, mean_part, variance_part, o);                                                            \
  }                                                                                                                                    \
  void batch_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, \
                           const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias, const BatchNormOptions &o) {      \
    normalise_back(ctx, dy, x, scale, weight, dx, dscale, dbias, o);                                                                   \
  }
DTCRT_BATCH_NORM(f32)
DTCRT_BATCH_NORM(bf16)
#undef DTCRT_BATCH_NORM

} // namespace dtcrt

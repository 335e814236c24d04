// Group normalisation and its gradient: what is summed of each sample's channels, then of groups; then one pass that writes.
#include "cpu/Backend.h"
#include "dtcrt/sample_normalisation.h"
#include "math/SampleNormGeometry.h"

#include <algorithm>
#include <cmath>

namespace dtcrt {

namespace {

/// Terms that are added in f32; such runs are merged in f64.
constexpr index run_rows = 64, run_length = 1024;

/// The sums of the two values that term(offset, at, first, second) gives; `at`: the sample's channel.
template <class Term> struct Sums {
  Term term;

  f32 shift(index) const { return 0; }
  void operator()(index i, index at, f32, f32 &first, f32 &second) const { term(i, at, first, second); }
  static void merge_run(f64 &first, f64 &second, f32 run, f32 run2, f32, f64, f64) {
    first += run;
    second += run2;
  }
};

/// `count` values of this mean and these squared deviations, and `more` others of theirs.
void merge_moments(f64 &mean, f64 &squares, f64 other, f64 other_squares, f64 count, f64 more) {
  const f64 distance = other - mean, share = more / (count + more);
  mean += distance * share;
  squares += other_squares + distance * distance * count * share;
}

/// Mean and sum of squared deviations. Runs measure from their first value, so that a variance that is small beside its mean stays
/// exact (Chan, Golub & LeVeque 1983).
template <class T> struct Moments {
  const T *x;

  f32 shift(index i) const { return x[i]; }
  void operator()(index i, index, f32 shift, f32 &distance, f32 &square) const {
    distance = x[i] - shift;
    square = distance * distance;
  }
  static void merge_run(f64 &mean, f64 &squares, f32 sum, f32 run_squares, f32 shift, f64 length, f64 count) {
    const f64 rest = sum / length, deviations = run_squares - rest * sum;
    merge_moments(mean, squares, shift + rest, deviations < 0 ? 0 : deviations, count, length); // NaN stays NaN
  }
};

/// Memory of one call. A sample's positions are shared out in parts whose number follows from the shape, so that no sum depends on
/// the threads.
struct Workspace {
  index shares;
  f64 *parts;                     ///< [sample, share, 2, C]
  f32 *runs;                      ///< [sample, share, 3, C]
  f32 *center, *factor, *a, *b;   ///< [sample, C]

  Workspace(Context &ctx, const GroupNormGeometry &g)
      : shares(g.last ? std::clamp<index>(g.channels * g.positions / (index(1) << 15), 1, std::max<index>(1, 64 / std::max<index>(g.samples, 1))) : 1) {
    const index c = g.samples * g.channels;
    const auto doubles = static_cast<std::size_t>(2 * c * shares), floats = static_cast<std::size_t>(3 * c * shares + 4 * c);
    parts = static_cast<f64 *>(ctx.backend().workspace(doubles * sizeof(f64) + floats * sizeof(f32)));
    runs = reinterpret_cast<f32 *>(parts + doubles);
    center = runs + 3 * c * shares;
    factor = center + c;
    a = factor + c;
    b = a + c;
  }
  /// The first position of a share.
  index begin(const GroupNormGeometry &g, index share) const { return g.positions * share / shares; }
};

// What loops call is copied for each thread, and stores are of plain numbers: else GCC does not vectorise them.

/// w.parts = what `of` makes of the elements of each sample's channels.
template <class Of> void reduce_channels(Context &ctx, const GroupNormGeometry &g, const Workspace &w, Of of) {
  const index channels = g.channels;
  const int threads = threads_for(ctx, g.size());
  if (g.last) {
#pragma omp parallel for schedule(static) num_threads(threads) firstprivate(of)
    for (index part = 0; part < g.samples * w.shares; ++part) {
      const index sample = part / w.shares, share = part % w.shares, end = w.begin(g, share + 1);
      f64 *first = w.parts + part * 2 * channels, *second = first + channels;
      f32 *shift = w.runs + part * 3 * channels, *run = shift + channels, *run2 = run + channels;
      std::fill_n(first, 2 * channels, 0.0);
      index merged = 0;
      for (index p = w.begin(g, share); p < end; p += run_rows) {
        const index rows = std::min(run_rows, end - p), start = g.at(sample) + p * channels;
        for (index c = 0; c < channels; ++c)
          shift[c] = of.shift(start + c);
        std::fill_n(run, 2 * channels, 0.0f);
        for (index row = 0; row < rows; ++row) {
          const index begin = start + row * channels;
#pragma omp simd
          for (index c = 0; c < channels; ++c) {
            f32 value, value2;
            of(begin + c, sample * channels + c, shift[c], value, value2);
            run[c] += value;
            run2[c] += value2;
          }
        }
#pragma omp simd
        for (index c = 0; c < channels; ++c)
          Of::merge_run(first[c], second[c], run[c], run2[c], shift[c], static_cast<f64>(rows), static_cast<f64>(merged));
        merged += rows;
      }
    }
  } else {
#pragma omp parallel for schedule(static) num_threads(threads) firstprivate(of)
    for (index at = 0; at < g.samples * channels; ++at) {
      f64 first = 0, second = 0;
      for (index begin = 0; begin < g.positions; begin += run_length) {
        f32 run = 0, run2 = 0;
        const index start = at * g.positions + begin, length = std::min(run_length, g.positions - begin);
        const f32 shift = of.shift(start);
#pragma omp simd reduction(+ : run, run2)
        for (index p = 0; p < length; ++p) {
          f32 value, value2;
          of(start + p, at, shift, value, value2);
          run += value;
          run2 += value2;
        }
        Of::merge_run(first, second, run, run2, shift, static_cast<f64>(length), static_cast<f64>(begin));
      }
      f64 *part = w.parts + at / channels * 2 * channels + at % channels;
      part[0] = first;
      part[channels] = second;
    }
  }
}

inline void store(f32 &to, f32 value) { to = value; }
inline void store(bf16 &to, f32 value) { to.bits = bf16(value).bits; }

/// out = value(offset, channel, at) for all elements; `at`: the sample's channel.
template <class T, class Value> void write(Context &ctx, const GroupNormGeometry &g, T *out, Value value) {
  const index lines = g.last ? g.positions : g.channels, length = g.last ? g.channels : g.positions;
#pragma omp parallel for schedule(static) collapse(2) num_threads(threads_for(ctx, g.size())) firstprivate(value)
  for (index sample = 0; sample < g.samples; ++sample)
    for (index line = 0; line < lines; ++line) {
      const index begin = g.at(sample) + line * length, of_sample = sample * g.channels;
      if (g.last) {
#pragma omp simd
        for (index c = 0; c < length; ++c)
          store(out[begin + c], value(begin + c, c, of_sample + c));
      } else {
#pragma omp simd
        for (index p = 0; p < length; ++p)
          store(out[begin + p], value(begin + p, line, of_sample + line));
      }
    }
}

template <class T>
void normalise(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<T> &y, const Tensor<f32> &mean,
               const Tensor<f32> &inverse, const GroupNormOptions &options) {
  const GroupNormGeometry g("group_norm", x, mean);
  g.require_like("group_norm", x, y);
  g.require_statistic("group_norm", mean, inverse);
  g.require_channels("group_norm", scale);
  g.require_channels("group_norm", bias);
  const Workspace w(ctx, g);
  const T *in = x.data();
  reduce_channels(ctx, g, w, Moments<T>{in});
  const f32 *gain = scale.data(), *shift = bias.data();
  f32 *means = mean.data(), *inverses = inverse.data();
  const f64 size = static_cast<f64>(g.width * g.positions);
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, g.samples *g.channels *w.shares))
  for (index sample = 0; sample < g.samples; ++sample)
    for (index group = 0; group < g.groups; ++group) {
      f64 middle = 0, squares = 0, count = 0;
      for (index share = 0; share < w.shares; ++share) {
        const f64 *part = w.parts + (sample * w.shares + share) * 2 * g.channels;
        const auto more = static_cast<f64>(w.begin(g, share + 1) - w.begin(g, share));
        for (index c = group * g.width; more > 0 && c < (group + 1) * g.width; ++c) {
          merge_moments(middle, squares, part[c], part[g.channels + c], count, more);
          count += more;
        }
      }
      const index at = sample * g.groups + group;
      means[at] = static_cast<f32>(middle);
      inverses[at] = static_cast<f32>(1 / std::sqrt(squares / size + options.epsilon));
      for (index c = group * g.width; c < (group + 1) * g.width; ++c) {
        w.center[sample * g.channels + c] = means[at];
        w.factor[sample * g.channels + c] = inverses[at] * gain[c];
      }
    }
  const f32 *center = w.center, *factor = w.factor;
  write(ctx, g, y.data(), [=](index i, index c, index at) { return (in[i] - center[at]) * factor[at] + shift[c]; });
}

template <class T>
void normalise_back(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &mean,
                    const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias) {
  const char *call = "group_norm_gradient";
  const GroupNormGeometry g(call, x, mean);
  g.require_like(call, x, dy);
  g.require_like(call, x, dx);
  g.require_statistic(call, mean, inverse);
  for (const Tensor<f32> *parameter : {&scale, &dscale, &dbias})
    g.require_channels(call, *parameter);
  const Workspace w(ctx, g);
  const T *in = x.data(), *slope = dy.data();
  const f32 *gain = scale.data(), *means = mean.data(), *inverses = inverse.data();
  const index channels = g.channels;
  const int threads = threads_for(ctx, g.samples * channels * w.shares);
  f32 *center = w.center, *factor = w.factor, *a = w.a, *b = w.b;
  for (index at = 0; at < g.samples * channels; ++at)
    center[at] = means[g.group(at / channels, at % channels)];
  const auto terms = [=](index i, index at, f32 &of_dy, f32 &product) {
    of_dy = slope[i];
    product = of_dy * (in[i] - center[at]);
  };
  reduce_channels(ctx, g, w, Sums<decltype(terms)>{terms});

  // With xhat = (x - mean) inverse and means over a group: dx = inverse (scale dy - mean(scale dy) - xhat mean(scale dy xhat))
  // = factor dy - a - (x - mean) b. The shares of each sample's sums are added into the first.
  const f64 size = static_cast<f64>(g.width * g.positions);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index sample = 0; sample < g.samples; ++sample) {
    f64 *sums = w.parts + sample * w.shares * 2 * channels;
    for (index share = 1; share < w.shares; ++share)
      for (index i = 0; i < 2 * channels; ++i)
        sums[i] += sums[share * 2 * channels + i];
    for (index group = 0; group < g.groups; ++group) {
      const f64 of_group = inverses[sample * g.groups + group];
      f64 of_dy = 0, of_product = 0;
      for (index c = group * g.width; c < (group + 1) * g.width; ++c) {
        sums[channels + c] *= of_group; // the sum of dy xhat
        of_dy += gain[c] * sums[c];
        of_product += gain[c] * sums[channels + c];
      }
      for (index c = group * g.width; c < (group + 1) * g.width; ++c) {
        const index at = sample * channels + c;
        factor[at] = static_cast<f32>(of_group * gain[c]);
        a[at] = static_cast<f32>(of_group * of_dy / size);
        b[at] = static_cast<f32>(of_group * of_group * of_product / size);
      }
    }
  }
  for (index c = 0; c < channels; ++c) {
    f64 of_dy = 0, of_product = 0;
    for (index sample = 0; sample < g.samples; ++sample) {
      const f64 *sums = w.parts + sample * w.shares * 2 * channels;
      of_dy += sums[c];
      of_product += sums[channels + c];
    }
    dbias.data()[c] = static_cast<f32>(of_dy);
    dscale.data()[c] = static_cast<f32>(of_product);
  }
  write(ctx, g, dx.data(), [=](index i, index, index at) { return slope[i] * factor[at] - a[at] - (in[i] - center[at]) * b[at]; });
}

} // namespace

#define DTCRT_GROUP_NORM(T)                                                                                                            \
  void group_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<T> &y,             \
                  const Tensor<f32> &mean, const Tensor<f32> &inverse, const GroupNormOptions &o) {                                    \
    normalise(ctx, x, scale, bias, y, mean, inverse, o);                                                                               \
  }                                                                                                                                    \
  void group_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &mean,   \
                           const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias) {     \
    normalise_back(ctx, dy, x, scale, mean, inverse, dx, dscale, dbias);                                                               \
  }
DTCRT_GROUP_NORM(f32)
DTCRT_GROUP_NORM(bf16)
#undef DTCRT_GROUP_NORM

} // namespace dtcrt

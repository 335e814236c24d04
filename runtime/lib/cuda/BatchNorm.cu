// Batch normalisation over the rows that are samples, and its gradient: x is read once for its statistics (and dy with it for the
// gradient's sums), and once to write the result.
//
// Each thread takes mean and squared deviation of runs of its own, measured from the run's first value, so that a variance that is small
// beside its mean stays exact; runs, threads and blocks are merged in f64 (Chan, Golub & LeVeque 1983).
#include "cuda/ColumnBlocks.h"
#include "dtcrt/normalisation.h"
#include "math/BatchNormGeometry.h"
#include "math/Workspace.h"

#include <type_traits>

namespace dtcrt {

namespace {

using namespace device;

/// What is known of some values of a channel: their number, mean, sum of squared deviations; the sums of dy and of dy x.
struct Part {
  f64 count = 0, mean = 0, squares = 0, dy = 0, dyx = 0;
};

struct Merge {
  __device__ Part operator()(const Part &a, const Part &b) const {
    const f64 count = a.count + b.count;
    if (count == 0)
      return a;
    const f64 distance = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + distance * share, a.squares + b.squares + distance * distance * a.count * share, a.dy + b.dy, a.dyx + b.dyx};
  }
};

/// Values of one channel, one after the other.
class Values {
public:
  __device__ void add(f32 x, f32 dy) {
    if (terms_ == 0)
      first_ = x;
    const f32 distance = x - first_;
    sum_ += distance;
    squares_ += distance * distance;
    dy_ += dy;
    dyx_ += dy * distance;
    if (++terms_ == 32)
      flush();
  }
  __device__ Part part() {
    if (terms_ > 0)
      flush();
    return part_;
  }

private:
  __device__ void flush() {
    const f64 mean = static_cast<f64>(sum_) / terms_;
    part_ = Merge()(part_, {static_cast<f64>(terms_), first_ + mean, max(squares_ - mean * sum_, 0.0), dy_, dyx_ + static_cast<f64>(first_) * dy_});
    terms_ = 0;
    sum_ = squares_ = dy_ = dyx_ = 0;
  }
  Part part_;
  f32 first_ = 0, sum_ = 0, squares_ = 0, dy_ = 0, dyx_ = 0;
  int terms_ = 0;
};

/// Values of x, and of dy for the gradient.
template <class T, int count, bool gradient> struct Slopes {
  Pack<T, count> x, dy;

  __device__ bool take(const T *from_x, const T *from_dy, index at) {
    x = load<count>(from_x + at);
    if constexpr (gradient)
      dy = load<count>(from_dy + at);
    return true;
  }
  __device__ f32 slope(int j) const {
    if constexpr (gradient)
      return dy[j];
    else
      return 0;
  }
};

/// Channels innermost: parts [share, channel] of what a block's rows hold. grid (chunks of channels, shares).
template <int count, bool gradient, class T>
__global__ void take_columns(const T *x, const T *dy, BatchNormGeometry g, int across, Part *parts) {
  const index channel = (index(blockIdx.x) * across + threadIdx.x % across) * count, rows = g.samples * g.positions;
  const bool is_channel = channel < g.channels;
  Values values[count];
  if (is_channel)
    for_rows<Slopes<T, count, gradient>>(
        rows, across,
        [&](index row, Slopes<T, count, gradient> &to) {
          const index at = row * g.channels + channel;
          return g.weight[divide(row, g.positions)] != 0 && to.take(x, dy, at);
        },
        [&](const Slopes<T, count, gradient> &of) {
          for (int j = 0; j < count; ++j)
            values[j].add(of.x[j], of.slope(j));
        });
  for (int j = 0; j < count; ++j) {
    const Part part = merge_rows(values[j].part(), across, Merge());
    if (is_channel && static_cast<int>(threadIdx.x) < across)
      parts[blockIdx.y * g.channels + channel + j] = part;
  }
}

/// Positions innermost: the same; grid (channels, shares).
template <int count, bool gradient, class T> __global__ void take_planes(const T *x, const T *dy, BatchNormGeometry g, Part *parts) {
  const index channel = blockIdx.x, packs = g.positions / count;
  Values values;
  for_rows<Slopes<T, count, gradient>>(
      g.samples * packs, 1,
      [&](index i, Slopes<T, count, gradient> &to) {
        const index sample = divide(i, packs), at = (sample * g.channels + channel) * g.positions + (i - sample * packs) * count;
        return g.weight[sample] != 0 && to.take(x, dy, at);
      },
      [&](const Slopes<T, count, gradient> &of) {
        for (int j = 0; j < count; ++j)
          values.add(of.x[j], of.slope(j));
      });
  const Part part = merge_rows(values.part(), 1, Merge());
  if (threadIdx.x == 0)
    parts[blockIdx.y * g.channels + channel] = part;
}

/// What the last pass computes with, one value a channel.
struct Channels {
  f32 *mean, *factor, *a, *b;
};

__global__ void finish_statistics(const Part *parts, index shares, BatchNormGeometry g, f64 epsilon, const f32 *scale, const f32 *bias, f32 *mean_part,
                                  f32 *variance_part, Channels to) {
  f64 weights = 0;
  for (index sample = threadIdx.x; sample < g.samples; sample += block_threads)
    weights += g.weight[sample];
  weights = block_reduce<block_threads>(weights, Sum());
  const auto [channel, is_first, total] = finish_column(parts, shares, g.channels, Merge());
  if (!is_first)
    return;
  const f64 variance = total.count > 0 ? total.squares / total.count : 0, unbiased = total.count > 1 ? total.squares / (total.count - 1) : 0;
  mean_part[channel] = static_cast<f32>(weights * total.mean);
  variance_part[channel] = static_cast<f32>(weights * unbiased);
  to.mean[channel] = static_cast<f32>(total.mean);
  to.factor[channel] = scale[channel] * static_cast<f32>(1 / sqrt(variance + epsilon));
  to.b[channel] = bias[channel];
}

/// With xhat = (x - mean) inverse: dx = scale inverse (dy - mean(dy) - xhat mean(dy xhat)).
__global__ void finish_gradient(const Part *parts, index shares, BatchNormGeometry g, f64 epsilon, const f32 *scale, f32 *dscale, f32 *dbias, Channels to) {
  const auto [channel, is_first, total] = finish_column(parts, shares, g.channels, Merge());
  if (!is_first)
    return;
  const f64 share = total.count > 0 ? 1 / total.count : 0, inverse = 1 / sqrt(total.squares * share + epsilon);
  const f64 product = (total.dyx - total.mean * total.dy) * inverse;
  dbias[channel] = static_cast<f32>(total.dy);
  dscale[channel] = static_cast<f32>(product);
  to.mean[channel] = static_cast<f32>(total.mean);
  to.factor[channel] = static_cast<f32>(inverse * scale[channel]);
  to.a[channel] = static_cast<f32>(total.dy * share);
  to.b[channel] = static_cast<f32>(product * inverse * share);
}

/// The values of the channels of a pack: `last`, of neighbours, else of one.
template <int count, bool last> __device__ Pack<f32, count> of_channels(const f32 *values, index channel) {
  if constexpr (last) {
    return load<count>(values + channel);
  } else {
    Pack<f32, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = values[channel];
    return result;
  }
}

/// y, or dx where dy is given; 0 in rows of padding. Packs lie inside a line of channels or of positions.
template <int count, bool last, bool gradient, class T, class Counter>
__global__ void write_values(const T *x, const T *dy, T *out, BatchNormGeometry g, Channels with, Counter packs) {
  const Counter channels = static_cast<Counter>(g.channels), positions = static_cast<Counter>(g.positions);
  for (Counter i = first_item<Counter>(); i < packs; i += item_step<Counter>()) {
    const Counter at = i * count;
    const index channel = last ? at % channels : at / positions % channels;
    Pack<T, count> result{};
    if (g.weight[at / (channels * positions)] != 0) {
      const Pack<T, count> in = load<count>(x + at);
      Pack<T, count> slope{};
      if constexpr (gradient)
        slope = load<count>(dy + at);
      const Pack<f32, count> mean = of_channels<count, last>(with.mean, channel), factor = of_channels<count, last>(with.factor, channel),
                             b = of_channels<count, last>(with.b, channel);
      Pack<f32, count> a;
      if constexpr (gradient)
        a = of_channels<count, last>(with.a, channel);
      for (int j = 0; j < count; ++j) {
        const f32 centered = in[j] - mean[j];
        if constexpr (gradient)
          result[j] = T(factor[j] * (slope[j] - a[j] - centered * b[j]));
        else
          result[j] = T(centered * factor[j] + b[j]);
      }
    }
    store(out + at, result);
  }
}

/// All three steps; finish(blocks, parts, shares, channels) launches the second.
template <bool gradient, class T, class Finish>
void normalise(Context &ctx, const BatchNormGeometry &g, const T *x, const T *dy, T *out, Finish finish) {
  if (g.channels == 0)
    return;
  constexpr int pack = pack_size<T>;
  const bool packed = packs<pack, T>({x, dy, out}, {g.last ? g.channels : g.positions});
  const auto run = [&](auto count) {
    const index rows = g.samples * g.positions;
    const ColumnBlocks blocks(g.last ? g.channels / count.value : 1, rows);
    const index shares = g.last ? blocks.shares : std::clamp<index>(ceil_div(rows, index(block_threads) * 16), 1, std::clamp<index>(2048 / g.channels, 1, 256));
    Part *parts = static_cast<Part *>(workspace(ctx, static_cast<std::size_t>(g.channels * shares) * sizeof(Part) + static_cast<std::size_t>(4 * g.channels) * sizeof(f32)));
    f32 *values = reinterpret_cast<f32 *>(parts + g.channels * shares);
    const Channels channels{values, values + g.channels, values + 2 * g.channels, values + 3 * g.channels};
    if (g.last)
      launch(ctx, take_columns<count.value, gradient, T>, dim3(static_cast<unsigned>(blocks.chunks), static_cast<unsigned>(shares)), block_threads, x, dy, g,
             blocks.across, parts);
    else
      launch(ctx, take_planes<count.value, gradient, T>, dim3(static_cast<unsigned>(g.channels), static_cast<unsigned>(shares)), block_threads, x, dy, g, parts);
    finish(finish_blocks(g.channels), parts, shares, channels);
    const index items = g.size() / count.value;
    if (items == 0)
      return;
    with_counter(g.size(), [&](auto counter) {
      using Counter = decltype(counter);
      launch(ctx, g.last ? write_values<count.value, true, gradient, T, Counter> : write_values<count.value, false, gradient, T, Counter>,
             blocks_for(ctx, items), block_threads, x, dy, out, g, channels, static_cast<Counter>(items));
    });
  };
  if (packed)
    run(std::integral_constant<int, pack>());
  else
    run(std::integral_constant<int, 1>());
}

template <class T>
void batch_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight, const Tensor<T> &y,
                   const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const BatchNormOptions &options) {
  const BatchNormGeometry g("batch_norm", x, weight);
  require_like("batch_norm", x, y);
  for (const Tensor<f32> *channels : {&scale, &bias, &mean_part, &variance_part})
    require_channels("batch_norm", x, *channels);
  normalise<false, T>(ctx, g, x.data(), nullptr, y.data(), [&](dim3 blocks, const Part *parts, index shares, const Channels &channels) {
    launch(ctx, finish_statistics, blocks, block_threads, parts, shares, g, options.epsilon, scale.data(), bias.data(), mean_part.data(),
           variance_part.data(), channels);
  });
}

template <class T>
void gradient_of(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, const Tensor<T> &dx,
                 const Tensor<f32> &dscale, const Tensor<f32> &dbias, const BatchNormOptions &options) {
  const BatchNormGeometry g("batch_norm_gradient", x, weight);
  require_like("batch_norm_gradient", x, dy);
  require_like("batch_norm_gradient", x, dx);
  for (const Tensor<f32> *channels : {&scale, &dscale, &dbias})
    require_channels("batch_norm_gradient", x, *channels);
  normalise<true, T>(ctx, g, x.data(), dy.data(), dx.data(), [&](dim3 blocks, const Part *parts, index shares, const Channels &channels) {
    launch(ctx, finish_gradient, blocks, block_threads, parts, shares, g, options.epsilon, scale.data(), dscale.data(), dbias.data(), channels);
  });
}

} // namespace

#define DTCRT_BATCH_NORM(T)                                                                                                            \
  void batch_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,      \
                  const Tensor<T> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const BatchNormOptions &o) {     \
    batch_norm_of(ctx, x, scale, bias, weight, y, mean_part, variance_part, o);                                                        \
  }                                                                                                                                    \
  void batch_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, \
                           const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias, const BatchNormOptions &o) {      \
    gradient_of(ctx, dy, x, scale, weight, dx, dscale, dbias, o);                                                                      \
  }
DTCRT_BATCH_NORM(f32)
DTCRT_BATCH_NORM(bf16)
#undef DTCRT_BATCH_NORM

} // namespace dtcrt

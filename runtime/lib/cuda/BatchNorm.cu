// Batch normalisation over the rows that are samples, and its gradient: x is read once for its statistics (dy and x once for the
// gradient's sums), and once to write the result.
#include "cuda/ColumnBlocks.h"
#include "cuda/Moments.h"
#include "dtcrt/normalisation.h"
#include "math/Activated.h"
#include "math/BatchNormGeometry.h"
#include "math/Workspace.h"

#include <type_traits>

namespace dtcrt {

namespace {

using namespace device;

/// The values of x, for its statistics.
template <class T> struct Images {
  const T *x;
  template <int count> using Values = Pack<T, count>;
  using Part = Moments;

  template <int count> __device__ bool take(Values<count> &to, index at) const {
    to = load<count>(x + at);
    return true;
  }

  /// Values of one channel, one after the other.
  class Sums {
  public:
    __device__ void begin(const Images &, index) {}
    template <int count> __device__ void add(const Values<count> &of, int j) { moments_.add(of[j]); }
    __device__ Moments part() { return moments_.part(); }

  private:
    RunningMoments moments_;
  };
};

/// What counts of dy: where `behind_relu`, what relu passes.
template <class T, bool behind_relu> __device__ inline f32 slope_of(f32 dy, f32 x, f32 mean, f32 factor, f32 bias) {
  if constexpr (behind_relu)
    return passes_relu<T>(normalised(x, mean, factor, bias)) ? dy : 0;
  else
    return dy;
}

/// The values of dy with those of x, for the gradient's sums.
template <class T, bool behind_relu> struct Slopes {
  const T *x, *dy;
  const f32 *mean, *scale, *inverse, *bias;
  template <int count> struct Values {
    Pack<T, count> x, dy;
  };
  using Part = SlopeSums;

  template <int count> __device__ bool take(Values<count> &to, index at) const {
    to.x = load<count>(x + at);
    to.dy = load<count>(dy + at);
    return true;
  }

  class Sums {
  public:
    __device__ void begin(const Slopes &of, index channel) {
      mean_ = of.mean[channel];
      if constexpr (behind_relu) {
        factor_ = of.scale[channel] * of.inverse[channel];
        bias_ = of.bias[channel];
      }
    }
    template <int count> __device__ void add(const Values<count> &of, int j) {
      const f32 slope = slope_of<T, behind_relu>(of.dy[j], of.x[j], mean_, factor_, bias_);
      slopes_.add(slope, of.x[j] - mean_);
    }
    __device__ SlopeSums part() { return slopes_.part(); }

  private:
    RunningSlopes slopes_;
    f32 mean_ = 0, factor_ = 0, bias_ = 0;
  };
};

/// Channels innermost: parts [share, channel] of what a block's rows hold. grid (chunks of channels, shares).
template <int count, class Of> __global__ void take_columns(Of of, BatchNormGeometry g, int across, typename Of::Part *parts) {
  using Values = typename Of::template Values<count>;
  const index channel = (index(blockIdx.x) * across + threadIdx.x % across) * count, rows = g.samples * g.positions;
  const bool is_channel = channel < g.channels;
  typename Of::Sums sums[count];
  if (is_channel) {
    for (int j = 0; j < count; ++j)
      sums[j].begin(of, channel + j);
    for_rows<Values>(
        rows, across,
        [&](index row, Values &to) {
          return g.weight[divide(row, g.positions)] != 0 && of.template take<count>(to, row * g.channels + channel);
        },
        [&](const Values &values) {
          for (int j = 0; j < count; ++j)
            sums[j].template add<count>(values, j);
        });
  }
  for (int j = 0; j < count; ++j) {
    const typename Of::Part part = merge_rows(sums[j].part(), across, Merge());
    if (is_channel && static_cast<int>(threadIdx.x) < across)
      parts[blockIdx.y * g.channels + channel + j] = part;
  }
}

/// Positions innermost: the same; grid (channels, shares).
template <int count, class Of> __global__ void take_planes(Of of, BatchNormGeometry g, typename Of::Part *parts) {
  using Values = typename Of::template Values<count>;
  const index channel = blockIdx.x, packs = g.positions / count;
  typename Of::Sums sums;
  sums.begin(of, channel);
  for_rows<Values>(
      g.samples * packs, 1,
      [&](index i, Values &to) {
        const index sample = divide(i, packs), at = (sample * g.channels + channel) * g.positions + (i - sample * packs) * count;
        return g.weight[sample] != 0 && of.template take<count>(to, at);
      },
      [&](const Values &values) {
        for (int j = 0; j < count; ++j)
          sums.template add<count>(values, j);
      });
  const typename Of::Part part = merge_rows(sums.part(), 1, Merge());
  if (threadIdx.x == 0)
    parts[blockIdx.y * g.channels + channel] = part;
}

/// Where finish_statistics writes, one value a channel; and the running statistics, or nullptr.
struct Statistics {
  f32 *mean_part, *variance_part, *mean, *inverse;
  const f32 *running_mean, *running_variance;
  bool biased_variance;
};

__global__ void finish_statistics(const Moments *parts, index shares, BatchNormGeometry g, f64 epsilon, const f32 *scale, Statistics to, f32 *factor) {
  f64 weights = 0;
  for (index sample = threadIdx.x; sample < g.samples; sample += block_threads)
    weights += g.weight[sample];
  weights = block_reduce<block_threads>(weights, Sum());
  const auto [channel, is_first, total] = finish_column(parts, shares, g.channels, Merge());
  if (!is_first)
    return;
  const f64 variance = total.count > 0 ? total.squares / total.count : 0, unbiased = total.count > 1 ? total.squares / (total.count - 1) : 0;
  const f64 moved_towards = to.biased_variance ? variance : unbiased;
  const f32 inverse = static_cast<f32>(1 / sqrt(variance + epsilon));
  const bool stays = total.count <= 1 && to.running_mean;
  to.mean_part[channel] = static_cast<f32>(weights * (stays ? to.running_mean[channel] : total.mean));
  to.variance_part[channel] = static_cast<f32>(weights * (stays ? to.running_variance[channel] : moved_towards));
  to.mean[channel] = static_cast<f32>(total.mean);
  to.inverse[channel] = inverse;
  factor[channel] = scale[channel] * inverse;
}

/// With xhat = (x - mean) inverse: dx = scale inverse (dy - mean(dy) - xhat mean(dy xhat)) = factor (dy - a - (x - mean) b).
__global__ void finish_gradient(const SlopeSums *parts, index shares, BatchNormGeometry g, const f32 *scale, const f32 *inverses, f32 *dscale, f32 *dbias,
                                f32 *factor, f32 *a, f32 *b) {
  f64 rows = 0;
  for (index sample = threadIdx.x; sample < g.samples; sample += block_threads)
    rows += g.weight[sample] != 0;
  rows = block_reduce<block_threads>(rows, Sum());
  const auto [channel, is_first, total] = finish_column(parts, shares, g.channels, Merge());
  if (!is_first)
    return;
  const f32 inverse = inverses[channel];
  const f64 share = rows > 0 ? 1 / (rows * static_cast<f64>(g.positions)) : 0, product = total.product * inverse;
  dbias[channel] = static_cast<f32>(total.dy);
  dscale[channel] = static_cast<f32>(product);
  factor[channel] = scale[channel] * inverse;
  a[channel] = static_cast<f32>(total.dy * share);
  b[channel] = static_cast<f32>(product * inverse * share);
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

/// y of a pack of x.
template <class T> struct Normalise {
  const T *x, *residual;
  const f32 *mean, *factor, *bias;
  Activation activation;
  f32 alpha;

  template <int count> __device__ Pack<T, count> finish(Pack<f32, count> v, index at) const {
    if (residual) {
      const Pack<T, count> more = load<count>(residual + at);
      for (int j = 0; j < count; ++j)
        v[j] += more[j];
    }
    if (activation == Activation::relu)
      for (int j = 0; j < count; ++j)
        v[j] = activated(v[j], Activation::relu, 0);
    else if (activation != Activation::none)
      for (int j = 0; j < count; ++j)
        v[j] = activated(v[j], activation, alpha);
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T(v[j]);
    return result;
  }
  template <int count> __device__ Pack<T, count> of_padding(index at) const { return finish(Pack<f32, count>{}, at); }
  template <int count, bool last> __device__ Pack<T, count> at(index at, index channel) const {
    const Pack<T, count> in = load<count>(x + at);
    const Pack<f32, count> m = of_channels<count, last>(mean, channel), f = of_channels<count, last>(factor, channel),
                           b = of_channels<count, last>(bias, channel);
    Pack<f32, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = normalised(in[j], m[j], f[j], b[j]);
    return finish(result, at);
  }
};

/// dx of packs of x and dy.
template <class T, bool behind_relu> struct NormaliseBack {
  const T *x, *dy;
  const f32 *mean, *bias, *factor, *a, *b;

  template <int count> __device__ Pack<T, count> of_padding(index) const { return {}; }
  template <int count, bool last> __device__ Pack<T, count> at(index at, index channel) const {
    const Pack<T, count> in = load<count>(x + at), slope = load<count>(dy + at);
    const Pack<f32, count> m = of_channels<count, last>(mean, channel), f = of_channels<count, last>(factor, channel),
                           of_dy = of_channels<count, last>(a, channel), of_x = of_channels<count, last>(b, channel);
    Pack<f32, count> shift{};
    if constexpr (behind_relu)
      shift = of_channels<count, last>(bias, channel);
    Pack<T, count> result;
    for (int j = 0; j < count; ++j) {
      const f32 counts = slope_of<T, behind_relu>(slope[j], in[j], m[j], f[j], shift[j]);
      result[j] = T(f[j] * (counts - of_dy[j] - (in[j] - m[j]) * of_x[j]));
    }
    return result;
  }
};

/// What `of` gives. Packs lie inside a line of channels or of positions.
template <int count, bool last, class Of, class T, class Counter> __global__ void write_values(Of of, T *out, BatchNormGeometry g, Counter packs) {
  const Counter channels = static_cast<Counter>(g.channels), positions = static_cast<Counter>(g.positions);
  for (Counter i = first_item<Counter>(); i < packs; i += item_step<Counter>()) {
    const Counter at = i * count;
    const index channel = last ? at % channels : at / positions % channels;
    store(out + at, g.weight[at / (channels * positions)] != 0 ? of.template at<count, last>(at, channel) : of.template of_padding<count>(at));
  }
}

/// All three steps: `reduced` is what a first pass reduces; finish(blocks, parts, shares, values) launches the second, for which there is
/// room for three values a channel; written(values) is what the third writes to `out`. `channels`: what else these read of each channel.
template <class T, class Of, class Finish, class Written>
void run(Context &ctx, const BatchNormGeometry &g, Of reduced, T *out, std::initializer_list<const T *> images, std::initializer_list<const f32 *> channels,
         Finish finish, Written written) {
  if (g.channels == 0)
    return;
  using Part = typename Of::Part;
  constexpr int pack = pack_size<T>;
  const bool packed = packs<pack, T>(images, {g.last ? g.channels : g.positions}) && (!g.last || packs<pack, f32>(channels, {}));
  const auto with = [&](auto count) {
    const index rows = g.samples * g.positions;
    const ColumnBlocks blocks(g.last ? g.channels / count.value : 1, rows);
    const index shares = g.last ? blocks.shares : std::clamp<index>(ceil_div(rows, index(block_threads) * 16), 1, std::clamp<index>(2048 / g.channels, 1, 256));
    Part *parts = static_cast<Part *>(workspace(ctx, static_cast<std::size_t>(g.channels * shares) * sizeof(Part) + static_cast<std::size_t>(3 * g.channels) * sizeof(f32)));
    f32 *values = reinterpret_cast<f32 *>(parts + g.channels * shares);
    if (g.last)
      launch(ctx, take_columns<count.value, Of>, dim3(static_cast<unsigned>(blocks.chunks), static_cast<unsigned>(shares)), block_threads, reduced, g, blocks.across,
             parts);
    else
      launch(ctx, take_planes<count.value, Of>, dim3(static_cast<unsigned>(g.channels), static_cast<unsigned>(shares)), block_threads, reduced, g, parts);
    finish(finish_blocks(g.channels), parts, shares, values);
    const index items = g.size() / count.value;
    if (items == 0)
      return;
    const auto of = written(values);
    with_counter(g.size(), [&](auto counter) {
      using Counter = decltype(counter);
      using To = std::remove_const_t<decltype(of)>;
      launch(ctx, g.last ? write_values<count.value, true, To, T, Counter> : write_values<count.value, false, To, T, Counter>, blocks_for(ctx, items),
             block_threads, of, out, g, static_cast<Counter>(items));
    });
  };
  if (packed)
    with(std::integral_constant<int, pack>());
  else
    with(std::integral_constant<int, 1>());
}

template <class T>
void batch_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight, const Tensor<T> &y,
                   const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                   const BatchNormOptionsOf<T> &options) {
  const BatchNormGeometry g("batch_norm", x, weight);
  require_like("batch_norm", x, y);
  for (const Tensor<f32> *channels : {&scale, &bias, &mean_part, &variance_part, &mean, &inverse})
    require_channels("batch_norm", x, *channels);
  const T *residual = options.residual.data();
  if (residual)
    require_like("batch_norm", x, options.residual);
  require_running("batch_norm", x, options.running_mean, options.running_variance);
  const Statistics to{mean_part.data(),
                      variance_part.data(),
                      mean.data(),
                      inverse.data(),
                      options.running_mean.data(),
                      options.running_variance.data(),
                      options.biased_variance};
  run<T>(
      ctx, g, Images<T>{x.data()}, y.data(), {x.data(), y.data(), residual}, {to.mean, bias.data()},
      [&](dim3 blocks, const Moments *parts, index shares, f32 *factor) {
        launch(ctx, finish_statistics, blocks, block_threads, parts, shares, g, options.epsilon, scale.data(), to, factor);
      },
      [&](const f32 *factor) { return Normalise<T>{x.data(), residual, to.mean, factor, bias.data(), options.activation, options.alpha}; });
}

template <bool behind_relu, class T>
void gradient_of(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, const Tensor<f32> &mean,
                 const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias, const Tensor<f32> &bias) {
  const BatchNormGeometry g("batch_norm_gradient", x, weight);
  require_like("batch_norm_gradient", x, dy);
  require_like("batch_norm_gradient", x, dx);
  for (const Tensor<f32> *channels : {&scale, &mean, &inverse, &dscale, &dbias})
    require_channels("batch_norm_gradient", x, *channels);
  if (behind_relu)
    require_channels("batch_norm_gradient", x, bias);
  run<T>(
      ctx, g, Slopes<T, behind_relu>{x.data(), dy.data(), mean.data(), scale.data(), inverse.data(), bias.data()}, dx.data(),
      {x.data(), dy.data(), dx.data()}, {mean.data(), bias.data()},
      [&](dim3 blocks, const SlopeSums *parts, index shares, f32 *values) {
        launch(ctx, finish_gradient, blocks, block_threads, parts, shares, g, scale.data(), inverse.data(), dscale.data(), dbias.data(), values,
               values + g.channels, values + 2 * g.channels);
      },
      [&](const f32 *values) {
        return NormaliseBack<T, behind_relu>{x.data(), dy.data(), mean.data(), bias.data(), values, values + g.channels, values + 2 * g.channels};
      });
}

} // namespace

#define DTCRT_BATCH_NORM(T)                                                                                                            \
  void batch_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,      \
                  const Tensor<T> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean,         \
                  const Tensor<f32> &inverse, const BatchNormOptionsOf<T> &o) {                                                        \
    batch_norm_of(ctx, x, scale, bias, weight, y, mean_part, variance_part, mean, inverse, o);                                         \
  }                                                                                                                                    \
  void batch_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &weight, \
                           const Tensor<f32> &mean, const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale,        \
                           const Tensor<f32> &dbias, const BatchNormGradientOptions &o) {                                              \
    if (o.relu_bias.data())                                                                                                            \
      gradient_of<true>(ctx, dy, x, scale, weight, mean, inverse, dx, dscale, dbias, o.relu_bias);                                     \
    else                                                                                                                               \
      gradient_of<false>(ctx, dy, x, scale, weight, mean, inverse, dx, dscale, dbias, o.relu_bias);                                    \
  }
DTCRT_BATCH_NORM(f32)
DTCRT_BATCH_NORM(bf16)
#undef DTCRT_BATCH_NORM

} // namespace dtcrt

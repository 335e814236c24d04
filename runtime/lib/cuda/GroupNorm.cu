// Group normalisation and its gradient: what is summed of each sample's channels, then of groups; then one pass that writes.
#include "cuda/ColumnBlocks.h"
#include "cuda/Moments.h"
#include "dtcrt/sample_normalisation.h"
#include "math/SampleNormGeometry.h"
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
  using Sums = RunningMoments;

  template <int count> __device__ void take(Values<count> &to, index at) const { to = load<count>(x + at); }
  template <int count> __device__ static void add(Sums &to, const Values<count> &of, int j, f32) { to.add(of[j]); }
  __device__ f32 mean(index) const { return 0; }
};

/// The values of dy with those of x, for the gradient's sums.
template <class T> struct Slopes {
  const T *x, *dy;
  const f32 *means;
  template <int count> struct Values {
    Pack<T, count> x, dy;
  };
  using Part = SlopeSums;
  using Sums = RunningSlopes;

  template <int count> __device__ void take(Values<count> &to, index at) const {
    to.x = load<count>(x + at);
    to.dy = load<count>(dy + at);
  }
  template <int count> __device__ static void add(Sums &to, const Values<count> &of, int j, f32 mean) { to.add(of.dy[j], of.x[j] - mean); }
  __device__ f32 mean(index group) const { return means[group]; }
};

/// Channels innermost: parts [sample, share, channel] of what a block's positions hold. grid (chunks of channels, shares, samples).
template <int count, class Of> __global__ void take_columns(Of of, GroupNormGeometry g, int across, typename Of::Part *parts) {
  using Values = typename Of::template Values<count>;
  const index channel = (index(blockIdx.x) * across + threadIdx.x % across) * count;
  const bool is_channel = channel < g.channels;
  for (index sample = blockIdx.z; sample < g.samples; sample += gridDim.z) {
    typename Of::Sums sums[count];
    if (is_channel) {
      f32 means[count];
      for (int j = 0; j < count; ++j)
        means[j] = of.mean(g.group(sample, channel + j));
      for_rows<Values>(
          g.positions, across,
          [&](index position, Values &to) {
            of.template take<count>(to, g.at(sample) + position * g.channels + channel);
            return true;
          },
          [&](const Values &values) {
            for (int j = 0; j < count; ++j)
              Of::template add<count>(sums[j], values, j, means[j]);
          });
    }
    for (int j = 0; j < count; ++j) {
      const typename Of::Part part = merge_rows(sums[j].part(), across, Merge());
      if (is_channel && static_cast<int>(threadIdx.x) < across)
        parts[(sample * gridDim.y + blockIdx.y) * g.channels + channel + j] = part;
    }
  }
}

/// Positions innermost: the same, of one share; a block takes a channel of a sample.
template <class Of> __global__ void take_planes(Of of, GroupNormGeometry g, typename Of::Part *parts) {
  using Values = typename Of::template Values<1>;
  for (index plane = blockIdx.x; plane < g.samples * g.channels; plane += gridDim.x) {
    const f32 mean = of.mean(g.group(plane / g.channels, plane % g.channels));
    typename Of::Sums sums;
    for (index p = threadIdx.x; p < g.positions; p += block_threads) {
      Values values;
      of.template take<1>(values, plane * g.positions + p);
      Of::template add<1>(sums, values, 0, mean);
    }
    const typename Of::Part part = merge_rows(sums.part(), 1, Merge());
    if (threadIdx.x == 0)
      parts[plane] = part;
  }
}

/// The group of a thread where a block finishes `finish_across` groups, and its channels.
struct GroupOfThread {
  static constexpr index lanes = block_threads / finish_across;
  index at, sample, begin; ///< among all of [sample, group]; the first channel
  int place, lane;         ///< of the group in the block, of the thread in the group
  bool exists;

  __device__ explicit GroupOfThread(const GroupNormGeometry &g)
      : place(static_cast<int>(threadIdx.x) % finish_across), lane(static_cast<int>(threadIdx.x) / finish_across) {
    at = blockIdx.x * index(finish_across) + place;
    sample = at / g.groups;
    begin = (at - sample * g.groups) * g.width;
    exists = at < g.samples * g.groups;
  }
  /// visit(part, channel) for those of this lane.
  template <class Part, class Visit> __device__ void for_parts(const Part *parts, index shares, const GroupNormGeometry &g, Visit visit) const {
    if (exists)
      for (index i = lane; i < shares * g.width; i += lanes) {
        const index share = i / g.width, channel = begin + (i - share * g.width);
        visit(parts[(sample * shares + share) * g.channels + channel], channel);
      }
  }
};

/// center, factor [sample, channel]: y = (x - center) factor + bias.
__global__ void finish_statistics(const Moments *parts, index shares, GroupNormGeometry g, f64 epsilon, const f32 *scale, f32 *means, f32 *inverses,
                                  f32 *center, f32 *factor) {
  const GroupOfThread group(g);
  Moments total;
  group.for_parts(parts, shares, g, [&](const Moments &part, index) { total = Merge()(total, part); });
  total = merge_rows(total, finish_across, Merge());
  __shared__ f32 mean[finish_across], inverse[finish_across];
  if (group.exists && group.lane == 0) {
    means[group.at] = mean[group.place] = static_cast<f32>(total.mean);
    inverses[group.at] = inverse[group.place] = static_cast<f32>(1 / sqrt(total.squares / static_cast<f64>(g.width * g.positions) + epsilon));
  }
  __syncthreads(); // the groups' statistics are there
  if (group.exists)
    for (index c = group.lane; c < g.width; c += GroupOfThread::lanes) {
      const index channel = group.begin + c, at = group.sample * g.channels + channel;
      center[at] = mean[group.place];
      factor[at] = inverse[group.place] * scale[channel];
    }
}

/// With xhat = (x - mean) inverse and means over a group: dx = inverse (scale dy - mean(scale dy) - xhat mean(scale dy xhat))
/// = factor dy - a - (x - center) b, all [sample, channel].
__global__ void finish_slopes(const SlopeSums *parts, index shares, GroupNormGeometry g, const f32 *scale, const f32 *means, const f32 *inverses,
                              f32 *center, f32 *factor, f32 *a, f32 *b) {
  const GroupOfThread group(g);
  SlopeSums total;
  group.for_parts(parts, shares, g, [&](const SlopeSums &part, index channel) {
    total = Merge()(total, SlopeSums{scale[channel] * part.dy, scale[channel] * part.product});
  });
  total = merge_rows(total, finish_across, Merge());
  __shared__ f32 of_dy[finish_across], of_x[finish_across];
  const f32 inverse = group.exists ? inverses[group.at] : 0;
  if (group.exists && group.lane == 0) {
    const f64 share = inverse / static_cast<f64>(g.width * g.positions);
    of_dy[group.place] = static_cast<f32>(total.dy * share);
    of_x[group.place] = static_cast<f32>(total.product * inverse * inverse * share);
  }
  __syncthreads(); // the groups' sums are there
  if (group.exists)
    for (index c = group.lane; c < g.width; c += GroupOfThread::lanes) {
      const index channel = group.begin + c, at = group.sample * g.channels + channel;
      center[at] = means[group.at];
      factor[at] = inverse * scale[channel];
      a[at] = of_dy[group.place];
      b[at] = of_x[group.place];
    }
}

/// dscale, dbias [channel]: the sums over samples.
__global__ void finish_parameters(const SlopeSums *parts, index shares, GroupNormGeometry g, const f32 *inverses, f32 *dscale, f32 *dbias) {
  const index channel = blockIdx.x * index(finish_across) + threadIdx.x % finish_across;
  SlopeSums total;
  if (channel < g.channels)
    for (index row = threadIdx.x / finish_across; row < g.samples * shares; row += block_threads / finish_across) {
      const SlopeSums part = parts[row * g.channels + channel];
      total = Merge()(total, SlopeSums{part.dy, part.product * inverses[g.group(row / shares, channel)]});
    }
  total = merge_rows(total, finish_across, Merge());
  if (channel < g.channels && static_cast<int>(threadIdx.x) < finish_across) {
    dscale[channel] = static_cast<f32>(total.product);
    dbias[channel] = static_cast<f32>(total.dy);
  }
}

/// The values of a pack's channels from `values` at `at`: `last`, of neighbours, else of one.
template <int count, bool last> __device__ Pack<f32, count> of_channels(const f32 *values, index at) {
  if constexpr (last) {
    return load<count>(values + at);
  } else {
    Pack<f32, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = values[at];
    return result;
  }
}

/// y of a pack of x.
template <class T> struct Normalise {
  const T *x;
  const f32 *center, *factor, *bias;

  template <int count, bool last> __device__ Pack<T, count> at(index at, index channel, index of_sample) const {
    const Pack<T, count> in = load<count>(x + at);
    const Pack<f32, count> m = of_channels<count, last>(center, of_sample), f = of_channels<count, last>(factor, of_sample),
                           b = of_channels<count, last>(bias, channel);
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T((in[j] - m[j]) * f[j] + b[j]);
    return result;
  }
};

/// dx of packs of x and dy.
template <class T> struct NormaliseBack {
  const T *x, *dy;
  const f32 *center, *factor, *a, *b;

  template <int count, bool last> __device__ Pack<T, count> at(index at, index, index of_sample) const {
    const Pack<T, count> in = load<count>(x + at), slope = load<count>(dy + at);
    const Pack<f32, count> m = of_channels<count, last>(center, of_sample), f = of_channels<count, last>(factor, of_sample),
                           of_dy = of_channels<count, last>(a, of_sample), of_x = of_channels<count, last>(b, of_sample);
    Pack<T, count> result;
    for (int j = 0; j < count; ++j)
      result[j] = T(slope[j] * f[j] - of_dy[j] - (in[j] - m[j]) * of_x[j]);
    return result;
  }
};

/// What `of` gives. Packs lie inside a line of channels or of positions.
template <int count, bool last, class Of, class T, class Counter> __global__ void write_values(Of of, T *out, GroupNormGeometry g, Counter packs) {
  const Counter channels = static_cast<Counter>(g.channels), positions = static_cast<Counter>(g.positions);
  for (Counter i = first_item<Counter>(); i < packs; i += item_step<Counter>()) {
    const Counter at = i * count, plane = at / positions;
    const Counter channel = last ? at % channels : plane % channels;
    const Counter of_sample = last ? at / (channels * positions) * channels + channel : plane;
    store(out + at, of.template at<count, last>(at, channel, of_sample));
  }
}

/// All three steps: `reduced` is what a first pass reduces; finish(blocks, parts, shares, values) launches the second, for which there is
/// room for four values a sample's channel; written(values) is what the third writes to `out`.
template <class T, class Of, class Finish, class Written>
void run(Context &ctx, const GroupNormGeometry &g, Of reduced, T *out, std::initializer_list<const T *> images, const f32 *bias, Finish finish, Written written) {
  using Part = typename Of::Part;
  constexpr int pack = pack_size<T>;
  const bool packed = packs<pack, T>(images, {g.last ? g.channels : g.positions}) && packs<pack, f32>({bias}, {});
  const auto with = [&](auto count) {
    const ColumnBlocks blocks(g.last ? g.channels / count.value : 1, g.positions);
    const index shares = g.last ? blocks.shares : 1;
    // Values first: they are read in packs.
    auto *values = static_cast<f32 *>(workspace(ctx, static_cast<std::size_t>(g.samples * g.channels) * (4 * sizeof(f32) + static_cast<std::size_t>(shares) * sizeof(Part))));
    auto *parts = reinterpret_cast<Part *>(values + 4 * g.samples * g.channels);
    if (g.samples > 0 && g.last)
      launch(ctx, take_columns<count.value, Of>,
             dim3(static_cast<unsigned>(blocks.chunks), static_cast<unsigned>(shares), static_cast<unsigned>(std::min<index>(g.samples, 65535))), block_threads,
             reduced, g, blocks.across, parts);
    else if (g.samples > 0)
      launch(ctx, take_planes<Of>, blocks_for(ctx, g.samples * g.channels, 1), block_threads, reduced, g, parts);
    finish(finish_blocks(g.samples * g.groups), parts, shares, values);
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
void group_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<T> &y, const Tensor<f32> &mean,
                   const Tensor<f32> &inverse, const GroupNormOptions &options) {
  const GroupNormGeometry g("group_norm", x, mean);
  g.require_like("group_norm", x, y);
  g.require_statistic("group_norm", mean, inverse);
  g.require_channels("group_norm", scale);
  g.require_channels("group_norm", bias);
  const index values_of_kind = g.samples * g.channels;
  run<T>(
      ctx, g, Images<T>{x.data()}, y.data(), {x.data(), y.data()}, bias.data(),
      [&](dim3 blocks, const Moments *parts, index shares, f32 *values) {
        if (g.samples > 0)
          launch(ctx, finish_statistics, blocks, block_threads, parts, shares, g, options.epsilon, scale.data(), mean.data(), inverse.data(), values,
                 values + values_of_kind);
      },
      [&](const f32 *values) { return Normalise<T>{x.data(), values, values + values_of_kind, bias.data()}; });
}

template <class T>
void gradient_of(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                 const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias) {
  const char *call = "group_norm_gradient";
  const GroupNormGeometry g(call, x, mean);
  g.require_like(call, x, dy);
  g.require_like(call, x, dx);
  g.require_statistic(call, mean, inverse);
  for (const Tensor<f32> *parameter : {&scale, &dscale, &dbias})
    g.require_channels(call, *parameter);
  const index values_of_kind = g.samples * g.channels;
  run<T>(
      ctx, g, Slopes<T>{x.data(), dy.data(), mean.data()}, dx.data(), {x.data(), dy.data(), dx.data()}, nullptr,
      [&](dim3 blocks, const SlopeSums *parts, index shares, f32 *values) {
        if (g.samples > 0)
          launch(ctx, finish_slopes, blocks, block_threads, parts, shares, g, scale.data(), mean.data(), inverse.data(), values, values + values_of_kind,
                 values + 2 * values_of_kind, values + 3 * values_of_kind);
        launch(ctx, finish_parameters, finish_blocks(g.channels), block_threads, parts, shares, g, inverse.data(), dscale.data(), dbias.data());
      },
      [&](const f32 *values) {
        return NormaliseBack<T>{x.data(), dy.data(), values, values + values_of_kind, values + 2 * values_of_kind, values + 3 * values_of_kind};
      });
}

} // namespace

#define DTCRT_GROUP_NORM(T)                                                                                                            \
  void group_norm(Context &ctx, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<T> &y,             \
                  const Tensor<f32> &mean, const Tensor<f32> &inverse, const GroupNormOptions &o) {                                    \
    group_norm_of(ctx, x, scale, bias, y, mean, inverse, o);                                                                           \
  }                                                                                                                                    \
  void group_norm_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &x, const Tensor<f32> &scale, const Tensor<f32> &mean,   \
                           const Tensor<f32> &inverse, const Tensor<T> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias) {     \
    gradient_of(ctx, dy, x, scale, mean, inverse, dx, dscale, dbias);                                                                  \
  }
DTCRT_GROUP_NORM(f32)
DTCRT_GROUP_NORM(bf16)
#undef DTCRT_GROUP_NORM

} // namespace dtcrt

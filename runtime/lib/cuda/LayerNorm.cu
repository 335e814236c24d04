// Layer and RMS normalisation and their gradient: a team of threads takes a row, which its caches keep from the statistics to the result;
// sums over rows are added up in column blocks, in another pass.
#include "cuda/ClassRows.h"
#include "cuda/ColumnBlocks.h"
#include "dtcrt/sample_normalisation.h"
#include "math/SampleNormGeometry.h"
#include "math/Workspace.h"

namespace dtcrt {

namespace {

using namespace device;

struct Statistics {
  f32 mean, inverse;
};

/// Of a row, in all lanes. Two passes, each measured from near the mean, so that a variance that is small beside it stays exact.
template <int lanes, int count, bool centered, class T> __device__ Statistics statistics_of(const T *x, index length, f64 epsilon) {
  const auto size = static_cast<f64>(length);
  f32 mean = 0;
  if constexpr (centered) {
    const f32 shift = x[0];
    LongSum distances;
    for_classes<lanes, count>(x, length, 1, [&](index, const Pack<T, count> &values) {
      for (int j = 0; j < count; ++j)
        distances.add(values[j] - shift);
    });
    mean = static_cast<f32>(shift + Team<lanes>::sum(distances.total()) / size);
  }
  LongSum rest, squares;
  for_classes<lanes, count>(x, length, 1, [&](index, const Pack<T, count> &values) {
    for (int j = 0; j < count; ++j) {
      const f32 distance = values[j] - mean;
      if constexpr (centered)
        rest.add(distance);
      squares.add(distance * distance);
    }
  });
  f64 total = Team<lanes>::sum(squares.total());
  if constexpr (centered) {
    const f64 of_rest = Team<lanes>::sum(rest.total());
    total -= of_rest * of_rest / size; // the mean has been rounded
  }
  return {mean, static_cast<f32>(1 / sqrt((total < 0 ? 0 : total) / size + epsilon))}; // NaN stays NaN
}

/// `mean`: written where `centered`.
template <int lanes, int count, bool centered, class T>
__global__ void normalise_rows(NormRows r, const T *x, const f32 *scale, const f32 *bias, f64 epsilon, T *y, f32 *mean, f32 *inverse) {
  constexpr index teams = block_threads / lanes;
  for (index row = blockIdx.x * teams + threadIdx.x / lanes; row < r.rows; row += gridDim.x * teams) {
    const T *in = x + row * r.length;
    T *out = y + row * r.length;
    const Statistics of = statistics_of<lanes, count, centered>(in, r.length, epsilon);
    if (Team<lanes>::lane() == 0) {
      if constexpr (centered)
        mean[row] = of.mean;
      inverse[row] = of.inverse;
    }
    for_classes<lanes, count>(in, r.length, 1, [&](index i, const Pack<T, count> &values) {
      Pack<f32, count> v;
      for (int j = 0; j < count; ++j)
        v[j] = (values[j] - of.mean) * of.inverse;
      if (scale) {
        const Pack<f32, count> factor = load<count>(scale + i);
        for (int j = 0; j < count; ++j)
          v[j] *= factor[j];
      }
      if (bias) {
        const Pack<f32, count> shift = load<count>(bias + i);
        for (int j = 0; j < count; ++j)
          v[j] += shift[j];
      }
      Pack<T, count> result;
      for (int j = 0; j < count; ++j)
        result[j] = T(v[j]);
      store(out + i, result);
    });
  }
}

/// scale dy of a pack.
template <int count, class T> __device__ Pack<f32, count> scaled(const Pack<T, count> &dy, const f32 *scale, index i) {
  Pack<f32, count> result;
  for (int j = 0; j < count; ++j)
    result[j] = dy[j];
  if (scale) {
    const Pack<f32, count> factor = load<count>(scale + i);
    for (int j = 0; j < count; ++j)
      result[j] *= factor[j];
  }
  return result;
}

/// With xhat = (x - mean) inverse: dx = inverse (scale dy - mean(scale dy) - xhat mean(scale dy xhat)), without mean(scale dy) for rms_norm.
template <int lanes, int count, bool centered, class T>
__global__ void rows_back(NormRows r, const T *dy, const T *x, const f32 *mean, const f32 *inverse, const f32 *scale, T *dx) {
  constexpr index teams = block_threads / lanes;
  for (index row = blockIdx.x * teams + threadIdx.x / lanes; row < r.rows; row += gridDim.x * teams) {
    const T *in = x + row * r.length, *slope = dy + row * r.length;
    T *out = dx + row * r.length;
    const f32 middle = centered ? mean[row] : 0, factor = inverse[row];
    LongSum of_dy, of_product;
    for_classes<lanes, count>(in, r.length, 1, [&](index i, const Pack<T, count> &values) {
      const Pack<f32, count> counts = scaled(load<count>(slope + i), scale, i);
      for (int j = 0; j < count; ++j) {
        if constexpr (centered)
          of_dy.add(counts[j]);
        of_product.add(counts[j] * ((values[j] - middle) * factor));
      }
    });
    const f32 b = static_cast<f32>(Team<lanes>::sum(of_product.total()) / static_cast<f64>(r.length));
    f32 a = 0;
    if constexpr (centered)
      a = static_cast<f32>(Team<lanes>::sum(of_dy.total()) / static_cast<f64>(r.length));
    for_classes<lanes, count>(in, r.length, 1, [&](index i, const Pack<T, count> &values) {
      const Pack<f32, count> counts = scaled(load<count>(slope + i), scale, i);
      Pack<T, count> result;
      for (int j = 0; j < count; ++j)
        result[j] = T(factor * (counts[j] - a - (values[j] - middle) * factor * b));
      store(out + i, result);
    });
  }
}

/// The sums over rows of dy and of dy xhat.
struct ColumnSums {
  f64 dy = 0, product = 0;
};
struct AddSums {
  __device__ ColumnSums operator()(const ColumnSums &a, const ColumnSums &b) const { return {a.dy + b.dy, a.product + b.product}; }
};

/// parts [share, column] of what a block's rows hold; grid (chunks of columns, shares). `mean`: nullptr for rms_norm.
template <int count, class T>
__global__ void take_columns(NormRows r, const T *dy, const T *x, const f32 *mean, const f32 *inverse, int across, ColumnSums *parts) {
  struct Values {
    Pack<T, count> dy, x;
    f32 mean, inverse;
  };
  const index column = (index(blockIdx.x) * across + threadIdx.x % across) * count;
  const bool is_column = column < r.length;
  LongSum of_dy[count], of_product[count];
  if (is_column)
    for_rows<Values>(
        r.rows, across,
        [&](index row, Values &to) {
          to = {load<count>(dy + row * r.length + column), load<count>(x + row * r.length + column), mean ? mean[row] : 0, inverse[row]};
          return true;
        },
        [&](const Values &values) {
          for (int j = 0; j < count; ++j) {
            const f32 slope = values.dy[j];
            of_dy[j].add(slope);
            of_product[j].add(slope * ((values.x[j] - values.mean) * values.inverse));
          }
        });
  for (int j = 0; j < count; ++j) {
    const ColumnSums part = merge_rows(ColumnSums{of_dy[j].total(), of_product[j].total()}, across, AddSums());
    if (is_column && static_cast<int>(threadIdx.x) < across)
      parts[blockIdx.y * r.length + column + j] = part;
  }
}

/// Each of dscale and dbias may be nullptr.
__global__ void finish_columns(const ColumnSums *parts, index shares, index length, f32 *dscale, f32 *dbias) {
  const auto [column, is_first, total] = finish_column(parts, shares, length, AddSums());
  if (!is_first)
    return;
  if (dscale)
    dscale[column] = static_cast<f32>(total.product);
  if (dbias)
    dbias[column] = static_cast<f32>(total.dy);
}

/// run(lanes, values of a pack) for rows at these addresses.
template <class T, class Run>
void with_rows(const NormRows &r, std::initializer_list<const T *> rows, std::initializer_list<const f32 *> parameters, Run run) {
  constexpr int pack = pack_size<T>;
  with_team<pack>(r.length, true, packs<pack, T>(rows, {r.length}) && packs<pack, f32>(parameters, {}), run);
}

template <bool centered, class T>
void normalise(Context &ctx, const NormRows &r, const T *x, const f32 *scale, const f32 *bias, f64 epsilon, T *y, f32 *mean, f32 *inverse) {
  if (r.rows == 0)
    return;
  with_rows<T>(r, {x, y}, {scale, bias}, [&](auto lanes, auto count) {
    launch(ctx, normalise_rows<lanes.value, count.value, centered, T>, blocks_for(ctx, r.rows * lanes.value), block_threads, r, x, scale, bias, epsilon, y,
           mean, inverse);
  });
}

template <class T>
void layer_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                   const LayerNormOptions &o) {
  const NormRows r("layer_norm", x, inverse);
  r.require_like("layer_norm", x, y);
  r.require_statistic("layer_norm", inverse, mean);
  r.require_parameter("layer_norm", o.scale);
  r.require_parameter("layer_norm", o.bias);
  normalise<true, T>(ctx, r, x.data(), o.scale.data(), o.bias.data(), o.epsilon, y.data(), mean.data(), inverse.data());
}

template <class T>
void rms_norm_of(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const Tensor<f32> &inverse, const RmsNormOptions &o) {
  const NormRows r("rms_norm", x, inverse);
  r.require_like("rms_norm", x, y);
  r.require_parameter("rms_norm", o.scale);
  normalise<false, T>(ctx, r, x.data(), o.scale.data(), nullptr, o.epsilon, y.data(), nullptr, inverse.data());
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
  if (r.rows > 0)
    with_rows<T>(r, {dy.data(), x.data(), dx.data()}, {o.scale.data()}, [&](auto lanes, auto count) {
      const auto kernel = o.mean ? rows_back<lanes.value, count.value, true, T> : rows_back<lanes.value, count.value, false, T>;
      launch(ctx, kernel, blocks_for(ctx, r.rows * lanes.value), block_threads, r, dy.data(), x.data(), o.mean.data(), inverse.data(), o.scale.data(),
             dx.data());
    });
  if (!o.scale_gradient && !o.bias_gradient)
    return;
  const auto sum = [&](auto count) {
    const ColumnBlocks blocks(r.length / count.value, r.rows);
    auto *parts = static_cast<ColumnSums *>(workspace(ctx, static_cast<std::size_t>(blocks.shares * r.length) * sizeof(ColumnSums)));
    launch(ctx, take_columns<count.value, T>, dim3(static_cast<unsigned>(blocks.chunks), static_cast<unsigned>(blocks.shares)), block_threads, r, dy.data(),
           x.data(), o.mean.data(), inverse.data(), blocks.across, parts);
    launch(ctx, finish_columns, finish_blocks(r.length), block_threads, parts, blocks.shares, r.length, o.scale_gradient.data(), o.bias_gradient.data());
  };
  if (packs<pack_size<T>, T>({dy.data(), x.data()}, {r.length}))
    sum(std::integral_constant<int, pack_size<T>>());
  else
    sum(std::integral_constant<int, 1>());
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

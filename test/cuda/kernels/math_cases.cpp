// Every math call on sizes that are drawn at random, and mostly multiples of nothing: computed by the CPU's library, and compared with it by
// the GPU's on the emulation, in several orders of threads.
//   math_cases_cpu write FILE [SEEDS]; math_cases_cuda compare FILE [SEEDS]
#include <dtcrt/gather.h>
#include <dtcrt/attention.h>
#include <dtcrt/loss.h>
#include <dtcrt/movement.h>
#include <dtcrt/normalisation.h>
#include <dtcrt/update.h>
#include <dtcrt/pooling.h>
#include <dtcrt/random.h>
#include <dtcrt/reduction.h>
#include <dtcrt/sample_normalisation.h>

#include "../../Unit/runtime/Formulas.h"


#ifdef DTCRT_CUDA
#include <cuda_emulation.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

/// What a call wrote.
struct Result {
  std::string name;
  f32 tolerance;
  std::vector<f32> values;
};

constexpr Layout layouts[] = {row_major, channels_last};

/// What a result of type T may differ by: one rounding, for bf16.
template <class T> constexpr f32 tolerance_of(f32 of_f32) { return std::is_same_v<T, bf16> ? 1.0f / 128 : of_f32; }

/// The sizes, values and tensors of one run, the same for both libraries.
class Cases {
public:
  explicit Cases(unsigned seed) : random_(seed) {}
  std::vector<Result> results;

  index number(index low, index high) { return std::uniform_int_distribution<index>(low, high)(random_); }
  bool flip() { return number(0, 1) == 1; }
  Layout layout(int rank) { return rank >= 3 ? layouts[number(0, 1)] : row_major; }
  /// Rarely whole packs, rarely none.
  index channels() {
    static constexpr index sizes[] = {1, 3, 4, 5, 8, 13, 16, 33, 40};
    return sizes[number(0, 8)];
  }

  /// A tensor with memory of its own, exactly as large as it is; half of them do not begin at a multiple of 16 bytes.
  template <class T> Tensor<T> tensor(const Dims &shape, Layout layout = row_major, f64 low = -2, f64 high = 2) {
    const index size = shape.product(), lead = flip() ? number(1, 3) : 0;
    auto memory = std::shared_ptr<T>(new T[static_cast<std::size_t>(size + lead)], std::default_delete<T[]>());
    memory_.push_back(memory);
    std::uniform_real_distribution<f64> values(low, high);
    for (index i = 0; i < size + lead; ++i)
      memory.get()[i] = static_cast<T>(values(random_));
    return Tensor<T>(memory.get() + lead, shape, layout);
  }
  /// A view inside a larger tensor: every dimension has room on both sides.
  template <class T> Tensor<T> view(const Dims &shape, Layout layout) {
    Dims room = shape;
    index offset = 0;
    for (int d = 0; d < room.size(); ++d)
      room[d] += number(0, 2);
    const Tensor<T> whole = tensor<T>(room, layout);
    for (int d = 0; d < room.size(); ++d)
      offset += number(0, room[d] - shape[d]) * whole.strides()[d];
    return Tensor<T>(whole.data() + offset, shape, whole.strides());
  }
  /// Weights of samples, of which some are padding.
  Tensor<f32> weights(index samples) {
    const Tensor<f32> weight = tensor<f32>({samples}, row_major, 0.1, 1);
    for (index i = 0; i < samples; ++i)
      if (number(0, 4) == 0)
        weight.data()[i] = 0;
    return weight;
  }
  template <class T> void record(const std::string &name, const Tensor<T> &t, f32 tolerance = tolerance_of<T>(1e-5f)) {
    Result result{name, tolerance, {}};
    for (index i = 0; i < t.size(); ++i) {
      index rest = i, offset = 0;
      for (int d = t.rank() - 1; d >= 0; --d) {
        offset += rest % t.dim(d) * t.strides()[d];
        rest /= t.dim(d);
      }
      result.values.push_back(static_cast<f32>(t.data()[offset]));
    }
    results.push_back(std::move(result));
  }

private:
  std::mt19937 random_;
  std::deque<std::shared_ptr<void>> memory_;
};

template <class T> void softmaxes(Context &ctx, Cases &c) {
  Dims shape;
  const int rank = static_cast<int>(c.number(1, 4)), axis = static_cast<int>(c.number(0, rank - 1));
  for (int d = 0; d < rank; ++d)
    shape.push_back(d == axis ? (c.flip() ? c.number(1, 40) : c.number(41, 700)) : c.number(1, 6));
  const Tensor<T> x = c.flip() ? c.view<T>(shape, c.layout(rank)) : c.tensor<T>(shape, c.layout(rank)), y = c.tensor<T>(shape, c.layout(rank));
  softmax(ctx, x, y, {.axis = axis});
  c.record("softmax", y);
  log_softmax(ctx, x, y, {.axis = axis - rank});
  c.record("log_softmax", y);
  const Tensor<f32> wide = c.tensor<f32>(shape, c.layout(rank));
  softmax(ctx, x, wide, {.axis = axis});
  c.record("softmax to f32", wide);
}

/// Indices of both signs, some of them often.
template <class T, class I> void gathers(Context &ctx, Cases &c) {
  const int rank = static_cast<int>(c.number(1, 3)), axis = static_cast<int>(c.number(0, rank - 1));
  Dims data, slices, which;
  for (int d = 0; d < rank; ++d)
    data.push_back(d == axis ? c.number(1, 50) : c.flip() ? c.number(1, 12) : 8 * c.number(1, 5));
  for (index d = c.number(0, 2); d > 0; --d)
    which.push_back(c.number(1, 8));
  for (int d = 0; d < axis; ++d)
    slices.push_back(data[d]);
  for (index size : which)
    slices.push_back(size);
  for (int d = axis + 1; d < rank; ++d)
    slices.push_back(data[d]);
  const Tensor<T> table = c.tensor<T>(data), y = c.tensor<T>(slices), dy = c.tensor<T>(slices);
  const f64 rows = static_cast<f64>(c.flip() ? data[axis] : std::min<index>(data[axis], 3));
  const Tensor<I> ids = c.tensor<I>(which, row_major, -rows, rows);
  gather(ctx, table, ids, y, {.axis = axis});
  c.record("gather", y, 0);
  const Tensor<f32> dtable = c.tensor<f32>(data);
  gather_gradient(ctx, dy, ids, dtable, {.axis = axis});
  c.record("gather_gradient", dtable, 0); // added in one order
  gather_gradient(ctx, y, ids, dtable, {.axis = axis, .accumulate = true});
  c.record("gather_gradient, added", dtable, 0);
}

template <class T> void dropouts(Context &ctx, Cases &c) {
  const index outer = c.number(1, 3), samples = c.number(1, 9), inner = c.flip() ? c.number(1, 40) : 4 * c.number(1, 300);
  const Dims shape{outer, samples, inner};
  const Tensor<T> x = c.tensor<T>(shape), y = c.tensor<T>(shape);
  const Tensor<i64> sample = c.tensor<i64>({samples}, row_major, 0, 1000), step = c.tensor<i64>({}, row_major, 1, 1000);
  ctx.set_seed(static_cast<std::uint64_t>(c.number(0, 1000)));
  dropout(ctx, x, step, y, {.sample = sample, .ratio = 0.3, .stream = c.number(0, 9), .outer = outer});
  c.record("dropout", y, 0);
  dropout(ctx, x, step, y, {.ratio = 0.5});
  c.record("dropout without samples", y, 0);
}

template <class T> void attentions(Context &ctx, Cases &c) {
  static constexpr index widths[] = {1, 5, 16, 33, 64, 70};
  const index samples = c.number(1, 2), groups = c.number(1, 2), heads = groups * c.number(1, 3), queries = c.number(1, 80);
  const index keys = c.flip() ? queries : c.number(1, 80), width = widths[c.number(0, 5)], value_width = c.flip() ? width : widths[c.number(0, 5)];
  AttentionOptions o{.scale = 0.25, .causal = c.flip(), .positions_first = c.flip()};
  const auto tensor = [&](index of_heads, index positions, index elements) {
    return c.tensor<T>(o.positions_first ? Dims{samples, positions, of_heads, elements} : Dims{samples, of_heads, positions, elements});
  };
  Dims mask;
  for (const index size : {samples, heads, queries, keys})
    if (!mask.empty() || c.flip()) // leading dimensions may be left out
      mask.push_back(c.flip() ? size : 1);
  const index kind = c.number(0, 2);
  if (kind == 1) {
    o.mask = c.tensor<bool>(mask, row_major, 0, 0);
    for (index i = 0; i < o.mask.size(); ++i)
      o.mask.data()[i] = c.number(0, 2) > 0;
  } else if (kind == 2) {
    o.bias = c.tensor<f32>(mask);
    for (index i = 0; i < o.bias.size(); ++i)
      if (c.number(0, 5) == 0)
        o.bias.data()[i] = -INFINITY;
  }
  const Tensor<T> q = tensor(heads, queries, width), k = tensor(groups, keys, width), v = tensor(groups, keys, value_width);
  const Tensor<T> y = tensor(heads, queries, value_width), dy = tensor(heads, queries, value_width);
  const Tensor<T> dq = tensor(heads, queries, width), dk = tensor(groups, keys, width), dv = tensor(groups, keys, value_width);
  const Tensor<f32> lse = c.tensor<f32>({samples, heads, queries}), dbias = c.tensor<f32>(mask);
  attention(ctx, q, k, v, y, o);
  c.record("attention alone", y);
  attention(ctx, q, k, v, y, lse, o);
  c.record("attention", y);
  c.record("attention's lse", lse);
  // Of bf16 y, which the gradient reads, differs by a rounding.
  const f32 tolerance = std::is_same_v<T, bf16> ? 0.06f : 1e-4f;
  attention_gradient(ctx, dy, q, k, v, y, lse, dq, dk, dv, o);
  c.record("attention_gradient of q", dq, tolerance);
  c.record("attention_gradient of k", dk, tolerance);
  c.record("attention_gradient of v", dv, tolerance);
  if (kind == 2 && std::is_same_v<T, f32>) {
    attention_gradient(ctx, dy, q, k, v, y, lse, dq, dk, dv, dbias, o);
    c.record("attention_gradient of a mask", dbias, 1e-3f); // sums of up to 80 80 terms
  }
}

template <class T> void class_losses(Context &ctx, Cases &c) {
  const index samples = c.number(1, 60);
  index classes = c.number(2, 50);
  if (c.number(0, 3) == 0)
    classes = c.number(51, 3000); // whole blocks for a row
  Dims shape{samples}, label_shape{samples};
  const int positions = static_cast<int>(c.number(0, 2));
  const bool last = positions == 0 || c.flip();
  if (!last)
    shape.push_back(classes);
  for (int d = 0; d < positions; ++d) {
    shape.push_back(c.number(1, 5));
    label_shape.push_back(shape.back());
  }
  if (last)
    shape.push_back(classes);
  const LossOptions options{.axis = last ? -1 : 1};
  const Tensor<T> logits = c.tensor<T>(shape, c.layout(shape.size()), -5, 5), slopes = c.tensor<T>(shape, c.layout(shape.size()));
  const Tensor<f32> weight = c.weights(samples), loss = c.tensor<f32>({});
  const Tensor<i64> label = c.tensor<i64>(label_shape, row_major, 0, static_cast<f64>(classes));
  softmax_cross_entropy(ctx, logits, label, weight, loss, options);
  c.record("softmax_cross_entropy", loss);
  softmax_cross_entropy(ctx, logits, label, weight, loss, slopes, options);
  c.record("softmax_cross_entropy with gradient", loss);
  c.record("softmax_cross_entropy's gradient", slopes);
  LossOptions counted = options;
  counted.ignore_index = 1;
  count_correct(ctx, logits, label, weight, loss, counted);
  c.record("count_correct with ignored labels", loss);
  softmax_cross_entropy(ctx, logits, label, weight, loss, slopes, counted);
  c.record("softmax_cross_entropy with ignored labels", loss);
  c.record("its gradient", slopes);
  counted.label_smoothing = 0.1;
  softmax_cross_entropy(ctx, logits, label, weight, loss, slopes, counted);
  c.record("softmax_cross_entropy of smoothed labels", loss);
  c.record("its gradient, smoothed", slopes);
  const Tensor<f32> class_weight = c.tensor<f32>({classes}, row_major, 0.1, 2);
  counted.class_weight = class_weight;
  softmax_cross_entropy(ctx, logits, label, weight, loss, counted);
  c.record("softmax_cross_entropy with class weights", loss);
  softmax_cross_entropy(ctx, logits, label, weight, loss, slopes, counted);
  c.record("its gradient, with class weights", slopes);
  for (index i = 0; i < logits.size(); ++i) // equal ones
    logits.data()[i] = T(std::floor(static_cast<f32>(logits.data()[i])));
  count_correct(ctx, logits, label, weight, loss, options);
  c.record("count_correct", loss);
}

void element_losses(Context &ctx, Cases &c) {
  const Dims shape{c.number(1, 40), c.number(1, 30), c.number(1, 30)};
  const Layout layout = c.layout(3);
  const Tensor<f32> p = c.tensor<f32>(shape, layout, 0.01, 0.99), t = c.tensor<f32>(shape, layout, 0, 1), dp = c.tensor<f32>(shape, layout);
  const Tensor<f32> weight = c.weights(shape[0]), loss = c.tensor<f32>({});
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  c.record("binary_cross_entropy", loss);
  c.record("binary_cross_entropy's gradient", dp);
  const Tensor<f32> z = c.tensor<f32>(shape, layout, -20, 20);
  const Tensor<bf16> low = c.tensor<bf16>(shape, layout, -20, 20), d_low = c.tensor<bf16>(shape, layout);
  binary_cross_entropy_with_logits(ctx, z, t, weight, loss, dp);
  c.record("binary_cross_entropy_with_logits", loss);
  c.record("binary_cross_entropy_with_logits' gradient", dp);
  binary_cross_entropy_with_logits(ctx, low, t, weight, loss);
  c.record("binary_cross_entropy_with_logits of bf16", loss);
  binary_cross_entropy_with_logits(ctx, low, t, weight, loss, d_low);
  c.record("binary_cross_entropy_with_logits' gradient of bf16", d_low, 1.0f / 128);
}

template <class T> void sums(Context &ctx, Cases &c) {
  Dims shape, kept;
  ReduceOptions options;
  const int rank = static_cast<int>(c.number(1, 5));
  const index large = c.number(0, rank - 1);
  for (int d = 0; d < rank; ++d) {
    shape.push_back(d == large ? c.number(1, rank < 3 ? 9000 : 300) : c.number(1, 8));
    if (c.flip())
      options.axes.push_back(d);
    else
      kept.push_back(shape.back());
  }
  if (options.axes.empty())
    kept = {};
  const Tensor<T> x = c.flip() ? c.view<T>(shape, c.layout(rank)) : c.tensor<T>(shape, c.layout(rank));
  const Tensor<f32> y = c.tensor<f32>(kept, c.layout(kept.size()));
  reduce_sum(ctx, x, y, options);
  c.record("reduce_sum", y, 1e-4f);
}

template <class T> void pools(Context &ctx, Cases &c) {
  const int spatial = static_cast<int>(c.number(1, 3));
  Dims x_shape{c.number(1, 3), c.channels()}, y_shape = x_shape, kernel, strides, begins, ends, dilations;
  for (int d = 0; d < spatial; ++d) {
    const index in = c.number(3, spatial == 3 ? 7 : 14), k = c.number(1, 3), dilation = k > 1 && c.number(0, 3) == 0 ? 2 : 1;
    const index reach = (k - 1) * dilation + 1, stride = c.number(1, 3);
    const index begin = std::min(c.number(0, 1), k - 1), end = std::min(c.number(0, 1), k - 1);
    const index out = std::max<index>((in + begin + end - reach + (c.flip() ? stride - 1 : 0)) / stride + 1, 1);
    x_shape.push_back(std::max(in, reach));
    y_shape.push_back(std::min(out, (std::max(in, reach) - 1 + begin) / stride + 1)); // windows begin inside
    kernel.push_back(k);
    strides.push_back(stride);
    dilations.push_back(dilation);
    begins.push_back(begin);
    ends.push_back(end);
  }
  Dims pads = begins;
  for (index end : ends)
    pads.push_back(end);
  const int rank = spatial + 2;
  const Tensor<T> x = c.tensor<T>(x_shape, c.layout(rank)), y = c.tensor<T>(y_shape, c.layout(rank)), dx = c.tensor<T>(x_shape, c.layout(rank));
  for (index i = 0; i < x.size(); ++i) // equal maxima
    x.data()[i] = T(std::floor(x.data()[i] * 2) / 2);
  const MaxPoolOptions most{.kernel = kernel, .strides = strides, .pads = pads, .dilations = dilations, .activation = static_cast<Activation>(c.number(0, 5)), .alpha = 0.1f};
  const AvgPoolOptions mean{.kernel = kernel, .strides = strides, .pads = pads, .dilations = dilations, .count_include_pad = c.flip()};
  const Tensor<T> dy = c.tensor<T>(y_shape, c.layout(rank));
  const Tensor<u8> bytes = c.tensor<u8>(y_shape, c.layout(rank), 0, 2);
  const Tensor<i32> words = c.tensor<i32>(y_shape, c.layout(rank));
  max_pool(ctx, x, y, bytes, most);
  c.record("max_pool", y);
  c.record("max_pool's positions", bytes, 0);
  max_pool_gradient(ctx, dy, bytes, dx, most);
  c.record("max_pool_gradient", dx);
  max_pool(ctx, x, y, words, most);
  c.record("max_pool's positions in words", words, 0);
  max_pool_gradient(ctx, dy, words, dx, most);
  c.record("max_pool_gradient of words", dx);
  max_pool(ctx, x, y, most);
  c.record("max_pool alone", y);
  avg_pool(ctx, x, y, mean);
  c.record("avg_pool", y);
  avg_pool_gradient(ctx, dy, dx, mean);
  c.record("avg_pool_gradient", dx);
}

template <class T> void batch_norms(Context &ctx, Cases &c) {
  const int spatial = static_cast<int>(c.number(0, 3));
  Dims shape{c.flip() ? c.number(2, 10) : c.number(11, 200), c.channels()};
  for (int d = 0; d < spatial; ++d)
    shape.push_back(c.number(1, 7));
  const Layout layout = c.layout(shape.size());
  const Dims channels{shape[1]};
  const Tensor<T> x = c.tensor<T>(shape, layout, 8, 10), y = c.tensor<T>(shape, layout), dy = c.tensor<T>(shape, layout), dx = c.tensor<T>(shape, layout);
  const Tensor<f32> scale = c.tensor<f32>(channels), bias = c.tensor<f32>(channels), weight = c.weights(shape[0]);
  const Tensor<f32> first = c.tensor<f32>(channels), second = c.tensor<f32>(channels), mean = c.tensor<f32>(channels), inverse = c.tensor<f32>(channels);
  batch_norm(ctx, x, scale, bias, weight, y, first, second, mean, inverse, {.epsilon = 1e-3, .biased_variance = shape[1] % 2 == 1});
  c.record("batch_norm", y, tolerance_of<T>(5e-5f));
  c.record("batch_norm's means", first);
  c.record("batch_norm's variances", second);
  c.record("batch_norm's mean of the share", mean);
  c.record("batch_norm's inverse deviation", inverse);
  batch_norm_gradient(ctx, dy, x, scale, weight, mean, inverse, dx, first, second);
  c.record("batch_norm_gradient", dx, tolerance_of<T>(1e-4f));
  c.record("batch_norm_gradient of the scale", first, 2e-4f);
  c.record("batch_norm_gradient of the bias", second, 1e-4f);
  const auto activation = static_cast<Activation>(c.number(0, 5));
  batch_norm(ctx, x, scale, bias, weight, y, first, second, mean, inverse, {.activation = activation, .alpha = 0.1f});
  c.record("batch_norm with an activation", y, tolerance_of<T>(5e-5f));
  batch_norm(ctx, x, scale, bias, weight, y, first, second, mean, inverse, {.residual = c.tensor<T>(shape, layout), .activation = activation, .alpha = 0.1f});
  c.record("batch_norm with a residual", y, tolerance_of<T>(5e-5f));
  // Drawn statistics: those that either library takes differ in the last place, and so would signs at 0.
  batch_norm_gradient(ctx, dy, x, scale, weight, c.tensor<f32>(channels, row_major, 8, 10), c.tensor<f32>(channels, row_major, 0.5f, 2), dx, first, second,
                      {.relu_bias = bias});
  c.record("batch_norm_gradient behind a relu", dx, tolerance_of<T>(1e-4f));
  c.record("batch_norm_gradient of the scale behind a relu", first, 2e-4f);
  c.record("batch_norm_gradient of the bias behind a relu", second, 1e-4f);
}

template <class T> void sample_norms(Context &ctx, Cases &c) {
  Dims shape, statistics, parameters;
  for (index d = 0, leading = c.number(0, 2); d < leading; ++d) {
    shape.push_back(c.number(1, d ? 9 : 60));
    statistics.push_back(shape.back());
  }
  for (index d = 0, trailing = c.number(1, 2); d < trailing; ++d) {
    shape.push_back(d ? c.number(1, 9) : c.flip() ? c.number(1, 40) : c.channels());
    parameters.push_back(shape.back());
  }
  {
    const Tensor<T> x = c.tensor<T>(shape, row_major, 8, 10), y = c.tensor<T>(shape), dy = c.tensor<T>(shape), dx = c.tensor<T>(shape);
    const Tensor<f32> scale = c.flip() ? c.tensor<f32>(parameters) : Tensor<f32>(), bias = c.flip() ? c.tensor<f32>(parameters) : Tensor<f32>();
    const Tensor<f32> mean = c.tensor<f32>(statistics), inverse = c.tensor<f32>(statistics), dscale = c.tensor<f32>(parameters), dbias = c.tensor<f32>(parameters);
    rms_norm(ctx, x, y, inverse, {.scale = scale, .epsilon = 1e-3});
    c.record("rms_norm", y, tolerance_of<T>(5e-5f));
    layer_norm_gradient(ctx, dy, x, inverse, dx, {.scale = scale, .scale_gradient = dscale});
    c.record("layer_norm_gradient of rms_norm", dx, tolerance_of<T>(1e-4f));
    c.record("layer_norm_gradient of rms_norm's scale", dscale, 2e-4f);
    layer_norm(ctx, x, y, mean, inverse, {.scale = scale, .bias = bias, .epsilon = 1e-3});
    c.record("layer_norm", y, tolerance_of<T>(5e-5f));
    c.record("layer_norm's mean", mean);
    c.record("layer_norm's inverse deviation", inverse);
    layer_norm_gradient(ctx, dy, x, inverse, dx, {.mean = mean, .scale = scale, .scale_gradient = dscale, .bias_gradient = dbias});
    c.record("layer_norm_gradient", dx, tolerance_of<T>(1e-4f));
    c.record("layer_norm_gradient of the scale", dscale, 2e-4f);
    c.record("layer_norm_gradient of the bias", dbias, 1e-4f);
  }
  const index groups = c.number(1, 6);
  Dims image{c.number(1, 6), groups * c.number(1, 12)};
  for (index d = 0, spatial = c.number(0, 3); d < spatial; ++d)
    image.push_back(c.number(1, 9));
  const Layout layout = c.layout(image.size());
  const Dims channels{image[1]}, of_groups{image[0], groups};
  const Tensor<T> x = c.tensor<T>(image, layout, 8, 10), y = c.tensor<T>(image, layout), dy = c.tensor<T>(image, layout), dx = c.tensor<T>(image, layout);
  const Tensor<f32> scale = c.tensor<f32>(channels), bias = c.tensor<f32>(channels), dscale = c.tensor<f32>(channels), dbias = c.tensor<f32>(channels);
  const Tensor<f32> mean = c.tensor<f32>(of_groups), inverse = c.tensor<f32>(of_groups);
  group_norm(ctx, x, scale, bias, y, mean, inverse, {.epsilon = 1e-3});
  c.record("group_norm", y, tolerance_of<T>(5e-5f));
  c.record("group_norm's mean", mean);
  c.record("group_norm's inverse deviation", inverse);
  group_norm_gradient(ctx, dy, x, scale, mean, inverse, dx, dscale, dbias);
  c.record("group_norm_gradient", dx, tolerance_of<T>(1e-4f));
  c.record("group_norm_gradient of the scale", dscale, 2e-4f);
  c.record("group_norm_gradient of the bias", dbias, 1e-4f);
}

template <class T> void movements_of(Context &ctx, Cases &c) {
  const int rank = static_cast<int>(c.number(1, 5));
  Dims shape, perm, turned, part, offsets, steps, wide;
  for (int d = 0; d < rank; ++d) {
    shape.push_back(c.number(1, rank < 4 ? 70 : 9));
    perm.push_back(d);
    const index step = c.number(1, 2), size = c.number(1, (shape[d] - 1) / step + 1);
    part.push_back(size);
    steps.push_back(step);
    offsets.push_back(c.number(0, shape[d] - 1 - (size - 1) * step));
  }
  for (int d = rank - 1; d > 0; --d)
    std::swap(perm[d], perm[static_cast<int>(c.number(0, d))]);
  for (index d : perm)
    turned.push_back(shape[static_cast<int>(d)]);
  const Tensor<T> x = c.tensor<T>(shape, c.layout(rank), 0, 100), y = c.tensor<T>(shape, c.layout(rank)), z = c.tensor<T>(turned, c.layout(rank));
  copy(ctx, x, y);
  c.record("copy", y, 0);
  transpose(ctx, x, z, {.perm = perm});
  c.record("transpose", z, 0);
  const Tensor<T> flat = c.tensor<T>({shape.product()}), piece = c.tensor<T>(part, c.layout(rank));
  copy(ctx, x, flat);
  c.record("copy to another shape", flat, 0);
  copy(ctx, x, z);
  c.record("copy to another shape and layout", z, 0);
  slice(ctx, x, piece, {.offsets = offsets, .steps = steps});
  c.record("slice", piece, 0);
  insert(ctx, piece, y, {.offsets = offsets});
  c.record("insert", y, 0);
  Dims narrow = shape;
  for (index &size : std::vector<std::reference_wrapper<index>>(&narrow[0], &narrow[0] + rank))
    if (c.flip())
      size = 1;
  broadcast(ctx, c.tensor<T>(narrow, c.layout(rank), 0, 100), y);
  c.record("broadcast", y, 0);
}

void movements(Context &ctx, Cases &c) {
  switch (c.number(0, 4)) {
  case 0: movements_of<f32>(ctx, c); break;
  case 3: movements_of<bf16>(ctx, c); break;
  case 1: movements_of<i64>(ctx, c); break;
  case 2: movements_of<i32>(ctx, c); break;
  default: movements_of<u8>(ctx, c); break;
  }
  Dims shape{c.number(1, 9), c.number(1, 9), c.number(1, 30)};
  const int axis = static_cast<int>(c.number(0, 2));
  std::vector<Tensor<f32>> parts;
  index total = 0;
  for (int i = 0; i < 3; ++i) {
    Dims part = shape;
    part[axis] = c.number(1, 20);
    total += part[axis];
    parts.push_back(c.tensor<f32>(part, c.layout(3)));
  }
  shape[axis] = total;
  const Tensor<f32> y = c.tensor<f32>(shape, c.layout(3)), view = c.view<f32>(shape, c.layout(3));
  concat(ctx, {parts[0], parts[1], parts[2]}, y, {.axis = axis});
  c.record("concat", y, 0);
  fill(ctx, y, c.flip() ? 0 : 3.5f);
  c.record("fill", y, 0);
  fill(ctx, view, 2);
  c.record("fill of a view", view, 0);
}

void updates(Context &ctx, Cases &c) {
  std::vector<std::vector<Tensor<f32>>> tensors;
  for (int i = 0; i < 3; ++i) {
    const Dims shape{c.number(1, 50), c.number(1, 150)};
    tensors.push_back({c.tensor<f32>(shape), c.tensor<f32>(shape), c.tensor<f32>(shape), c.tensor<f32>(shape, row_major, 0, 1)});
  }
  const auto &t = tensors;
  const Tensor<i64> step = c.tensor<i64>({}, row_major, 1, 4);
  const Tensor<f64> rate = c.tensor<f64>({}, row_major, 0.01, 0.1);
  update_parameters<Sgd<0.01>>(ctx, {{t[0][0], t[0][1]}, {t[1][0], t[1][1]}, {t[2][0], t[2][1]}}, rate, step);
  update_parameters<Momentum<0.9, 0.1, true>>(ctx, {{t[0][0], t[0][1], t[0][2]}, {t[1][0], t[1][1], t[1][2]}, {t[2][0], t[2][1], t[2][2]}}, rate, step);
  for (const auto &list : t) {
    c.record("sgd", list[0]);
    c.record("sgd's momentum", list[2]);
  }
  update_parameters<Adam<true, 0.1>>(
      ctx, {{t[0][0], t[0][1], t[0][2], t[0][3]}, {t[1][0], t[1][1], t[1][2], t[1][3]}, {t[2][0], t[2][1], t[2][2], t[2][3]}}, rate, step);
  for (const auto &list : t)
    for (const Tensor<f32> &tensor : {list[0], list[2], list[3]})
      c.record("adam", tensor);
  const Tensor<f32> counts[] = {c.tensor<f32>({}, row_major, 1, 2), c.tensor<f32>({}, row_major, 1, 2), c.tensor<f32>({}, row_major, 1, 2)};
  for (int times = 0; times < 2; ++times)
    update_parameters<Normed>(
        ctx, {{t[0][0], t[0][1], t[0][2], counts[0]}, {t[1][0], t[1][1], t[1][2], counts[1]}, {t[2][0], t[2][1], t[2][2], counts[2]}}, rate, step);
  for (std::size_t i = 0; i < t.size(); ++i)
    for (const Tensor<f32> &tensor : {t[i][0], t[i][2], counts[i]})
      c.record("normed", tensor);
  running_average_update(ctx, {{t[0][0], t[0][1]}, {t[1][0], t[1][1]}, {t[2][0], t[2][1]}}, {.momentum = 0.3});
  for (const auto &list : t)
    c.record("running_average_update", list[0]);
}

std::vector<Result> run_all(Context &ctx, unsigned seeds) {
  std::vector<Result> results;
  constexpr void (*families[])(Context &, Cases &) = {
      softmaxes<f32>,  class_losses<f32>,  sums<f32>,  pools<f32>,  batch_norms<f32>,  element_losses, movements, gathers<f32, i64>, gathers<bf16, i32>,
      softmaxes<bf16>, class_losses<bf16>, sums<bf16>, pools<bf16>, batch_norms<bf16>, updates,
      sample_norms<f32>, sample_norms<bf16>, dropouts<f32>, dropouts<bf16>, attentions<f32>, attentions<bf16>};
  for (unsigned seed = 0; seed < seeds; ++seed)
    for (std::size_t f = 0; f < std::size(families); ++f) {
      Cases cases(seed * 100 + static_cast<unsigned>(f));
      families[f](ctx, cases);
      for (Result &result : cases.results) {
        result.name += " of seed " + std::to_string(seed);
        results.push_back(std::move(result));
      }
    }
  return results;
}

bool agree(f32 a, f32 b, f32 tolerance) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance * (1 + std::abs(b));
}

/// The number of results in which something differs; the first of them are told.
int compare(const std::vector<Result> &actual, const std::vector<Result> &expected, bool exactly, const char *against) {
  int different = 0;
  if (actual.size() != expected.size()) {
    std::printf("%zu results, %s %zu\n", actual.size(), against, expected.size());
    return 1;
  }
  for (std::size_t i = 0; i < actual.size(); ++i)
    for (std::size_t j = 0; j < actual[i].values.size(); ++j) {
      const f32 a = actual[i].values[j], b = expected[i].values[j];
      if (exactly ? std::memcmp(&a, &b, sizeof a) == 0 : agree(a, b, expected[i].tolerance))
        continue;
      if (++different <= 10)
        std::printf("%s: element %zu of %zu is %.9g, %s %.9g\n", actual[i].name.c_str(), j, actual[i].values.size(), a, against, b);
      break;
    }
  return different;
}

int run(int argc, char **argv) {
  if (argc < 3)
    return 2;
  const unsigned seeds = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 10;
  Context ctx(2);
  const std::string mode = argv[1], file = argv[2];
  if (mode == "write") {
    std::ofstream out(file, std::ios::binary);
    for (const Result &result : run_all(ctx, seeds)) {
      out << result.name << '\n' << result.tolerance << ' ' << result.values.size() << '\n';
      out.write(reinterpret_cast<const char *>(result.values.data()), static_cast<std::streamsize>(result.values.size() * sizeof(f32)));
    }
    return out ? 0 : 1;
  }
  std::vector<Result> expected;
  std::ifstream in(file, std::ios::binary);
  for (Result result; std::getline(in, result.name); expected.push_back(result)) {
    std::size_t size = 0;
    in >> result.tolerance >> size;
    in.get();
    result.values.resize(size);
    in.read(reinterpret_cast<char *>(result.values.data()), static_cast<std::streamsize>(size * sizeof(f32)));
  }
  const std::vector<Result> first = run_all(ctx, seeds);
  int different = compare(first, expected, false, "on the CPU");
#ifdef DTCRT_CUDA // sums are added in one order, whatever that of the threads is
  using cuda_emulation::Order;
  cuda_emulation::set_order(Order::descending);
  different += compare(run_all(ctx, seeds), first, true, "with ascending threads");
  for (const unsigned seed : {1u, 2u}) {
    cuda_emulation::set_order(Order::random, seed);
    different += compare(run_all(ctx, seeds), first, true, "with ascending threads");
  }
#endif
  std::printf("%zu results, %d different\n", first.size(), different);
  return different ? 1 : 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

// Losses with their gradients, and the count of correct predictions.
#include "dtcrt/loss.h"
#include "cpu/Backend.h"
#include "dtcrt/kernel.h"
#include "math/Losses.h"
#include "math/Rows.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

namespace dtcrt {

namespace {

/// Sums per-row values in row order, in f64: the same for any number of threads.
f32 total(const f64 *values, index count) {
  f64 sum = 0;
  for (index i = 0; i < count; ++i)
    sum += values[i];
  return static_cast<f32>(sum);
}

/// A row's part of the loss where all classes have one: `own` of the label's, `each` of class c times its weight. The gradient, written to
/// `out`, may take the place of the logits `in`.
template <bool gradient, class T>
f64 smoothed_row(const T *in, index step, T *out, index out_step, index classes, index target, f32 own, f32 each, const f32 *class_weight) {
  f32 largest = -std::numeric_limits<f32>::infinity();
  for (index c = 0; c < classes; ++c)
    largest = std::max<f32>(largest, in[c * step]);
  const f32 of_target = in[target * step] - largest;
  f32 sum = 0;
  f64 shares = 0, below = 0; // of the weights, and of each times how far the logit is below the largest
#pragma omp simd reduction(+ : sum, shares, below)
  for (index c = 0; c < classes; ++c) {
    const f32 x = in[c * step] - largest, w = class_weight ? class_weight[c] : 1;
    sum += expf(x);
    shares += w;
    below += w == 0 ? 0 : static_cast<f64>(w) * x;
  }
  const f64 log_sum = logf(sum);
  if constexpr (gradient) {
    const f32 scale = static_cast<f32>((own + each * shares) / sum);
    const f32 kept = expf(of_target) * scale - each * (class_weight ? class_weight[target] : 1) - own;
#pragma omp simd
    for (index c = 0; c < classes; ++c)
      out[c * out_step] = T(expf(in[c * step] - largest) * scale - each * (class_weight ? class_weight[c] : 1));
    out[target * out_step] = T(kept);
  }
  return own * (log_sum - of_target) + each * (shares * log_sum - below);
}

/// `gradient` false: dlogits is not touched.
template <bool gradient, class T>
void cross_entropy(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight, const Tensor<f32> &loss,
                   const Tensor<T> &dlogits, const LossOptions &options) {
  check_labels("softmax_cross_entropy", logits, label, weight, options);
  const Rows rows(logits, options.axis), out_rows(gradient ? dlogits : logits, options.axis);
  const f32 *class_weight = options.class_weight ? options.class_weight.data() : nullptr;
  const f32 smoothing = static_cast<f32>(options.label_smoothing);
  const index classes = rows.length, step = rows.step, out_step = out_rows.step;
  const index positions = logits.dim(0) ? rows.count / logits.dim(0) : 0;
  f64 *losses = static_cast<f64 *>(ctx.backend().workspace(static_cast<std::size_t>(rows.count) * sizeof(f64)));
  const f32 share = 1.0f / static_cast<f32>(std::max<index>(positions, 1));
  index bad = rows.count;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, logits.size(), 4096)) reduction(min : bad)
  for (index row = 0; row < rows.count; ++row) {
    const index sample = row / positions;
    const i64 target = label.data()[row];
    const bool valid = target >= 0 && target < classes;
    const f32 of_position = target == options.ignore_index ? 0 : weight.data()[sample * weight.strides()[0]] * share;
    if (!valid && of_position != 0)
      bad = std::min(bad, row);
    const f32 factor = valid && class_weight ? of_position * class_weight[target] : of_position;
    const T *in = rows.at(row);
    losses[row] = 0;
    if (smoothing != 0 && of_position != 0 && valid) {
      T *out = gradient ? out_rows.at(row) : nullptr;
      losses[row] = smoothed_row<gradient>(in, step, out, out_step, classes, target, (1 - smoothing) * factor,
                                           smoothing * of_position / static_cast<f32>(classes), class_weight);
      continue;
    }
    // A padding row adds nothing to the loss, whatever its values are.
    if (factor == 0 || !valid) {
      if constexpr (gradient) {
        T *out = out_rows.at(row);
        for (index c = 0; c < classes; ++c)
          out[c * out_step] = T(0.0f);
      }
      continue;
    }
    f32 largest = -std::numeric_limits<f32>::infinity();
    for (index c = 0; c < classes; ++c)
      largest = std::max<f32>(largest, in[c * step]);
    const f32 of_target = in[target * step] - largest;
    f32 sum = 0;
    if constexpr (gradient && std::is_same_v<T, f32>) {
      f32 *out = out_rows.at(row);
#pragma omp simd reduction(+ : sum)
      for (index c = 0; c < classes; ++c) {
        const f32 e = expf(in[c * step] - largest);
        out[c * out_step] = e;
        sum += e;
      }
      const f32 scale = factor / sum;
#pragma omp simd
      for (index c = 0; c < classes; ++c)
        out[c * out_step] *= scale;
      out[target * out_step] -= factor;
    } else {
#pragma omp simd reduction(+ : sum)
      for (index c = 0; c < classes; ++c)
        sum += expf(in[c * step] - largest);
      if constexpr (gradient) { // the exponential again, rather than rounded twice
        T *out = out_rows.at(row);
        const f32 scale = factor / sum, kept = expf(of_target) * scale - factor;
#pragma omp simd
        for (index c = 0; c < classes; ++c)
          out[c * out_step] = T(expf(in[c * step] - largest) * scale);
        out[target * out_step] = T(kept);
      }
    }
    losses[row] = static_cast<f64>(factor) * (static_cast<f64>(logf(sum)) - of_target);
  }
  if (bad < rows.count)
    throw Error(describe({.sample = bad / positions, .label = label.data()[bad], .classes = classes}, ctx.rank()));
  *loss.data() = total(losses, rows.count);
}

/// Losses of single elements, meaned over the elements of a sample.
template <bool gradient, class T, class Element>
void elementwise_loss(Context &ctx, const char *call, const Tensor<T> &p, const Tensor<f32> &t, const Tensor<f32> &weight,
                      const Tensor<f32> &loss, const Tensor<T> &dp, Element element) {
  check_elements<gradient>(call, p, t, weight, dp);
  const index samples = p.dim(0), elements = samples ? p.size() / samples : 0;
  f64 *losses = static_cast<f64 *>(ctx.backend().workspace(static_cast<std::size_t>(samples) * sizeof(f64)));
  const f32 share = 1.0f / static_cast<f32>(std::max<index>(elements, 1));
  index bad = samples;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, p.size(), 4096)) reduction(min : bad)
  for (index sample = 0; sample < samples; ++sample) {
    const f32 factor = weight.data()[sample * weight.strides()[0]] * share;
    const T *in = p.data() + sample * elements;
    const f32 *target = t.data() + sample * elements;
    T *out = gradient ? dp.data() + sample * elements : nullptr;
    losses[sample] = 0;
    if (factor == 0) {
      if constexpr (gradient)
        std::fill_n(out, elements, T(0.0f));
      continue;
    }
    f64 sum = 0;
    for (index begin = 0; begin < elements; begin += 1024) {
      const index end = std::min(begin + 1024, elements);
      f32 part = 0;
      bool rules_out = false;
#pragma omp simd reduction(+ : part) reduction(|| : rules_out)
      for (index i = begin; i < end; ++i) {
        const f32 value = in[i];
        part += element.value(value, target[i]);
        rules_out = rules_out || element.rules_out(value);
        if constexpr (gradient)
          out[i] = T(factor * element.slope(value, target[i]));
      }
      sum += part;
      if (rules_out)
        bad = std::min(bad, sample);
    }
    losses[sample] = factor * sum;
  }
  if (bad < samples) {
    const T *in = p.data() + bad * elements;
    throw Error(describe({.sample = bad, .probability = *std::find_if(in, in + elements, element.rules_out)}, ctx.rank()));
  }
  *loss.data() = total(losses, samples);
}

template <bool gradient>
void binary(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss,
            const Tensor<f32> &dp) {
  elementwise_loss<gradient>(ctx, "binary_cross_entropy", p, t, weight, loss, dp, BinaryCrossEntropy());
}

template <bool gradient, class T>
void binary_with_logits(Context &ctx, const Tensor<T> &logits, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss,
                        const Tensor<T> &dlogits) {
  elementwise_loss<gradient>(ctx, "binary_cross_entropy_with_logits", logits, t, weight, loss, dlogits, BinaryCrossEntropyWithLogits());
}

template <class T>
void correct_of(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight, const Tensor<f32> &correct,
                const LossOptions &o) {
  check_labels("count_correct", logits, label, weight, o);
  const Rows rows(logits, o.axis);
  const index positions = logits.dim(0) ? rows.count / logits.dim(0) : 0;
  f64 *hits = static_cast<f64 *>(ctx.backend().workspace(static_cast<std::size_t>(rows.count) * sizeof(f64)));
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, logits.size()))
  for (index row = 0; row < rows.count; ++row) {
    const T *in = rows.at(row);
    index best = 0;
    for (index c = 1; c < rows.length; ++c)
      if (in[c * rows.step] > in[best * rows.step])
        best = c;
    const f32 factor = weight.data()[row / positions * weight.strides()[0]];
    hits[row] = best == label.data()[row] && best != o.ignore_index ? static_cast<f64>(factor) / static_cast<f64>(positions) : 0;
  }
  *correct.data() = total(hits, rows.count);
}

} // namespace

void softmax_cross_entropy(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const Tensor<f32> &dlogits, const LossOptions &o) {
  require(dlogits.shape() == logits.shape(), "softmax_cross_entropy", "the gradient has the logits' shape");
  cross_entropy<true>(ctx, logits, label, weight, loss, dlogits, o);
}
void softmax_cross_entropy(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const LossOptions &o) {
  cross_entropy<false>(ctx, logits, label, weight, loss, Tensor<f32>(), o);
}
void softmax_cross_entropy(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const Tensor<bf16> &dlogits, const LossOptions &o) {
  require(dlogits.shape() == logits.shape(), "softmax_cross_entropy", "the gradient has the logits' shape");
  cross_entropy<true>(ctx, logits, label, weight, loss, dlogits, o);
}
void softmax_cross_entropy(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const LossOptions &o) {
  cross_entropy<false>(ctx, logits, label, weight, loss, Tensor<bf16>(), o);
}

void count_correct(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                   const Tensor<f32> &correct, const LossOptions &o) {
  correct_of(ctx, logits, label, weight, correct, o);
}
void count_correct(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                   const Tensor<f32> &correct, const LossOptions &o) {
  correct_of(ctx, logits, label, weight, correct, o);
}

void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss,
                          const Tensor<f32> &dp) {
  binary<true>(ctx, p, t, weight, loss, dp);
}
void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss) {
  binary<false>(ctx, p, t, weight, loss, {});
}
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<f32> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss, const Tensor<f32> &dlogits) {
  binary_with_logits<true>(ctx, logits, t, weight, loss, dlogits);
}
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<f32> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss) {
  binary_with_logits<false>(ctx, logits, t, weight, loss, Tensor<f32>());
}
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<bf16> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss, const Tensor<bf16> &dlogits) {
  binary_with_logits<true>(ctx, logits, t, weight, loss, dlogits);
}
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<bf16> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss) {
  binary_with_logits<false>(ctx, logits, t, weight, loss, Tensor<bf16>());
}

} // namespace dtcrt

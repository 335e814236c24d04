// Losses of single elements, and the rules of the calls.
#pragma once

#include "core/Require.h"
#include "dtcrt/loss.h"
#include "math/BadOperand.h"
#include "math/HostDevice.h"

#include <math.h>

namespace dtcrt {

template <class T>
void check_labels(const char *call, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight, const LossOptions &options) {
  const int axis = options.axis;
  const int class_axis = axis < 0 ? axis + logits.rank() : axis;
  require(class_axis >= 1 && class_axis < logits.rank(), call, "the class axis is one of the logits', and not the batch");
  Dims positions;
  for (int i = 0; i < logits.rank(); ++i)
    if (i != class_axis)
      positions.push_back(logits.dim(i));
  require(label.shape() == positions && label.layout() == row_major, call, "labels have the logits' shape without the classes");
  require(weight.rank() == 1 && weight.dim(0) == logits.dim(0), call, "one weight a sample");
  require(!options.class_weight || options.class_weight.shape() == Dims{logits.dim(class_axis)}, call, "one weight a class");
  require(!options.class_weight || options.class_weight.is_dense(), call, "the weights of classes are dense");
}

template <bool gradient, class T>
void check_elements(const char *call, const Tensor<T> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<T> &dp) {
  require(p.shape() == t.shape() && p.rank() >= 1, call, "predictions and targets have one shape");
  require(p.strides() == t.strides() && p.is_dense() && (!gradient || dp.strides() == p.strides()), call, "all tensors are dense, in one layout");
  require(weight.rank() == 1 && weight.dim(0) == p.dim(0), call, "one weight a sample");
}

/// The logarithms are clamped so that a wrong certainty costs 100, not infinity; the gradient's divisor likewise (PyTorch).
struct BinaryCrossEntropy {
  /// NaN is the model's, and makes the loss NaN.
  DTCRT_HOST_DEVICE static bool rules_out(f32 p) { return p < 0 || p > 1; }
  DTCRT_HOST_DEVICE static f32 value(f32 p, f32 t) {
    const f32 log_p = logf(p), log_q = log1pf(-p);
    return (t - 1) * (log_q < -100 ? -100 : log_q) - t * (log_p < -100 ? -100 : log_p); // NaN stays NaN
  }
  DTCRT_HOST_DEVICE static f32 slope(f32 p, f32 t) {
    const f32 divisor = (1 - p) * p;
    return (p - t) / (divisor > 1e-12f ? divisor : 1e-12f);
  }
};

/// log(1 + exp(z)) - z t, without the exponential of anything positive.
struct BinaryCrossEntropyWithLogits {
  DTCRT_HOST_DEVICE static bool rules_out(f32) { return false; }
  DTCRT_HOST_DEVICE static f32 value(f32 z, f32 t) { return (z > 0 ? z : 0) - z * t + log1pf(expf(-fabsf(z))); }
  DTCRT_HOST_DEVICE static f32 slope(f32 z, f32 t) {
    const f32 e = expf(-fabsf(z));
    return (z > 0 ? 1 : e) / (1 + e) - t;
  }
};

} // namespace dtcrt

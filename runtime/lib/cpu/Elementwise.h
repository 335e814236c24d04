// Small elementwise passes that calls use where oneDNN has no fused form.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

#include <math.h>

namespace dtcrt {

/// y += x, x broadcast to y from the right.
void add_broadcast(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &x);
/// y = activation(y); y is dense.
void activate(Context &ctx, const Tensor<f32> &y, Activation activation, f32 alpha);

/// The activation of one value.
inline f32 activated(f32 v, Activation activation, f32 alpha) {
  switch (activation) {
  case Activation::none: return v;
  case Activation::relu: return v > 0 ? v : 0;
  case Activation::leaky_relu: return v > 0 ? v : alpha * v;
  case Activation::elu: return v > 0 ? v : alpha * expm1f(v);
  case Activation::sigmoid: return 1 / (1 + expf(-v));
  case Activation::tanh: return tanhf(v);
  }
  return v;
}

} // namespace dtcrt

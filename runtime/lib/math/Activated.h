// Activations of single values, for what computes them in passing.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/tensor.h"
#include "math/HostDevice.h"

#include <math.h>

namespace dtcrt {

/// The activation of one value.
DTCRT_HOST_DEVICE inline f32 activated(f32 v, Activation activation, f32 alpha) {
  switch (activation) {
  case Activation::none: return v;
  case Activation::relu: return v < 0 ? 0 : v; // NaN stays NaN
  case Activation::leaky_relu: return v > 0 ? v : alpha * v;
  case Activation::elu: return v > 0 ? v : alpha * expm1f(v);
  case Activation::sigmoid: return 1 / (1 + expf(-v));
  case Activation::tanh: return tanhf(v);
  case Activation::gelu: return v * (0.5f * erff(v * 0.70710678f) + 0.5f);
  case Activation::gelu_tanh: return v * (0.5f * tanhf(0.79788456f * (v * (0.044715f * (v * v) + 1))) + 0.5f);
  }
  return v;
}

/// dy times the derivative of the activation at x; relu's is 1 at NaN (PyTorch).
DTCRT_HOST_DEVICE inline f32 activation_gradient(f32 dy, f32 x, Activation activation) {
  if (activation == Activation::relu)
    return x <= 0 ? 0 : dy;
  f32 c, slope; // what stands in for erf(x / sqrt(2)), and half of its derivative
  if (activation == Activation::gelu_tanh) {
    c = tanhf(0.79788456f * (x * (0.044715f * (x * x) + 1)));
    slope = (1 - c * c) * (0.053516122f * (x * x) + 0.39894228f);
  } else {
    c = erff(x * 0.70710678f);
    slope = 0.39894228f * expf(-0.5f * (x * x));
  }
  return dy * (0.5f * c + 0.5f + x * slope);
}

} // namespace dtcrt

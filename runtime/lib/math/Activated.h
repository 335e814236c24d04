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

} // namespace dtcrt

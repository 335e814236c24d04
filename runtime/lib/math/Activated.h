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
  case Activation::relu: return v > 0 ? v : 0;
  case Activation::leaky_relu: return v > 0 ? v : alpha * v;
  case Activation::elu: return v > 0 ? v : alpha * expm1f(v);
  case Activation::sigmoid: return 1 / (1 + expf(-v));
  case Activation::tanh: return tanhf(v);
  }
  return v;
}

} // namespace dtcrt

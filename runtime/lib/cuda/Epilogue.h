// Bias and activation of a library's result in one pass, where the library has no fused form.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// y = activation(y + bias); y is dense, bias is broadcast to it from the right, or absent.
void add_bias_and_activate(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &bias, Activation activation, f32 alpha);

} // namespace dtcrt

// Small elementwise passes that calls use where oneDNN has no fused form.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// y += x, x broadcast to y from the right.
void add_broadcast(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &x);
/// y = activation(y); y is dense.
void activate(Context &ctx, const Tensor<f32> &y, Activation activation, f32 alpha);

} // namespace dtcrt

// Small elementwise passes that calls use where oneDNN has no fused form.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// y += x, x broadcast to y from the right.
void add_broadcast(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &x);
/// y = activation(y), computed in f32.
template <class T> void activate(Context &ctx, const Tensor<T> &y, Activation activation, f32 alpha);

/// y *= the derivative of the activation at x, a matrix row by row, as y; if asked for, `sums` becomes the sum of its rows.
template <class T> void take_gradient(Context &ctx, const Tensor<T> &y, const Tensor<T> &x, Activation activation, f32 *sums);

} // namespace dtcrt

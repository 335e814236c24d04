// Bias and activation of a library's result, or an activation's gradient, in one pass, where the library has no fused form.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// y = activation(y + bias); y is dense, bias is broadcast to it from the right, or absent. Of f32 or bf16; computed in f32.
template <class T> void add_bias_and_activate(Context &ctx, const Tensor<T> &y, const Tensor<T> &bias, Activation activation, f32 alpha);

/// y *= the derivative of the activation at x; both are dense and lie alike.
template <class T> void take_gradient(Context &ctx, const Tensor<T> &y, const Tensor<T> &x, Activation activation);

/// Fills memory with what is NaN of f32 and of bf16 alike.
void fill_with_nan(Context &ctx, void *memory, std::size_t bytes);
/// Whether the work on the stream makes a NaN there; waits for it. False while it is captured.
template <class T> bool becomes_nan(Context &ctx, const T *at);

} // namespace dtcrt

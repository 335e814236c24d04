// Matrix products, batched with numpy's broadcasting of the leading dimensions.
// Products of bf16 are added up in f32; the result is that, or rounded to bf16.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

template <class T> struct MatmulOptionsOf {
  Tensor<T> bias{};         ///< broadcast to y from the right: [N], [M, 1], [M, N]...
  Tensor<T> gradient_at{};  ///< with activation_gradient: what the activation was given, or relu's result; of y's shape, both row-major
  Tensor<f32> bias_gradient{}; ///< with activation_gradient, of f32: N values, dense, overwritten: the sum of y over all rows
  // Of matrices (rank 2), both overwritten, f32 whatever T is: what a layer's bias gradient is where y is its weight's gradient.
  Tensor<f32> bias_gradient_a{}; ///< M values, dense: the sum over K of a as it is multiplied
  Tensor<f32> bias_gradient_b{}; ///< N values: the same of b
  Tensor<u8> relu_mask{}; ///< relu_mask_shape(y), at a multiple of 16 bytes: what a call with relu leaves for that with relu's gradient, a help without meaning of its own
  bool transpose_a = false; ///< a is [..., K, M]: its last two dimensions are exchanged before use
  bool transpose_b = false; ///< b is [..., N, K]
  Activation activation = Activation::none;
  f32 alpha = 0; ///< the activation's, not a factor
  Activation activation_gradient = Activation::none; ///< relu, gelu or gelu_tanh; without bias, activation and accumulate
  bool accumulate = false; ///< y grows by the product instead of becoming it; without bias and activation. Not of bf16
};
using MatmulOptions = MatmulOptionsOf<f32>;

/// A bit for each value of y, rows at multiples of 128 bits.
inline Dims relu_mask_shape(const Dims &y) { return {y.product() / y.back(), (y.back() + 127) / 128 * 16}; }

/// y [..., M, N] = activation(a [..., M, K] · b [..., K, N] + bias), or y + a · b, or a · b times the derivative of an activation.
/// Ranks 2 and above; leading dimensions broadcast.
void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &options = {});
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<bf16> &y, const MatmulOptionsOf<bf16> &options = {});
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<f32> &y, const MatmulOptions &options = {});

} // namespace dtcrt

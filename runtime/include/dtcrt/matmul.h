// Matrix products, batched with numpy's broadcasting of the leading dimensions.
// Products of bf16 are added up in f32; the result is that, or rounded to bf16.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

template <class T> struct MatmulOptionsOf {
  Tensor<T> bias{};         ///< broadcast to y from the right: [N], [M, 1], [M, N]...
  // Of matrices (rank 2), both overwritten, f32 whatever T is: what a layer's bias gradient is where y is its weight's gradient.
  Tensor<f32> bias_gradient_a{}; ///< M values, dense: the sum over K of a as it is multiplied
  Tensor<f32> bias_gradient_b{}; ///< N values: the same of b
  bool transpose_a = false; ///< a is [..., K, M]: its last two dimensions are exchanged before use
  bool transpose_b = false; ///< b is [..., N, K]
  Activation activation = Activation::none;
  f32 alpha = 0; ///< the activation's, not a factor
  bool accumulate = false; ///< y grows by the product instead of becoming it; without bias and activation. Not of bf16
};
using MatmulOptions = MatmulOptionsOf<f32>;

/// y [..., M, N] = activation(a [..., M, K] · b [..., K, N] + bias), or y + a · b. Ranks 2 and above; leading dimensions broadcast.
void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &options = {});
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<bf16> &y, const MatmulOptionsOf<bf16> &options = {});
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<f32> &y, const MatmulOptions &options = {});

} // namespace dtcrt

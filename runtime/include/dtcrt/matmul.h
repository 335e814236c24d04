// Matrix products, batched with numpy's broadcasting of the leading dimensions.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

struct MatmulOptions {
  Tensor<f32> bias{};       ///< broadcast to y from the right: [N], [M, 1], [M, N]...
  bool transpose_a = false; ///< a is [..., K, M]: its last two dimensions are exchanged before use
  bool transpose_b = false; ///< b is [..., N, K]
  Activation activation = Activation::none;
  f32 alpha = 0; ///< the activation's, not a factor
  bool accumulate = false; ///< y grows by the product instead of becoming it; without bias and activation
};

/// y [..., M, N] = activation(a [..., M, K] · b [..., K, N] + bias), or y + a · b. Ranks 2 and above; leading dimensions broadcast.
void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &options = {});

} // namespace dtcrt

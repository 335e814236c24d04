// Scaled dot-product attention (Vaswani et al. 2017) and its gradient, tile by tile: no matrix of queries x keys is ever in memory.
//
// Shapes: q [N, H, T, D], k [N, G, S, D], v [N, G, S, E], y [N, H, T, E], lse [N, H, T]; G divides H, and H / G neighbouring heads of q share one
// of k and v. With `positions_first` the second and third dimension of q, k, v, y and their gradients change places: [N, T, H, D]. Any strides.
// q, k, v, y and their gradients are f32 or bf16; what is computed, lse and the mask that is added are f32.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

struct AttentionOptions {
  /// Of a shape that broadcasts to [N, H, T, S] by numpy's rules: where a query attends to a key. Not together with `bias`.
  Tensor<bool> mask{};
  /// The same, added to the scores.
  Tensor<f32> bias{};
  f64 scale = 1;                ///< what q k^T is multiplied by
  bool causal = false;          ///< position t of q attends to positions s <= t of k (PyTorch's is_causal, ONNX's is_causal)
  bool positions_first = false; ///< q is [N, T, H, D], and so are the others
};

/// y = softmax(scale q k^T + bias) v over the keys that the mask and `causal` leave; a row to which they leave none is 0, as PyTorch's.
/// lse, which the gradient reads, is the logarithm of the sum of the scores' exponentials; -infinity in such a row.
void attention(Context &ctx, const Tensor<f32> &q, const Tensor<f32> &k, const Tensor<f32> &v, const Tensor<f32> &y, const Tensor<f32> &lse,
               const AttentionOptions &options = {});
void attention(Context &ctx, const Tensor<bf16> &q, const Tensor<bf16> &k, const Tensor<bf16> &v, const Tensor<bf16> &y, const Tensor<f32> &lse,
               const AttentionOptions &options = {});
/// Without lse: nobody takes the gradient.
template <class T>
void attention(Context &ctx, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const AttentionOptions &options = {}) {
  attention(ctx, q, k, v, y, Tensor<f32>(), options);
}

/// The gradients with respect to q, k and v of attention with the same options, whose y and lse these are; probabilities are computed again from
/// lse (Dao 2023, "FlashAttention-2"). Sums have one order: the same bits for any number of threads.
/// dbias, of bias's shape, is its gradient: sums over what was broadcast.
void attention_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &q, const Tensor<f32> &k, const Tensor<f32> &v, const Tensor<f32> &y,
                        const Tensor<f32> &lse, const Tensor<f32> &dq, const Tensor<f32> &dk, const Tensor<f32> &dv, const Tensor<f32> &dbias,
                        const AttentionOptions &options = {});
void attention_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &q, const Tensor<bf16> &k, const Tensor<bf16> &v,
                        const Tensor<bf16> &y, const Tensor<f32> &lse, const Tensor<bf16> &dq, const Tensor<bf16> &dk, const Tensor<bf16> &dv,
                        const Tensor<f32> &dbias, const AttentionOptions &options = {});
/// Without the gradient of bias.
template <class T>
void attention_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y,
                        const Tensor<f32> &lse, const Tensor<T> &dq, const Tensor<T> &dk, const Tensor<T> &dv, const AttentionOptions &options = {}) {
  attention_gradient(ctx, dy, q, k, v, y, lse, dq, dk, dv, Tensor<f32>(), options);
}

} // namespace dtcrt

// Losses with their gradients in one pass, and the count of correct predictions.
//
// A loss is the sum over samples n of weight[n] * (the mean over the sample's positions). The weight is 1 / (samples of the
// global batch) in training, so that the sum over all ranks is the batch's mean, and 0 in the rows that pad a partial batch.
// All is computed in f32, of bf16 logits too; their gradient is bf16.
#pragma once

#include "dtcrt/context.h"

#include <limits>

namespace dtcrt {

/// No label is ignored.
inline constexpr i64 no_label = std::numeric_limits<i64>::min();

struct LossOptions {
  Tensor<f32> class_weight{};   ///< [classes]: what a position counts by its label; without: 1
  int axis = -1;                ///< the class axis of the logits; negative: counted from the end
  i64 ignore_index = no_label;  ///< positions with this label count nothing; it need be no class id
  f64 label_smoothing = 0;      ///< this part of a label is shared out to all classes alike
};

/// Cross-entropy of softmax(logits [n, ..., classes]) against class ids label [n, ...]: writes the loss (a scalar) and
/// dlogits = d loss / d logits. A position with the label y adds, with p = softmax(logits), w = class_weight and e = label_smoothing,
/// -(1 - e) w[y] log p[y] - e / classes * the sum over c of w[c] log p[c] (torch.nn.CrossEntropyLoss, of which `weight` has the divisor).
/// Throws Error naming the sample where a label that is not ignored, with a weight other than 0, is out of range.
/// dlogits may be logits itself.
void softmax_cross_entropy(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const Tensor<f32> &dlogits, const LossOptions &options = {});
void softmax_cross_entropy(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const Tensor<bf16> &dlogits, const LossOptions &options = {});
/// The loss alone.
void softmax_cross_entropy(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const LossOptions &options = {});
void softmax_cross_entropy(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                           const Tensor<f32> &loss, const LossOptions &options = {});

/// correct (a scalar) = the sum over samples of weight * (the part of the positions whose largest logit is the label's;
/// the first of equal ones counts; ignored labels are none). Of the options, class_weight and label_smoothing say nothing here.
void count_correct(Context &ctx, const Tensor<f32> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                   const Tensor<f32> &correct, const LossOptions &options = {});
void count_correct(Context &ctx, const Tensor<bf16> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,
                   const Tensor<f32> &correct, const LossOptions &options = {});

/// Binary cross-entropy of probabilities p [n, ...] against targets t of the same shape; logarithms are clamped at -100
/// (PyTorch's binary_cross_entropy, and its gradient). Throws Error naming the sample where a probability with a weight
/// other than 0 is not in [0, 1]; one that is NaN makes the loss NaN.
void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight,
                          const Tensor<f32> &loss, const Tensor<f32> &dp);
void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight,
                          const Tensor<f32> &loss);

/// Binary cross-entropy of sigmoid(logits [n, ...]) against targets t of the same shape, computed so that no logit overflows
/// (PyTorch's binary_cross_entropy_with_logits, and its gradient). dlogits may be logits itself.
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<f32> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss, const Tensor<f32> &dlogits);
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<f32> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss);
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<bf16> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss, const Tensor<bf16> &dlogits);
void binary_cross_entropy_with_logits(Context &ctx, const Tensor<bf16> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,
                                      const Tensor<f32> &loss);

} // namespace dtcrt

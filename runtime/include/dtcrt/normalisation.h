// Batch normalisation in training, and its gradient. (In evaluation it is a kernel of the program.)
//
// Shapes: x [N, C, spatial...] of rank 2 to 5, row-major or channels-last, all of x, y and their gradients in one layout; one value a
// channel [C]; sample weights [N]. Statistics are those of the rows whose weight is not 0: the others pad a partial batch.
// Images may be bf16; what has one value a channel is f32, and so is the arithmetic.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/array.h"
#include "dtcrt/context.h"

namespace dtcrt {

template <class T> struct BatchNormOptionsOf {
  // [C], both or neither: what the parts of a share with a single value a channel are made of. It has no unbiased variance, and leaves
  // the running statistics where they are.
  Tensor<f32> running_mean{}, running_variance{};
  Tensor<T> residual{};  ///< added to y before the activation; of y's shape and layout
  f64 epsilon = 1e-5;    ///< added to the variance
  bool biased_variance = false; ///< variance_part is the biased variance, as ONNX defines the running one, instead of the unbiased
  Activation activation = Activation::none;
  f32 alpha = 0;
};
using BatchNormOptions = BatchNormOptionsOf<f32>;

struct BatchNormGradientOptions {
  /// If given, dy is the gradient with respect to relu(y), where this is the bias of y: dy counts where y, computed as forward does and
  /// rounded to its type, is positive.
  Tensor<f32> relu_bias{};
};

/// y = activation((x - mean) inverse scale + bias + residual), with each channel's mean and inverse = 1 / sqrt(biased variance + epsilon) over rows and
/// positions, which are kept for the gradient; activation(residual) in rows of weight 0. mean_part and variance_part are the mean and the
/// unbiased (or biased, as the options say) variance times the sum of the weights: their sums over all shares of a batch are the means of
/// the shares' statistics. Of a single value a channel they are the running statistics times that sum, if these are given, else the value and 0.
void batch_norm(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,
                const Tensor<f32> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean,
                const Tensor<f32> &inverse, const BatchNormOptions &options = {});
void batch_norm(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &weight,
                const Tensor<bf16> &y, const Tensor<f32> &mean_part, const Tensor<f32> &variance_part, const Tensor<f32> &mean,
                const Tensor<f32> &inverse, const BatchNormOptionsOf<bf16> &options = {});

/// The gradients with respect to x (0 in rows of weight 0), scale and bias (sums over the rows of other weights), of which dx
/// takes into account that batch_norm's mean and inverse depend on x.
void batch_norm_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &x, const Tensor<f32> &scale, const Tensor<f32> &weight,
                         const Tensor<f32> &mean, const Tensor<f32> &inverse, const Tensor<f32> &dx, const Tensor<f32> &dscale,
                         const Tensor<f32> &dbias, const BatchNormGradientOptions &options = {});
void batch_norm_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &x, const Tensor<f32> &scale, const Tensor<f32> &weight,
                         const Tensor<f32> &mean, const Tensor<f32> &inverse, const Tensor<bf16> &dx, const Tensor<f32> &dscale,
                         const Tensor<f32> &dbias, const BatchNormGradientOptions &options = {});

struct RunningAverageOptions {
  f64 momentum = 0.1; ///< the weight of the new value
};

/// Of one shape and dense layout.
struct RunningAverageTensors {
  Tensor<f32> average, value;
};
/// average += momentum * (value - average), as torch.nn.BatchNorm2d moves its statistics: of one tensor or of all of a list, in one pass
/// over memory. No memory is in two of a list.
void running_average_update(Context &ctx, const Tensor<f32> &average, const Tensor<f32> &value, const RunningAverageOptions &options = {});
void running_average_update(Context &ctx, ListOf<RunningAverageTensors> list, const RunningAverageOptions &options = {});

} // namespace dtcrt

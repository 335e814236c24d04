// Normalisations whose statistics are those of one sample: layer, RMS and group normalisation, and their gradients.
//
// x, y and their gradients may be bf16; all else is f32, and so is the arithmetic. Variances are biased and do not suffer from a large mean.
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/tensor.h"

namespace dtcrt {

// Rows: x [rows..., elements...], row-major. Statistics have one value a row [rows...], which says what a row is; parameters and their
// gradients one an element [elements...].

struct LayerNormOptions {
  Tensor<f32> scale{}, bias{}; ///< 1 and 0 where absent
  f64 epsilon = 1e-5;          ///< added to the variance
};
struct RmsNormOptions {
  Tensor<f32> scale{}; ///< 1 where absent
  f64 epsilon = 1e-5;  ///< added to the mean of squares
};
struct LayerNormGradientOptions {
  Tensor<f32> mean{};  ///< that layer_norm kept; absent: the gradient is that of rms_norm
  Tensor<f32> scale{}; ///< as in forward
  /// Written if given: sums over the rows. Terms are added in an order that depends on the shape alone.
  Tensor<f32> scale_gradient{}, bias_gradient{};
};

/// y = (x - mean) inverse scale + bias, with each row's mean and inverse = 1 / sqrt(variance + epsilon), which are kept for the gradient
/// (torch.nn.LayerNorm, ONNX LayerNormalization).
void layer_norm(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                const LayerNormOptions &options = {});
void layer_norm(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const Tensor<f32> &mean, const Tensor<f32> &inverse,
                const LayerNormOptions &options = {});

/// y = x inverse scale, with each row's inverse = 1 / sqrt(mean of x squared + epsilon) (torch.nn.RMSNorm, ONNX RMSNormalization).
void rms_norm(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const Tensor<f32> &inverse, const RmsNormOptions &options = {});
void rms_norm(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const Tensor<f32> &inverse, const RmsNormOptions &options = {});

/// The gradients of layer_norm or rms_norm; dx takes into account that the statistics depend on x.
void layer_norm_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &x, const Tensor<f32> &inverse, const Tensor<f32> &dx,
                         const LayerNormGradientOptions &options = {});
void layer_norm_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &x, const Tensor<f32> &inverse, const Tensor<bf16> &dx,
                         const LayerNormGradientOptions &options = {});

// Groups: x [N, C, spatial...] of rank 2 to 5, row-major or channels-last, all of x, y and their gradients in one layout. Statistics have
// one value a sample and group of neighbouring channels [N, groups], which says how many groups there are; parameters one a channel [C].

struct GroupNormOptions {
  f64 epsilon = 1e-5; ///< added to the variance
};

/// y = (x - mean) inverse scale + bias, with each group's mean and inverse = 1 / sqrt(variance + epsilon) over its channels and positions
/// (torch.nn.GroupNorm, ONNX GroupNormalization 21; as many groups as channels: torch.nn.InstanceNorm2d).
void group_norm(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<f32> &y,
                const Tensor<f32> &mean, const Tensor<f32> &inverse, const GroupNormOptions &options = {});
void group_norm(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &scale, const Tensor<f32> &bias, const Tensor<bf16> &y,
                const Tensor<f32> &mean, const Tensor<f32> &inverse, const GroupNormOptions &options = {});

/// The gradients with respect to x, scale and bias; the latter are sums over samples and positions.
void group_norm_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &x, const Tensor<f32> &scale, const Tensor<f32> &mean,
                         const Tensor<f32> &inverse, const Tensor<f32> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias);
void group_norm_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &x, const Tensor<f32> &scale, const Tensor<f32> &mean,
                         const Tensor<f32> &inverse, const Tensor<bf16> &dx, const Tensor<f32> &dscale, const Tensor<f32> &dbias);

} // namespace dtcrt

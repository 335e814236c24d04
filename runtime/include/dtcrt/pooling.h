// Max and average pooling over 1 to 3 spatial dimensions, and their gradients.
//
// Shapes: x [N, C, spatial...], y [N, C, out...]. `out` decides how many windows there are, so ceil_mode needs no flag here:
// the last windows may hang over the end. Row-major or channels-last, each tensor on its own.
// Of bf16 everything is bf16; gradients and means are added up in f32.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

struct MaxPoolOptions {
  Dims kernel{};
  Dims strides{};   ///< empty: all 1
  Dims pads{};      ///< begins, then ends; padding never wins; empty: all 0
  Dims dilations{}; ///< empty: all 1
  Activation activation = Activation::none; ///< applied to the maximum
  f32 alpha = 0;
};

struct AvgPoolOptions {
  Dims kernel{};
  Dims strides{};   ///< empty: all 1
  Dims pads{};      ///< begins, then ends; empty: all 0
  Dims dilations{}; ///< empty: all 1
  /// False: divide by the number of elements inside x. True: by those inside x and its explicit padding
  /// (what hangs over beyond that never counts: ONNX 19, PyTorch).
  bool count_include_pad = false;
};

/// y = the maximum of each window; index = its position inside the window (row-major over the kernel), for the gradient.
/// The first of equal maxima wins, and a NaN wins over all (PyTorch). `index` has y's shape, in any layout; u8 serves kernels up to 256 elements.
void max_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const Tensor<u8> &index, const MaxPoolOptions &options);
void max_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const Tensor<u8> &index, const MaxPoolOptions &options);
void max_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const Tensor<i32> &index, const MaxPoolOptions &options);
void max_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const Tensor<i32> &index, const MaxPoolOptions &options);
/// Without the position: for evaluation.
void max_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const MaxPoolOptions &options);
void max_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const MaxPoolOptions &options);

/// dx = dy scattered to the maxima (the gradient of the maximum alone: `activation` is not differentiated here).
void max_pool_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<u8> &index, const Tensor<f32> &dx,
                       const MaxPoolOptions &options);
void max_pool_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<u8> &index, const Tensor<bf16> &dx,
                       const MaxPoolOptions &options);
void max_pool_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<i32> &index, const Tensor<f32> &dx,
                       const MaxPoolOptions &options);
void max_pool_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<i32> &index, const Tensor<bf16> &dx,
                       const MaxPoolOptions &options);

/// y = the mean of each window.
void avg_pool(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const AvgPoolOptions &options);
void avg_pool(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const AvgPoolOptions &options);
void avg_pool_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &dx, const AvgPoolOptions &options);
void avg_pool_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &dx, const AvgPoolOptions &options);

} // namespace dtcrt

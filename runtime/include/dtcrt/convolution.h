// Convolutions over 1 to 3 spatial dimensions, and their gradients.
//
// Shapes: x [N, C, spatial...], w [M, C / groups, kernel...] row-major, bias [M], y [N, M, out...].
// Activations may be row-major or channels-last, each on its own. Meanings as ONNX Conv.
// In bf16 products are added up in f32 and rounded once, but for gradients of weights and biases: these stay f32. (On a GPU gradients of
// weights are rounded once too: cuDNN writes what it reads.)
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

template <class T> struct ConvOptionsOf {
  Tensor<T> bias{};
  Dims strides{};   ///< one a spatial dimension; empty: all 1
  Dims dilations{}; ///< 1 is a dense kernel; empty: all 1
  Dims pads{};      ///< begins, then ends; may be asymmetric; empty: all 0
  index groups = 1;
  Activation activation = Activation::none;
  f32 alpha = 0;
};
using ConvOptions = ConvOptionsOf<f32>;

struct ConvGradientOptions {
  Tensor<f32> bias_gradient{}; ///< conv_weight_gradient only: the sum of dy over all but the channel
  Dims strides{};
  Dims dilations{};
  Dims pads{};
  index groups = 1;
};

/// y = activation(conv(x, w) + bias).
void conv(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y, const ConvOptions &options = {});
void conv(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &w, const Tensor<bf16> &y, const ConvOptionsOf<bf16> &options = {});
/// dx = the gradient with respect to x, from that of y (before the activation).
void conv_input_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &w, const Tensor<f32> &dx,
                         const ConvGradientOptions &options = {});
void conv_input_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &w, const Tensor<bf16> &dx,
                         const ConvGradientOptions &options = {});
/// dw (and, if asked for, the bias gradient) = the gradient with respect to the weights, overwritten, not added to.
void conv_weight_gradient(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &dy, const Tensor<f32> &dw,
                          const ConvGradientOptions &options = {});
void conv_weight_gradient(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &dy, const Tensor<f32> &dw,
                          const ConvGradientOptions &options = {});

} // namespace dtcrt

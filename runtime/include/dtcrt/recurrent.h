// The recurrence of an LSTM (Hochreiter and Schmidhuber 1997) and its gradient; the product of the input with its weight stands before it.
// On the CPU alone: for other targets the compiler writes the steps out.
//
// Shapes: gates, activated and dgates [T, N, 4H] in ONNX's order (input, output, forget, cell), r and dr [4H, H], h0, c0, dh0 and dc0 [N, H],
// h, c, dh [T, N, H]. All row-major f32. T and N are 1 or more.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

struct LstmOptions {
  bool reverse = false; ///< from the last step to the first
};

/// (i, o, f, g) = gates + h r^T, c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c), step by step from h0 and c0.
/// `activated` becomes sigmoid(i), sigmoid(o), sigmoid(f), tanh(g), which the gradient reads.
void lstm(Context &ctx, const Tensor<f32> &gates, const Tensor<f32> &r, const Tensor<f32> &h0, const Tensor<f32> &c0, const Tensor<f32> &h,
          const Tensor<f32> &c, const Tensor<f32> &activated, const LstmOptions &options = {});

struct LstmGradientOptions {
  Tensor<f32> cell_gradient{}; ///< [T, N, H]: the gradient with respect to c; absent: nobody reads c
  bool reverse = false;
};

/// The gradients with respect to gates, r (over all steps and samples), h0 and c0 of an lstm whose r, h0, c0, h, c and activated these are.
void lstm_gradient(Context &ctx, const Tensor<f32> &dh, const Tensor<f32> &r, const Tensor<f32> &h0, const Tensor<f32> &c0, const Tensor<f32> &h,
                   const Tensor<f32> &c, const Tensor<f32> &activated, const Tensor<f32> &dgates, const Tensor<f32> &dr, const Tensor<f32> &dh0,
                   const Tensor<f32> &dc0, const LstmGradientOptions &options = {});

} // namespace dtcrt

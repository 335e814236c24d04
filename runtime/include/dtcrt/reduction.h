// Sums over axes, softmax and log-softmax. Every tensor may be row-major, channels-last or strided.
// Of bf16 the arithmetic, and every sum, is f32.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

struct ReduceOptions {
  Dims axes{}; ///< axes of x that are summed over, each 0 <= axis < rank; empty: all
};

struct SoftmaxOptions {
  int axis = -1; ///< negative: counted from the end
};

/// y = the sum of x over `axes`. y's shape keeps the summed axes as 1 or leaves them out.
void reduce_sum(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const ReduceOptions &options = {});
void reduce_sum(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &y, const ReduceOptions &options = {});

/// y = exp(x - max) / sum over the axis; x and y have one shape and may be the same tensor.
void softmax(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const SoftmaxOptions &options = {});
void softmax(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const SoftmaxOptions &options = {});
void softmax(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &y, const SoftmaxOptions &options = {});
/// y = x - max - log(sum(exp(x - max))).
void log_softmax(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const SoftmaxOptions &options = {});
void log_softmax(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &y, const SoftmaxOptions &options = {});
void log_softmax(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &y, const SoftmaxOptions &options = {});

} // namespace dtcrt

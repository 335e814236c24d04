// Rules of what a matrix product does for backward, and bias gradients as sums of its operands over the dimension that is multiplied away.
#pragma once

#include "core/Require.h"
#include "dtcrt/matmul.h"
#include "dtcrt/reduction.h"

#include <cstdint>
#include <type_traits>
#include <utility>

namespace dtcrt {

/// t as a matrix or a stack of matrices, its last two dimensions exchanged if asked for.
template <class T> Tensor<T> matrix_view(const Tensor<T> &t, bool transpose) {
  Dims shape = t.shape(), strides = t.strides();
  const int rank = shape.size();
  if (transpose) {
    std::swap(shape[rank - 1], shape[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  return {t.data(), shape, strides};
}

/// The rules of bias_gradient_a and bias_gradient_b.
template <class T, class Options> void check_sums(const Tensor<T> &a, const Tensor<T> &b, const Options &o) {
  const auto check = [](const Tensor<T> &t, int kept, const Tensor<f32> &sum) {
    require(!sum || t.rank() == 2, "matmul", "bias gradients are sums of matrices");
    require(!sum || (sum.is_dense() && sum.size() == t.dim(kept)), "matmul", "a bias gradient has a value for each row of a, or column of b");
  };
  check(a, o.transpose_a ? 1 : 0, o.bias_gradient_a);
  check(b, o.transpose_b ? 0 : 1, o.bias_gradient_b);
}

/// sum = t, as it is multiplied, summed over `axis`; nothing for an absent sum.
template <class T> void sum_operand(Context &ctx, const Tensor<T> &t, bool transpose, int axis, const Tensor<f32> &sum) {
  if (sum)
    reduce_sum(ctx, matrix_view(t, transpose), Tensor<f32>(sum.data(), {sum.size()}), {.axes = {axis}});
}

/// The rules of activation_gradient.
template <class Y, class Options> void check_gradient(const Tensor<Y> &y, const Options &o) {
  const bool takes = o.activation_gradient != Activation::none;
  require(takes == bool(o.gradient_at) && (takes || !o.bias_gradient), "matmul", "an activation's gradient is taken at a tensor");
  require(!takes || o.activation_gradient == relu || o.activation_gradient == gelu || o.activation_gradient == gelu_tanh, "matmul",
          "the activation is one whose gradient is known from where it is taken");
  require(!takes || (!o.bias && o.activation == Activation::none && !o.accumulate), "matmul",
          "an activation's gradient goes with neither bias, activation nor sum");
  require(!takes || (o.gradient_at.shape() == y.shape() && y.layout() == row_major && o.gradient_at.layout() == row_major), "matmul",
          "an activation's gradient is taken at a tensor of y's shape, both row-major");
  require(!o.bias_gradient || (std::is_same_v<Y, f32> && o.bias_gradient.is_dense() && o.bias_gradient.size() == y.dim(y.rank() - 1)), "matmul",
          "a bias gradient has a value for each column of y, which is f32");
  require(!o.relu_mask || ((o.activation == relu || o.activation_gradient == relu) && o.relu_mask.shape() == relu_mask_shape(y.shape()) &&
                           o.relu_mask.is_dense() && reinterpret_cast<std::uintptr_t>(o.relu_mask.data()) % 16 == 0),
          "matmul", "a mask is relu's, with bits for y at a multiple of 16 bytes");
}

/// Those that the options ask for, in passes of their own.
template <class T, class Options> void sum_operands(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Options &o) {
  check_sums(a, b, o);
  sum_operand(ctx, a, o.transpose_a, 1, o.bias_gradient_a);
  sum_operand(ctx, b, o.transpose_b, 0, o.bias_gradient_b);
}

} // namespace dtcrt

// When an activation may be left to oneDNN, which applies it to a result before that is stored.
#pragma once

#include "dtcrt/activation.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// The largest magnitude among t's values: NaN if one of them is NaN, 0 without any.
template <class T> f32 largest_magnitude(Context &ctx, const Tensor<T> &t);

/// Whether oneDNN may apply the activation to sums of `terms` products of x's and w's values and a bias. Its relu makes 0 of NaN
/// (max(NaN, 0) is 0 on x86), and so does its sigmoid in plain loops. That is nothing where the operands are too small to make a NaN:
/// they are read to know it, unless the result is the smaller, of which relu in a pass afterwards costs less.
template <class T, class Y>
bool epilogue_fits(Context &ctx, Activation activation, f32 alpha, const Tensor<T> &x, const Tensor<T> &w, index terms, const Tensor<Y> &bias,
                   const Tensor<Y> &y);

} // namespace dtcrt

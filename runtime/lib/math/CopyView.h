// The strided copy that all movement is made of; each device has its own.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

/// y = x for views of one shape; a stride of x may be 0. Element types f32, bf16, i64, i32, u8.
template <class T> void copy_view(Context &ctx, const T *x, const Dims &x_strides, T *y, const Dims &y_strides, const Dims &shape);

/// Every element of y = value.
template <class T> void fill_view(Context &ctx, T value, T *y, const Dims &y_strides, const Dims &shape);

} // namespace dtcrt

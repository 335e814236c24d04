// Calls that move elements and compute nothing: copies between layouts, transpositions, slices, concatenations.
// Every tensor may be row-major, channels-last or strided; element types f32, bf16, i64, i32, u8, bool.
#pragma once

#include "dtcrt/context.h"

#include <initializer_list>

namespace dtcrt {

/// y = x, element by logical element. Shapes with the same number of elements are matched in row-major logical order
/// (a reshape that also changes the layout).
template <class T> void copy(Context &ctx, const Tensor<T> &x, const Tensor<T> &y);

struct TransposeOptions {
  Dims perm{}; ///< dimension i of y is dimension perm[i] of x; empty: reversed
};
template <class T> void transpose(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const TransposeOptions &options = {});

struct SliceOptions {
  Dims offsets{}; ///< where y starts in x, one a dimension
  Dims steps{};   ///< positive; empty: all 1
};
/// y = the part of x that starts at `offsets` and has y's shape.
template <class T> void slice(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &options);
/// The other way: writes x into the part of y that starts at `offsets`; leaves the rest of y alone.
template <class T> void insert(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &options);

struct ConcatOptions {
  int axis = 0; ///< negative: counted from the end
};
/// y = the inputs one after the other along the axis: concat(ctx, {a, b, c}, y, {.axis = 1}).
void concat(Context &ctx, std::initializer_list<Tensor<f32>> inputs, const Tensor<f32> &y, const ConcatOptions &options = {});
void concat(Context &ctx, std::initializer_list<Tensor<bf16>> inputs, const Tensor<bf16> &y, const ConcatOptions &options = {});
void concat(Context &ctx, std::initializer_list<Tensor<i64>> inputs, const Tensor<i64> &y, const ConcatOptions &options = {});
void concat(Context &ctx, std::initializer_list<Tensor<i32>> inputs, const Tensor<i32> &y, const ConcatOptions &options = {});
void concat(Context &ctx, std::initializer_list<Tensor<bool>> inputs, const Tensor<bool> &y, const ConcatOptions &options = {});

/// y = x, numpy-broadcast to y's shape (aligned from the right).
template <class T> void broadcast(Context &ctx, const Tensor<T> &x, const Tensor<T> &y);

/// Every element of y = value.
void fill(Context &ctx, const Tensor<f32> &y, f32 value);
void fill(Context &ctx, const Tensor<bf16> &y, f32 value);

} // namespace dtcrt

// Slices of a tensor that integers name, and their gradient: embeddings.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

struct GatherOptions {
  int axis = 0; ///< of the data, the dimension whose slices the indices name
};

/// y [a…, i…, b…] = the slices of data [a…, rows, b…] that indices [i…] name along the axis; negative ones count from the end (ONNX Gather).
/// All tensors are dense and row-major. Throws Error where an index is outside of [-rows, rows): on a CPU at once, on a GPU when the step
/// ends; nothing is read there, y is 0. T: f32, bf16, i64, i32, bool.
template <class T> void gather(Context &ctx, const Tensor<T> &data, const Tensor<i64> &indices, const Tensor<T> &y, const GatherOptions &options = {});
template <class T> void gather(Context &ctx, const Tensor<T> &data, const Tensor<i32> &indices, const Tensor<T> &y, const GatherOptions &options = {});

struct GatherGradientOptions {
  int axis = 0;            ///< of ddata
  bool accumulate = false; ///< ddata += instead of =
};

/// ddata [a…, rows, b…] = for each slice the sum of those of dy [a…, i…, b…] whose index names it, 0 where there is none. The sums of one
/// element are taken in the order of the indices, in f32: the same bits for any number of threads. An index that gather refuses adds
/// nothing. T: f32, bf16.
template <class T>
void gather_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<i64> &indices, const Tensor<f32> &ddata,
                     const GatherGradientOptions &options = {});
template <class T>
void gather_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<i32> &indices, const Tensor<f32> &ddata,
                     const GatherGradientOptions &options = {});

} // namespace dtcrt

// Copies in another element type.
#pragma once

#include "dtcrt/array.h"
#include "dtcrt/context.h"

namespace dtcrt {

/// to = from, each element rounded to the nearest, ties to even. Both are dense, of one shape and layout (on the CPU: of one shape).
/// A copy of a declared parameter is one itself: library formats of it are kept until the next cast.
void cast(Context &ctx, const Tensor<f32> &from, const Tensor<bf16> &to);

/// What one cast of a list works on. No memory is in two of a list.
struct CastTensors {
  Tensor<f32> from;
  Tensor<bf16> to;
};
/// All casts of a list at once (one launch): as if each were called by itself.
void cast(Context &ctx, ListOf<CastTensors> list);

} // namespace dtcrt

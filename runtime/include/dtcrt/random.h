// Dropout. What is dropped follows from the run's seed (Context::seed), the step, the sample's place in the whole batch and the element's
// offset in its sample: it is the same for any number of ranks, microbatches and threads, on CPUs and GPUs, and each time it is drawn.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

struct DropoutOptions {
  Tensor<i64> sample{}; ///< [N]: the number of each sample in the whole batch, below 2^32; absent: x is one sample, number 0
  f64 ratio = 0;        ///< the probability of an element to be dropped, in [0, 1]
  index stream = 0;     ///< of the model's dropouts, which draw apart; below 2^32
  index outer = 1;      ///< x in row-major order is [outer, N, inner]; the offset of element (o, n, i) in its sample is o * inner + i
};

/// y = x / (1 - ratio) where an element is kept, else 0; x's gradient from y's is the same call. x and y are row-major, of one shape, and
/// may be the same tensor. Words 0 to 3 of Philox4x32-10 for the counter (offset / 4, sample, step, stream) belong to four offsets one
/// behind the other; an element is dropped if its word is below ratio * 2^32. `step` is a scalar.
void dropout(Context &ctx, const Tensor<f32> &x, const Tensor<i64> &step, const Tensor<f32> &y, const DropoutOptions &options = {});
void dropout(Context &ctx, const Tensor<bf16> &x, const Tensor<i64> &step, const Tensor<bf16> &y, const DropoutOptions &options = {});

} // namespace dtcrt

// Adding up what ranks bring, one rank after the other.
#pragma once

#include "dtcrt/comm.h"

namespace dtcrt {

/// sums[i] becomes its sum with values[i], or the larger one; NaN wins.
inline void combine(Reduction reduction, f32 *sums, const f32 *values, index count) {
  if (reduction == Reduction::max) {
#pragma omp simd
    for (index i = 0; i < count; ++i)
      sums[i] = values[i] > sums[i] || values[i] != values[i] ? values[i] : sums[i];
  } else {
#pragma omp simd
    for (index i = 0; i < count; ++i)
      sums[i] += values[i];
  }
}

/// Elements summed at a time, in the first-level cache.
inline constexpr index sum_block = 1024;

} // namespace dtcrt

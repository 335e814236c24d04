// Blocks that add up rows of a matrix, column by column:
//
//        columns →            threads of a block: `across` packs of columns, block_threads / across rows
//   rows ┌────┬────┬────┐     grid: chunks of columns × shares of the rows
//    ↓   │    │    │    │     The shape follows from the matrix alone, so the order of addition is the same on every GPU.
//        └────┴────┴────┘
#pragma once

#include "cuda/Primitives.h"

namespace dtcrt::device {

struct ColumnBlocks {
  int across = 1;    ///< threads side by side, a power of two
  index chunks = 1;  ///< blocks side by side
  index shares = 1;  ///< blocks among which the rows are divided

  /// For `packs` packs of columns and `rows` rows.
  ColumnBlocks(index packs, index rows) {
    while (across < 32 && across < packs)
      across *= 2;
    chunks = ceil_div(packs, across);
    shares = std::clamp<index>(ceil_div(rows, index(rows_of_block()) * 16), 1, std::clamp<index>(2048 / chunks, 1, 256));
  }
  int rows_of_block() const { return block_threads / across; }
};

/// Merges what the threads of a block hold for a column: into those of the first row. All threads call it; merge(own, other).
template <class Part, class Merge> __device__ inline Part merge_rows(Part part, int across, Merge merge) {
  __shared__ Part parts[block_threads];
  const int thread = static_cast<int>(threadIdx.x);
  parts[thread] = part;
  __syncthreads(); // all parts are written
  for (int distance = block_threads / 2; distance >= across; distance /= 2) {
    if (thread < distance)
      parts[thread] = merge(parts[thread], parts[thread + distance]);
    __syncthreads(); // a level is merged
  }
  part = parts[thread];
  __syncthreads(); // the parts are read, the next call may write
  return part;
}

} // namespace dtcrt::device

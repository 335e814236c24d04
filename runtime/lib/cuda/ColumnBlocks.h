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
    shares = std::clamp<index>(ceil_div(rows, index(rows_of_block()) * 16), 1, std::clamp<index>(2048 / chunks, 1, 512));
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

/// Rows that a thread asks for before it adds the first.
inline constexpr int rows_in_flight = 4;

/// Calls add(values) for this thread's rows of a share. take(row, values) loads one, or returns false for rows that do not count.
template <class Pack, class Take, class Add> __device__ inline void for_rows(index rows, int across, Take take, Add add) {
  const int height = block_threads / across;
  const index step = index(gridDim.y) * height;
  for (index row = blockIdx.y * index(height) + threadIdx.x / across; row < rows; row += step * rows_in_flight) {
    Pack values[rows_in_flight] = {};
    bool counts[rows_in_flight];
    for (int i = 0; i < rows_in_flight; ++i)
      counts[i] = row + i * step < rows && take(row + i * step, values[i]);
    for (int i = 0; i < rows_in_flight; ++i)
      if (counts[i])
        add(values[i]);
  }
}

/// For what shares of the rows have left, [share, column]: a block merges some columns, a few threads each.
inline constexpr int finish_across = 8;

inline dim3 finish_blocks(index columns) { return dim3(static_cast<unsigned>(ceil_div(columns, finish_across))); }

/// The column of this thread, and all its shares merged, in the threads whose `is_first` is true.
template <class Part> struct Finished {
  index column;
  bool is_first;
  Part total;
};
template <class Part, class Merge> __device__ inline Finished<Part> finish_column(const Part *parts, index shares, index columns, Merge merge) {
  const index column = blockIdx.x * index(finish_across) + threadIdx.x % finish_across;
  Part total{};
  if (column < columns)
    for (index share = threadIdx.x / finish_across; share < shares; share += block_threads / finish_across)
      total = merge(total, parts[share * columns + column]);
  total = merge_rows(total, finish_across, merge);
  return {column, static_cast<int>(threadIdx.x) < finish_across && column < columns, total};
}

} // namespace dtcrt::device

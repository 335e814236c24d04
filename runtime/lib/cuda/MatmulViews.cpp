// Strides to leading dimensions, batches and repetitions.
#include "cuda/MatmulViews.h"

#include <algorithm>
#include <utility>

namespace dtcrt {

namespace {

/// Whether [rows, columns] with these strides are columns one behind the other; a stride of a dimension of size 1 means nothing.
bool is_by_columns(index rows, index columns, index row_stride, index column_stride) {
  return (rows == 1 || row_stride == 1) && (columns == 1 || column_stride >= rows);
}

Stored stored(index rows, index columns, index row_stride, index column_stride) {
  Stored result;
  result.transposed = !is_by_columns(rows, columns, row_stride, column_stride);
  if (result.transposed) {
    std::swap(rows, columns);
    std::swap(row_stride, column_stride);
  }
  result.leading = columns == 1 ? rows : column_stride;
  return result;
}

/// Leading dimensions of all three: size and strides.
struct Loop {
  index size, a, b, y;
};

index stride_in(const MatrixView &view, int dimension, int rank) {
  const int own = dimension - (rank - view.dims.size());
  return own < 0 || view.dims[own] == 1 ? 0 : view.strides[own];
}

} // namespace

MatrixView MatrixView::transposed() const {
  MatrixView result = *this;
  const int rank = dims.size();
  std::swap(result.dims[rank - 1], result.dims[rank - 2]);
  std::swap(result.strides[rank - 1], result.strides[rank - 2]);
  return result;
}

bool MatrixView::is_stored() const {
  return is_by_columns(rows(), columns(), row_stride(), column_stride()) || is_by_columns(columns(), rows(), column_stride(), row_stride());
}

Products plan_products(const MatrixView &a, const MatrixView &b, const MatrixView &y) {
  const int rank = y.dims.size();
  std::vector<Loop> loops; // innermost last; neighbours that are one run on all sides are one loop
  for (int i = 0; i < rank - 2; ++i) {
    const Loop loop{y.dims[i], stride_in(a, i, rank), stride_in(b, i, rank), y.strides[i]};
    if (loop.size == 1)
      continue;
    if (!loops.empty()) {
      Loop &outer = loops.back();
      if (outer.a == loop.a * loop.size && outer.b == loop.b * loop.size && outer.y == loop.y * loop.size) {
        outer = {outer.size * loop.size, loop.a, loop.b, loop.y};
        continue;
      }
    }
    loops.push_back(loop);
  }

  index rows = y.rows();
  const index columns = y.columns(), depth = a.columns();
  index a_row = a.row_stride(), y_row = y.row_stride();
  const bool by_rows = is_by_columns(columns, rows, y.column_stride(), y_row);
  // Rows of a stack that follow each other evenly are rows of one matrix.
  if (by_rows)
    for (std::size_t i = loops.size(); i-- > 0;) {
      const Loop &loop = loops[i];
      const bool a_follows = rows == 1 || loop.a == a_row * rows, y_follows = rows == 1 || loop.y == y_row * rows;
      const index a_step = rows == 1 ? loop.a : a_row, y_step = rows == 1 ? loop.y : y_row;
      const bool a_stays_stored = MatrixView{{rows * loop.size, depth}, {a_step, a.column_stride()}}.is_stored();
      if (loop.b != 0 || loop.a == 0 || !a_follows || !y_follows || !a_stays_stored || (columns > 1 && y_step < columns))
        continue;
      a_row = a_step;
      y_row = y_step;
      rows *= loop.size;
      loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(i));
      i = loops.size();
    }

  Products result;
  Product &p = result.product;
  result.swapped = by_rows;
  const Stored left = by_rows ? stored(columns, depth, b.column_stride(), b.row_stride()) : stored(rows, depth, a_row, a.column_stride());
  const Stored right = by_rows ? stored(depth, rows, a.column_stride(), a_row) : stored(depth, columns, b.row_stride(), b.column_stride());
  p.m = by_rows ? columns : rows;
  p.n = by_rows ? rows : columns;
  p.k = depth;
  p.a = left;
  p.b = right;
  p.d = by_rows ? stored(columns, rows, y.column_stride(), y_row) : stored(rows, columns, y_row, y.column_stride());

  result.at = {{0, 0, 0}};
  if (!loops.empty()) {
    const auto largest = std::max_element(loops.begin(), loops.end(), [](const Loop &x, const Loop &y) { return x.size < y.size; });
    p.batch = largest->size;
    p.a.batch_stride = by_rows ? largest->b : largest->a;
    p.b.batch_stride = by_rows ? largest->a : largest->b;
    p.d.batch_stride = largest->y;
    loops.erase(largest);
  }
  for (const Loop &loop : loops) {
    std::vector<ProductAt> all;
    for (const ProductAt &at : result.at)
      for (index i = 0; i < loop.size; ++i)
        all.push_back({at.a + i * loop.a, at.b + i * loop.b, at.y + i * loop.y});
    result.at = std::move(all);
  }
  return result;
}

} // namespace dtcrt

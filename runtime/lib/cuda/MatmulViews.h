// How a batched product of row-major or strided tensors becomes products of column-major matrices, as few as possible.
#pragma once

#include "cuda/MatmulPlan.h"

#include <vector>

namespace dtcrt {

/// A stack of matrices: logical dimensions [..., rows, columns] and strides in elements.
struct MatrixView {
  Dims dims, strides;

  index rows() const { return dims[dims.size() - 2]; }
  index columns() const { return dims.back(); }
  index row_stride() const { return strides[dims.size() - 2]; }
  index column_stride() const { return strides.back(); }
  /// The last two dimensions exchanged.
  MatrixView transposed() const;
  /// Whether cuBLASLt can read it where it lies: rows or columns are runs of memory that do not overlap.
  bool is_stored() const;
};

/// The same product again, elsewhere: elements from the start of each tensor.
struct ProductAt {
  index a, b, y;
};

struct Products {
  Product product; ///< without alignments, bias and activation
  /// cuBLASLt's d is y's transpose, its a is b's and its b is a's: y is stored by rows, which is what a transpose by columns is.
  bool swapped = true;
  std::vector<ProductAt> at; ///< where it is made, once or more often
};

/// y = a · b with numpy's broadcasting of the leading dimensions. All three are stored (is_stored), and the sizes fit.
/// Stacks that are evenly spaced are one batch, and a stack times one matrix is one tall product, where memory allows it.
Products plan_products(const MatrixView &a, const MatrixView &b, const MatrixView &y);

} // namespace dtcrt

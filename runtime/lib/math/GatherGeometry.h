// What gather and its gradient go through: data [outer, rows, inner], slices [outer, count, inner].
#pragma once

#include "core/Require.h"
#include "math/HostDevice.h"

namespace dtcrt {

struct GatherGeometry {
  index outer = 1, rows, inner = 1, count;

  template <class T, class I, class U>
  GatherGeometry(const char *call, const Tensor<T> &data, const Tensor<I> &indices, const Tensor<U> &slices, int axis) {
    require(axis >= 0 && axis < data.rank(), call, "the axis is one of the data's");
    Dims shape;
    for (int i = 0; i < axis; ++i) {
      shape.push_back(data.dim(i));
      outer *= data.dim(i);
    }
    for (index size : indices.shape())
      shape.push_back(size);
    for (int i = axis + 1; i < data.rank(); ++i) {
      shape.push_back(data.dim(i));
      inner *= data.dim(i);
    }
    require(slices.shape() == shape, call, "the slices have the data's shape with that of the indices in place of the axis");
    require(data.layout() == row_major && indices.layout() == row_major && slices.layout() == row_major, call, "all tensors are row-major");
    rows = data.dim(axis);
    count = indices.size();
  }
  /// The row that an index names; -1: none.
  DTCRT_HOST_DEVICE constexpr index row_of(i64 index_value) const {
    const i64 row = index_value < 0 ? index_value + rows : index_value;
    return row >= 0 && row < rows ? row : -1;
  }
};

} // namespace dtcrt

// A tensor as rows along one axis: where each row starts, how long it is, its step.
#pragma once

#include "core/Require.h"
#include "math/HostDevice.h"

namespace dtcrt {

template <class T> struct Rows {
  T *data;
  index length, step, count;
  Dims sizes, strides; ///< of all dimensions but the axis, in logical order

  Rows(const Tensor<T> &t, int axis) : data(t.data()) {
    axis = axis < 0 ? axis + t.rank() : axis;
    require(axis >= 0 && axis < t.rank(), "rows", "the axis is one of the tensor's");
    length = t.dim(axis);
    step = length == 1 ? 1 : t.strides()[axis];
    for (int i = 0; i < t.rank(); ++i)
      if (i != axis) {
        sizes.push_back(t.dim(i));
        strides.push_back(t.strides()[i]);
      }
    count = sizes.product();
  }
  DTCRT_HOST_DEVICE constexpr T *at(index row) const {
    index offset = 0;
    for (int i = sizes.size() - 1; i >= 0; --i) {
      offset += row % sizes[i] * strides[i];
      row /= sizes[i];
    }
    return data + offset;
  }
};

} // namespace dtcrt

// A sum over axes as two nests of loops: over the results, and over the terms of each.
#pragma once

#include "core/Require.h"
#include "dtcrt/reduction.h"
#include "math/HostDevice.h"

#include <algorithm>

namespace dtcrt {

/// Loops over kept or over summed dimensions: sizes and the steps of both tensors, outermost first.
struct ReduceLoops {
  Dims size, from, to;

  void add(index n, index x_step, index y_step) {
    if (n != 1) {
      size.push_back(n);
      from.push_back(x_step);
      to.push_back(y_step);
    }
  }
  /// Orders the loops by x's step and merges those that are one run of memory in both tensors.
  void order() {
    int by[max_rank];
    for (int i = 0; i < size.size(); ++i)
      by[i] = i;
    std::stable_sort(by, by + size.size(), [&](int a, int b) { return from[a] > from[b]; });
    ReduceLoops merged;
    for (int n = 0; n < size.size(); ++n) {
      const int i = by[n];
      if (!merged.size.empty() && merged.from.back() == from[i] * size[i] && merged.to.back() == to[i] * size[i]) {
        merged.size.back() *= size[i];
        merged.from.back() = from[i];
        merged.to.back() = to[i];
      } else {
        merged.size.push_back(size[i]);
        merged.from.push_back(from[i]);
        merged.to.push_back(to[i]);
      }
    }
    *this = merged;
  }
  index product() const { return size.product(); }
  /// The offsets of one point of all loops but the last `inner`.
  DTCRT_HOST_DEVICE constexpr void at(index position, int inner, index &x, index &y) const {
    x = y = 0;
    for (int i = size.size() - inner; i-- > 0;) {
      x += position % size[i] * from[i];
      y += position % size[i] * to[i];
      position /= size[i];
    }
  }
};

/// The loops of reduce_sum(x, y), whose rules they check.
struct ReducePlan {
  ReduceLoops kept, summed;

  template <class X, class Y> ReducePlan(const Tensor<X> &x, const Tensor<Y> &y, const ReduceOptions &o) {
    bool is_summed[max_rank] = {};
    for (index axis : o.axes) {
      require(axis >= 0 && axis < x.rank(), "reduce_sum", "the axes are x's");
      is_summed[axis] = true;
    }
    if (o.axes.empty())
      std::fill_n(is_summed, x.rank(), true);
    const int summed_count = static_cast<int>(std::count(is_summed, is_summed + x.rank(), true));
    const bool keeps = y.rank() == x.rank();
    require(keeps || y.rank() == x.rank() - summed_count, "reduce_sum", "y keeps the summed axes as 1 or leaves them out");
    for (int i = 0, j = 0; i < x.rank(); ++i) {
      if (is_summed[i]) {
        require(!keeps || y.dim(j) == 1, "reduce_sum", "a summed axis has size 1");
        summed.add(x.dim(i), x.strides()[i], 0);
      } else {
        require(y.dim(j) == x.dim(i), "reduce_sum", "a kept axis has x's size");
        kept.add(x.dim(i), x.strides()[i], y.strides()[j]);
      }
      j += keeps || !is_summed[i];
    }
    kept.order();
    summed.order();
  }
  /// Whether rows of x are added up, element by element, rather than each row to one sum.
  bool innermost_kept() const { return !kept.size.empty() && (summed.size.empty() || kept.from.back() < summed.from.back()); }
};

} // namespace dtcrt

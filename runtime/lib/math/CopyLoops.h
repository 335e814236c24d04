// A strided copy as loops: as few as possible, in the order of the destination's memory.
#pragma once

#include "dtcrt/tensor.h"

#include <algorithm>

namespace dtcrt {

/// The loops of a copy: sizes with the steps of both sides, outermost first, as few as possible.
struct CopyLoops {
  int count = 0;
  index size[max_rank], from[max_rank], to[max_rank];
};

/// Orders the dimensions by the step of the destination (writes run forward through memory) and merges
/// those that are one run of memory on both sides.
inline CopyLoops make_copy_loops(const Dims &shape, const Dims &from, const Dims &to) {
  int order[max_rank], used = 0;
  for (int i = 0; i < shape.size(); ++i)
    if (shape[i] != 1)
      order[used++] = i;
  std::stable_sort(order, order + used, [&](int a, int b) { return to[a] > to[b]; });
  CopyLoops loops;
  for (int i = 0; i < used; ++i) {
    const int d = order[i];
    const int last = loops.count - 1;
    if (last >= 0 && loops.from[last] == from[d] * shape[d] && loops.to[last] == to[d] * shape[d]) {
      loops.size[last] *= shape[d];
      loops.from[last] = from[d];
      loops.to[last] = to[d];
    } else {
      loops.size[loops.count] = shape[d];
      loops.from[loops.count] = from[d];
      loops.to[loops.count] = to[d];
      ++loops.count;
    }
  }
  return loops;
}

} // namespace dtcrt

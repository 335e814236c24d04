// Where an element of a strided copy's loops lies, for the threads that take one each.
#pragma once

#include "dtcrt/device.h"
#include "math/CopyLoops.h"

namespace dtcrt::device {

/// `from`, `to`: the element's place on both sides. `position` counts the elements in the order of the loops.
template <class I> __device__ void locate(const CopyLoops &loops, I position, index &from, index &to) {
  from = to = 0;
  for (int d = loops.count - 1; d >= 0; --d) {
    const I size = static_cast<I>(loops.size[d]), at = d > 0 ? position % size : position;
    position /= size;
    from += static_cast<index>(at) * loops.from[d];
    to += static_cast<index>(at) * loops.to[d];
  }
}

} // namespace dtcrt::device

// The index space of a fused kernel.
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/lanes.h"

namespace dtcrt {

/// The sizes of a kernel's index space, outermost first.
template <int Rank> struct Grid {
  index sizes[Rank > 0 ? Rank : 1];
  DTC_HOST_DEVICE index product() const {
    index result = 1;
    for (int i = 0; i < Rank; ++i)
      result *= sizes[i];
    return result;
  }
};

template <class... Sizes> Grid<sizeof...(Sizes)> grid(Sizes... sizes) { return {{static_cast<index>(sizes)...}}; }

} // namespace dtcrt

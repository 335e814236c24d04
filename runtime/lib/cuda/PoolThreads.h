// Which thread makes which element of a pool, and the windows around it.
#pragma once

#include "cuda/Primitives.h"
#include "math/Pooling.h"

#include <type_traits>

namespace dtcrt::device {

/// The element of a thread: image, first channel, three positions. Neighbouring threads are neighbours in memory: along the channels where
/// these are innermost, else along the positions.
struct PoolElement {
  index n, c, s[3];

  template <class Counter>
  __device__ PoolElement(bool by_channels, int count, Counter item, index channels, const index (&sizes)[3]) {
    const auto take = [&](index size) {
      const index at = static_cast<index>(item % static_cast<Counter>(size));
      item /= static_cast<Counter>(size);
      return at;
    };
    if (by_channels)
      c = take(channels / count) * count;
    s[2] = take(sizes[2]);
    s[1] = take(sizes[1]);
    s[0] = take(sizes[0]);
    if (!by_channels)
      c = take(channels);
    n = static_cast<index>(item);
  }
  template <class T> __device__ T *in(const PoolView<T> &v) const { return v.data + n * v.n + c * v.c + s[0] * v.s[0] + s[1] * v.s[1] + s[2] * v.s[2]; }
};

/// Calls visit(kernel position, offset of the element of x) for the part of window `o` that lies inside x.
template <class Visit> __device__ inline void for_window(const PoolGeometry &g, const index (&o)[3], const index (&step)[3], Visit visit) {
  index first[3], last[3];
  for (int d = 0; d < 3; ++d)
    g.inside(d, o[d], first[d], last[d]);
  for (index k0 = first[0]; k0 < last[0]; ++k0)
    for (index k1 = first[1]; k1 < last[1]; ++k1)
      for (index k2 = first[2]; k2 < last[2]; ++k2)
        visit(static_cast<i32>((k0 * g.kernel[1] + k1) * g.kernel[2] + k2),
              (o[0] * g.stride[0] - g.begin[0] + k0 * g.dilation[0]) * step[0] + (o[1] * g.stride[1] - g.begin[1] + k1 * g.dilation[1]) * step[1] +
                  (o[2] * g.stride[2] - g.begin[2] + k2 * g.dilation[2]) * step[2]);
}

/// The windows of dimension d that can reach element i: [first, last).
__device__ inline void windows_of(const PoolGeometry &g, int d, index i, index &first, index &last) {
  const auto at = static_cast<i32>(i + g.begin[d]), stride = static_cast<i32>(g.stride[d]);
  const auto reach = static_cast<i32>((g.kernel[d] - 1) * g.dilation[d]);
  first = at > reach ? (at - reach + stride - 1) / stride : 0;
  last = min(static_cast<index>(at / stride) + 1, g.out[d]);
}

/// Calls visit(kernel position, window) for every window that holds element i, in the windows' order.
template <class Visit> __device__ inline void for_windows_of(const PoolGeometry &g, const index (&i)[3], Visit visit) {
  index first[3], last[3];
  for (int d = 0; d < 3; ++d)
    windows_of(g, d, i[d], first[d], last[d]);
  // The element's place in window o, or -1 between the places of a dilated one.
  const auto place = [&](int d, index o) -> i32 {
    const auto distance = static_cast<i32>(i[d] + g.begin[d] - o * g.stride[d]), dilation = static_cast<i32>(g.dilation[d]);
    return dilation == 1 ? distance : distance % dilation ? -1 : distance / dilation;
  };
  for (index o0 = first[0]; o0 < last[0]; ++o0) {
    const i32 k0 = place(0, o0);
    if (k0 < 0)
      continue;
    for (index o1 = first[1]; o1 < last[1]; ++o1) {
      const i32 k1 = place(1, o1);
      if (k1 < 0)
        continue;
      for (index o2 = first[2]; o2 < last[2]; ++o2) {
        const i32 k2 = place(2, o2);
        if (k2 >= 0)
          visit(static_cast<i32>((k0 * g.kernel[1] + k1) * g.kernel[2] + k2), {o0, o1, o2});
      }
    }
  }
}

/// Whether neighbouring channels of every position can be taken in packs.
template <int count, class T> bool pool_packs(const PoolView<T> &v) {
  return !v.data || (v.c == 1 && packs<count, T>({v.data}, {v.n, v.s[0], v.s[1], v.s[2]}));
}

/// Calls run(channels of a thread, whether threads follow the channels, counter, threads) for a pool of `elements`.
template <int pack, class Run> void with_pool_threads(index elements, bool packed, bool by_channels, Run run) {
  if (elements == 0)
    return;
  const index items = packed ? elements / pack : elements;
  with_counter(items, [&](auto counter) {
    if (packed)
      run(std::integral_constant<int, pack>(), std::true_type(), counter, items);
    else if (by_channels)
      run(std::integral_constant<int, 1>(), std::true_type(), counter, items);
    else
      run(std::integral_constant<int, 1>(), std::false_type(), counter, items);
  });
}

} // namespace dtcrt::device

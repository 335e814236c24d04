// Rows of classes: how many threads work on one, and its softmax's two numbers in one pass.
#pragma once

#include "cuda/Primitives.h"
#include "math/Rows.h"

namespace dtcrt::device {

/// Where a row begins; dimensions of positions are few, and the first needs no division.
template <class T> __device__ inline T *row_at(const Rows<T> &rows, index row) {
  index offset = 0;
  if (row < (index(1) << 31)) {
    auto rest = static_cast<std::uint32_t>(row);
    for (int d = rows.sizes.size() - 1; d > 0; --d) {
      const auto size = static_cast<std::uint32_t>(rows.sizes[d]);
      offset += static_cast<index>(rest % size) * rows.strides[d];
      rest /= size;
    }
    return rows.data + offset + (rows.sizes.size() > 0 ? static_cast<index>(rest) * rows.strides[0] : 0);
  }
  return rows.at(row);
}

/// Calls visit(class, values) for the classes of this lane: packs of `count`, or single ones.
template <int lanes, int count, class T, class Visit>
__device__ inline void for_classes(const T *row, index classes, index step, Visit visit) {
  for (index c = index(Team<lanes>::lane()) * count; c < classes; c += lanes * count) {
    if constexpr (count == 1)
      visit(c, Pack<T, 1>{{row[c * step]}});
    else
      visit(c, load<count>(row + c));
  }
}

/// max(x) and sum(exp(x - max(x))) of a row, in all lanes.
struct Exponentials {
  f32 largest, sum;
};
template <int lanes, int count, class T> __device__ inline Exponentials exponentials(const T *row, index classes, index step) {
  f32 largest = -3.402823466e38f, sum = 0; // finite: -inf - -inf would be NaN
  for_classes<lanes, count>(row, classes, step, [&](index, const Pack<T, count> &values) {
    for (int i = 0; i < count; ++i) {
      const f32 value = values[i], e = expf(-fabsf(value - largest));
      const bool larger = value > largest;
      sum = larger ? sum * e + 1 : sum + e;
      largest = larger ? value : largest;
    }
  });
  const f32 of_all = Team<lanes>::max(largest);
  return {of_all, Team<lanes>::sum(sum * expf(largest - of_all))};
}

/// Calls run(lanes, values of a pack) with the team for rows of this length, as integral constants; `aligned`: rows can be read in packs.
template <int pack, class Run> void with_team(index classes, bool contiguous, bool aligned, Run run) {
  using One = std::integral_constant<int, 1>;
  if (!contiguous) // neighbouring rows lie side by side: a thread for each reads whole lines with its neighbours
    return run(One(), One());
  const auto with = [&](auto count) {
    const index items = classes / count.value;
    if (items <= 16)
      run(std::integral_constant<int, 8>(), count);
    else if (items <= 512)
      run(std::integral_constant<int, 32>(), count);
    else
      run(std::integral_constant<int, block_threads>(), count);
  };
  if (aligned)
    with(std::integral_constant<int, pack>());
  else
    with(One());
}

/// Whether all rows can be read in packs.
template <int count, class T> bool rows_in_packs(const Rows<T> &rows) {
  bool result = rows.step == 1 && packs<count, T>({rows.data}, {rows.length});
  for (int d = 0; d < rows.sizes.size(); ++d)
    result = result && rows.strides[d] % count == 0;
  return result;
}

} // namespace dtcrt::device

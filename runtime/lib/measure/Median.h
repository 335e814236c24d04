// The median of measured times: what others of the machine do now and then does not move it.
#pragma once

#include <algorithm>
#include <vector>

namespace dtcrt {

/// The upper one of an even number; 0 of none.
template <class T> T median(std::vector<T> values) {
  if (values.empty())
    return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace dtcrt

// Rules of the library's calls that the compiler keeps: their check, and how shapes read in messages.
#pragma once

#include "dtcrt/context.h"

#include <stdexcept>
#include <string>

namespace dtcrt {

/// "[64, 1, 28, 28]", for messages.
inline std::string to_string(const Dims &dims) {
  std::string text = "[";
  for (int i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

/// "'conv1.weight' [32, 1, 3, 3]", for messages.
template <class T> std::string to_string(const Tensor<T> &tensor) {
  return (tensor.name() ? "'" + std::string(tensor.name()) + "' " : "") + to_string(tensor.shape());
}

/// Throws std::logic_error: a call that the compiler must not emit.
inline void require(bool holds, const char *call, const char *rule) {
  if (!holds)
    throw std::logic_error(std::string(call) + ": " + rule);
}

/// Threads for a loop over `elements` values: below some size a second thread costs more than it brings.
inline int threads_for(const Context &ctx, index elements, index serial_below = 16384) {
  return elements < serial_below ? 1 : ctx.threads();
}

} // namespace dtcrt

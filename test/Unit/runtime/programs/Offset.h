// Where the buffers of a hand-written program lie: one after the other.
#pragma once

#include <dtcrt/tensor.h>

struct Offset {
  std::size_t at = 0;
  std::size_t take(const dtcrt::Dims &shape, std::size_t element = 4, dtcrt::index count = 1) {
    const std::size_t here = at;
    at += (static_cast<std::size_t>(shape.product()) * element + 63) / 64 * 64 * static_cast<std::size_t>(count);
    return here;
  }
};

template <class T>
dtcrt::Tensor<T> next(const dtcrt::Arena &arena, Offset &offset, const dtcrt::Dims &shape, dtcrt::Layout layout = dtcrt::row_major) {
  return dtcrt::Tensor<T>(arena, offset.take(shape, sizeof(T)), shape, layout);
}

/// `count` slots of this shape.
template <class T>
dtcrt::Slots<T> slots(const dtcrt::Arena &arena, Offset &offset, dtcrt::index count, const dtcrt::Dims &shape) {
  return dtcrt::Slots<T>(arena, nullptr, offset.take(shape, sizeof(T), count), count, shape);
}

/// The rows of `tensor` in `count` parts.
template <class T> dtcrt::Slots<T> parts(const dtcrt::Arena &arena, const dtcrt::Tensor<T> &tensor, dtcrt::index count) {
  dtcrt::Dims shape = tensor.shape();
  shape[0] /= count;
  return dtcrt::Slots<T>(arena, tensor.name(), static_cast<std::size_t>(reinterpret_cast<std::byte *>(tensor.data()) - arena.base()), count, shape,
                         tensor.layout(), tensor.bytes() / static_cast<std::size_t>(count));
}

// What equal layers have: arrays of buffers, and lists that are put together layer by layer.
#pragma once

#include "dtcrt/tensor.h"

#include <initializer_list>
#include <vector>

namespace dtcrt {

/// Buffers that differ in name and place alone; Buffer is a Tensor or Slots. `array[i]` is the i-th.
template <class Buffer> class Array {
public:
  /// The model's name, not copied, and the offset in the arena in bytes.
  struct Place {
    const char *name;
    std::size_t offset;
  };
  /// Behind the places: what the constructor of each takes behind its name and offset.
  DTC_NOINLINE Array(const Arena &arena, std::initializer_list<Place> places, const Dims &shape, Layout layout = row_major) {
    buffers_.reserve(places.size());
    for (const Place &place : places)
      buffers_.emplace_back(arena, place.name, place.offset, shape, layout);
  }
  DTC_NOINLINE Array(const Arena &arena, std::initializer_list<Place> places, index count, const Dims &shape, Layout layout = row_major,
                     std::size_t stride_bytes = 0) {
    buffers_.reserve(places.size());
    for (const Place &place : places)
      buffers_.emplace_back(arena, place.name, place.offset, count, shape, layout, stride_bytes);
  }
  /// Buffers that lie elsewhere, in another order.
  Array(std::initializer_list<Buffer> buffers) : buffers_(buffers) {}

  const Buffer &operator[](index i) const {
    assert(i >= 0 && i < size() && "no such buffer");
    return buffers_[static_cast<std::size_t>(i)];
  }
  index size() const { return static_cast<index>(buffers_.size()); }

private:
  std::vector<Buffer> buffers_;
};

/// What a call works on, written out or put together in a vector; valid as long as that.
template <class T> class ListOf {
public:
  /// As an argument, it lives as long as the call.
  ListOf(std::initializer_list<T> items) : ListOf(items.begin(), items.size()) {}
  ListOf(const std::vector<T> &items) : first_(items.data()), size_(items.size()) {}

  const T *begin() const { return first_; }
  const T *end() const { return first_ + size_; }
  std::size_t size() const { return size_; }

private:
  ListOf(const T *first, std::size_t size) : first_(first), size_(size) {}

  const T *first_;
  std::size_t size_;
};

} // namespace dtcrt

// Tensors: typed views of memory with static-size shapes, and the arena they lie in.
#pragma once

#include "dtcrt/bf16.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace dtcrt {

using f32 = float;
using f64 = double;
using i64 = std::int64_t;
using i32 = std::int32_t;
using u8 = std::uint8_t;
using index = std::int64_t;

/// Ranks above this are refused by the compiler.
inline constexpr int max_rank = 8;

/// A short list of sizes, strides or axes; lives inside its owner, never allocates.
class Dims {
public:
  constexpr Dims() = default;
  constexpr Dims(std::initializer_list<index> values) {
    assert(values.size() <= max_rank && "rank above dtcrt::max_rank");
    for (index value : values)
      values_[count_++] = value;
  }
  /// `count` copies of `value`.
  static constexpr Dims repeat(int count, index value) {
    Dims dims;
    for (int i = 0; i < count; ++i)
      dims.push_back(value);
    return dims;
  }

  constexpr int size() const { return count_; }
  constexpr bool empty() const { return count_ == 0; }
  constexpr index &operator[](int i) { return values_[i]; }
  constexpr index operator[](int i) const { return values_[i]; }
  constexpr index &back() { return values_[count_ - 1]; }
  constexpr index back() const { return values_[count_ - 1]; }
  constexpr const index *begin() const { return values_; }
  constexpr const index *end() const { return values_ + count_; }
  constexpr void push_back(index value) {
    assert(count_ < max_rank && "rank above dtcrt::max_rank");
    values_[count_++] = value;
  }
  /// The product of all values; 1 for an empty list.
  constexpr index product() const {
    index result = 1;
    for (index value : *this)
      result *= value;
    return result;
  }
  friend constexpr bool operator==(const Dims &a, const Dims &b) {
    if (a.count_ != b.count_)
      return false;
    for (int i = 0; i < a.count_; ++i)
      if (a.values_[i] != b.values_[i])
        return false;
    return true;
  }

private:
  index values_[max_rank] = {};
  int count_ = 0;
};

/// How a tensor's logical dimensions lie in memory.
///   row_major      the last dimension is innermost (NCHW)
///   channels_last  dimension 1 is innermost, all others keep their order (NCHW shape, NHWC memory); rank 3 and above
///   strided        anything else: a view made of explicit strides
enum class Layout : u8 { row_major, channels_last, strided };
inline constexpr Layout row_major = Layout::row_major;
inline constexpr Layout channels_last = Layout::channels_last;

/// Strides, in elements, of a dense tensor of this shape and layout.
constexpr Dims dense_strides(const Dims &shape, Layout layout = row_major) {
  Dims strides = Dims::repeat(shape.size(), 1);
  index stride = 1;
  if (layout == channels_last) {
    strides[1] = 1;
    stride = shape[1];
  }
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (layout == channels_last && i == 1)
      continue;
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/// Of what a program does once, or for next to nothing: a call is less for its compiler than the code in each place.
#if defined(__GNUC__)
#define DTC_NOINLINE __attribute__((noinline))
#else
#define DTC_NOINLINE
#endif

/// One rank's memory: one block, aligned to 64 bytes, in which the compiler has given every buffer its offset.
/// The ranks of one host share the first part of theirs, so that collectives read a peer's buffers where they lie. Does not own the memory: World::allocate does.
class Arena {
public:
  Arena(void *base, std::size_t bytes) : base_(static_cast<std::byte *>(base)), bytes_(bytes) {}
  std::byte *base() const { return base_; }
  std::size_t bytes() const { return bytes_; }

private:
  std::byte *base_;
  std::size_t bytes_;
};

/// A view of memory that it does not own. `shape()` is always the logical shape (N, C, spatial...), whatever the layout.
/// A tensor of rank 0 is a scalar with one element; a default-made tensor is absent: `if (tensor)` is false.
template <class T> class Tensor {
public:
  Tensor() = default;
  /// The buffer at `offset` bytes of the arena.
  DTC_NOINLINE Tensor(const Arena &arena, std::size_t offset, const Dims &shape, Layout layout = row_major)
      : Tensor(reinterpret_cast<T *>(arena.base() + offset), shape, layout) {
    assert(offset + bytes() <= arena.bytes() && "buffer beyond the arena");
  }
  /// `name`, the model's for what the buffer holds, stands in messages; it is not copied.
  DTC_NOINLINE Tensor(const Arena &arena, const char *name, std::size_t offset, const Dims &shape, Layout layout = row_major)
      : Tensor(arena, offset, shape, layout) {
    name_ = name;
  }
  /// A dense tensor at `data`.
  Tensor(T *data, const Dims &shape, Layout layout = row_major)
      : data_(data), shape_(shape), strides_(dense_strides(shape, layout)), layout_(layout) {
    assert((layout != channels_last || shape.size() >= 3) && "channels-last needs rank 3");
  }
  /// A view with explicit strides, in elements.
  Tensor(T *data, const Dims &shape, const Dims &strides)
      : data_(data), shape_(shape), strides_(strides), layout_(Layout::strided) {
    if (strides == dense_strides(shape))
      layout_ = row_major;
    else if (shape.size() >= 3 && strides == dense_strides(shape, channels_last))
      layout_ = channels_last;
  }

  T *data() const { return data_; }
  /// nullptr where none was given.
  const char *name() const { return name_; }
  const Dims &shape() const { return shape_; }
  index dim(int i) const { return shape_[i]; }
  int rank() const { return shape_.size(); }
  const Dims &strides() const { return strides_; }
  Layout layout() const { return layout_; }
  bool is_dense() const { return layout_ != Layout::strided; }
  /// Number of elements.
  index size() const { return shape_.product(); }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }
  explicit operator bool() const { return data_ != nullptr; }
  /// The same view of other memory.
  Tensor at(T *data) const {
    Tensor result = *this;
    result.data_ = data;
    return result;
  }

private:
  T *data_ = nullptr;
  const char *name_ = nullptr;
  Dims shape_, strides_;
  Layout layout_ = row_major;
};

/// A buffer that exists once for each microbatch in flight: microbatch i lies in slot i % count. The slots lie one behind the other.
template <class T> class Slots {
public:
  Slots() = default;
  /// As Tensor; `stride_bytes` from one slot to the next; 0: the tensor's bytes, rounded up to 64. Slots that are the rows of one tensor
  /// (the microbatches of an input) give the bytes of their rows.
  DTC_NOINLINE Slots(const Arena &arena, const char *name, std::size_t offset, index count, const Dims &shape, Layout layout = row_major,
                     std::size_t stride_bytes = 0)
      : first_(arena, name, offset, shape, layout), count_(count), stride_(stride_bytes ? stride_bytes : (first_.bytes() + 63) / 64 * 64) {
    assert(count > 0 && "no slot");
    assert(stride_ % sizeof(T) == 0 && "slots begin at whole elements");
    assert(offset + static_cast<std::size_t>(count - 1) * stride_ + first_.bytes() <= arena.bytes() && "slots beyond the arena");
  }

  /// The slot of a microbatch.
  DTC_NOINLINE Tensor<T> operator[](index microbatch) const {
    assert(microbatch >= 0 && count_ > 0);
    const auto distance = static_cast<std::size_t>(microbatch % count_) * stride_;
    return first_.at(reinterpret_cast<T *>(reinterpret_cast<std::byte *>(first_.data()) + distance));
  }
  index count() const { return count_; }
  std::size_t stride_bytes() const { return stride_; }

private:
  Tensor<T> first_;
  index count_ = 0;
  std::size_t stride_ = 0;
};

} // namespace dtcrt

// <strings.h> declares a function `index`: in the unnamed namespace, where a program's code stands, our type comes first.
namespace {
using dtcrt::index;
}

// How a kernel's body reaches memory: Read and Write, by an index or by lanes. An array of T is seen as the type that is computed
// with; on the host, with an index, this is a plain load or store.
#pragma once

#include "dtcrt/lanes.h"

#include <bit>

namespace dtcrt {

/// What elements in memory are computed as, and the conversions between the two.
template <class T> struct Element {
  using Computed = T;
  DTC_HOST_DEVICE static Computed load(const T &stored) { return stored; }
  DTC_HOST_DEVICE static T store(Computed value) { return value; }
};

template <> struct Element<bf16> {
  using Computed = f32;
  DTC_HOST_DEVICE static f32 load(bf16 stored) { return stored; }
  DTC_HOST_DEVICE static bf16 store(f32 value) { return bf16(value); }
};

namespace detail {

/// W neighbours in memory.
template <class T, int W> struct alignas(W * sizeof(T) < 16 ? W * sizeof(T) : 16) Pack {
  T lane[W];
};

template <class T, int W> DTC_HOST_DEVICE Pack<T, W> load(const T *from) { return *reinterpret_cast<const Pack<T, W> *>(from); }

#ifdef __CUDA_ARCH__
template <class Word, int count> struct Words {
  Word word[count];
};

/// In stores of 16 bytes (8, where there are not more), by name: nvcc takes a pack apart and does not always put it together again.
template <class T, int W> DTC_HOST_DEVICE void store(T *to, const Pack<T, W> &pack) {
  if constexpr (sizeof(pack) % sizeof(float4) == 0) {
    const auto words = std::bit_cast<Words<float4, sizeof(pack) / sizeof(float4)>>(pack);
    DTC_UNROLL
    for (std::size_t i = 0; i < sizeof(pack) / sizeof(float4); ++i)
      __stwb(reinterpret_cast<float4 *>(to) + i, words.word[i]);
  } else if constexpr (sizeof(pack) == sizeof(float2)) {
    __stwb(reinterpret_cast<float2 *>(to), std::bit_cast<float2>(pack));
  } else {
    *reinterpret_cast<Pack<T, W> *>(to) = pack;
  }
}
#else
template <class T, int W> DTC_HOST_DEVICE void store(T *to, const Pack<T, W> &pack) { *reinterpret_cast<Pack<T, W> *>(to) = pack; }
#endif

} // namespace detail

/// An array that a body reads. Values are loaded when they are named, so that a body may write where it has read.
template <class T> class Read {
public:
  using Computed = typename Element<T>::Computed;
  Read(const T *data) : data_(data) {}
  Read(const Tensor<T> &tensor) : data_(tensor.data()) {}

  DTC_HOST_DEVICE Computed operator[](index position) const { return Element<T>::load(data_[position]); }
  /// Neighbours; the compiler has made sure that `position` is a multiple of W and the array aligned.
  template <int W> DTC_HOST_DEVICE Vector<Computed, W> operator[](Lanes<W> position) const {
    const auto pack = detail::load<T, W>(data_ + position.first);
    return detail::for_lanes<W>([&](int i) { return Element<T>::load(pack.lane[i]); });
  }
  template <int W> DTC_HOST_DEVICE Vector<Computed, W> operator[](StridedLanes<W> position) const {
    return detail::for_lanes<W>([&](int i) { return Element<T>::load(data_[position.first + i * position.stride]); });
  }

private:
  const T *data_;
};

/// An array that a body writes: `out[position] = value`, where the value is one for all lanes or one for each.
template <class T> class Write {
public:
  using Computed = typename Element<T>::Computed;
  Write(T *data) : data_(data) {}
  Write(const Tensor<T> &tensor) : data_(tensor.data()) {}

  template <class Position> class Target {
  public:
    DTC_HOST_DEVICE Target(T *data, Position position) : data_(data), position_(position) {}
    template <class V> DTC_HOST_DEVICE void operator=(const V &value) const { write(position_, value); }

  private:
    template <class V> DTC_HOST_DEVICE void write(index position, const V &value) const { data_[position] = Element<T>::store(value); }
    template <int W, class V> DTC_HOST_DEVICE void write(Lanes<W> position, const V &value) const {
      detail::Pack<T, W> pack;
      DTC_UNROLL
      for (int i = 0; i < W; ++i)
        pack.lane[i] = Element<T>::store(detail::lane(value, i));
      detail::store<T, W>(data_ + position.first, pack);
    }
    template <int W, class V> DTC_HOST_DEVICE void write(StridedLanes<W> position, const V &value) const {
      DTC_UNROLL
      for (int i = 0; i < W; ++i)
        data_[position.first + i * position.stride] = Element<T>::store(detail::lane(value, i));
    }
    T *data_;
    Position position_;
  };

  DTC_HOST_DEVICE Target<index> operator[](index position) const { return {data_, position}; }
  template <int W> DTC_HOST_DEVICE Target<Lanes<W>> operator[](Lanes<W> position) const { return {data_, position}; }
  template <int W> DTC_HOST_DEVICE Target<StridedLanes<W>> operator[](StridedLanes<W> position) const { return {data_, position}; }

private:
  T *data_;
};

} // namespace dtcrt

// A tensor as lines of neighbours in memory, for passes that take its elements in any order.
#pragma once

#include "dtcrt/tensor.h"

#include <algorithm>
#include <span>

namespace dtcrt {

/// A dense tensor in pieces for threads to share; the rows of any other, single elements where a row's lie apart.
template <class T> class Lines {
public:
  explicit Lines(const Tensor<T> &t) : t_(t) {
    if (t.is_dense())
      length_ = piece;
    else
      length_ = t.strides()[t.rank() - 1] == 1 ? t.dim(t.rank() - 1) : 1;
  }
  index count() const { return (t_.size() + length_ - 1) / std::max<index>(length_, 1); }
  std::span<T> operator[](index line) const {
    if (t_.is_dense())
      return {t_.data() + line * length_, static_cast<std::size_t>(std::min(length_, t_.size() - line * length_))};
    index at = 0, rest = line * length_;
    for (int d = t_.rank() - 1; d >= 0; --d) {
      at += rest % t_.dim(d) * t_.strides()[d];
      rest /= t_.dim(d);
    }
    return {t_.data() + at, static_cast<std::size_t>(length_)};
  }

private:
  static constexpr index piece = 4096;
  const Tensor<T> &t_;
  index length_;
};

} // namespace dtcrt

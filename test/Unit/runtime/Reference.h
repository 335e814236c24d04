// What the runtime's tests share: owned tensors of any layout, and their values in logical order as f64.
#pragma once

#include <dtcrt/activation.h>

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace dtcrt::test {

/// A dense tensor with its memory.
template <class T> struct Owned {
  std::vector<T> memory;
  Tensor<T> tensor;

  explicit Owned(const Dims &shape, Layout layout = row_major, T value = T())
      : memory(static_cast<std::size_t>(shape.product()), value), tensor(memory.data(), shape, layout) {}
  Owned(const Owned &) = delete;

  operator const Tensor<T> &() const { return tensor; }
};

/// The offset of the i-th element in row-major logical order.
template <class T> index offset_of(const Tensor<T> &t, index i) {
  index offset = 0;
  for (int d = t.rank() - 1; d >= 0; --d) {
    offset += i % t.dim(d) * t.strides()[d];
    i /= t.dim(d);
  }
  return offset;
}

template <class T> std::vector<f64> logical(const Tensor<T> &t) {
  std::vector<f64> values;
  for (index i = 0; i < t.size(); ++i)
    values.push_back(static_cast<f64>(t.data()[offset_of(t, i)]));
  return values;
}

/// Deterministic values in [low, high).
template <class T> void randomise(const Tensor<T> &t, unsigned seed, f64 low = -1, f64 high = 1) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<f64> distribution(low, high);
  for (index i = 0; i < t.size(); ++i)
    t.data()[offset_of(t, i)] = static_cast<T>(distribution(engine));
}

/// Element by element within `tolerance`, absolute plus relative.
template <class T> void expect_near(const Tensor<T> &actual, const std::vector<f64> &expected, f64 tolerance = 1e-5) {
  ASSERT_EQ(static_cast<std::size_t>(actual.size()), expected.size());
  const std::vector<f64> values = logical(actual);
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "element " << i;
}

inline f64 activate(f64 v, Activation activation, f64 alpha = 0) {
  switch (activation) {
  case Activation::none: return v;
  case Activation::relu: return v < 0 ? 0 : v;
  case Activation::leaky_relu: return v > 0 ? v : alpha * v;
  case Activation::elu: return v > 0 ? v : alpha * std::expm1(v);
  case Activation::sigmoid: return 1 / (1 + std::exp(-v));
  case Activation::tanh: return std::tanh(v);
  case Activation::gelu: return v * std::erfc(-v / std::sqrt(2)) / 2;
  case Activation::gelu_tanh: return v / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
  }
  return v;
}

/// The logical row-major position of an index vector.
inline index position_of(const Dims &shape, const Dims &at) {
  index position = 0;
  for (int d = 0; d < shape.size(); ++d)
    position = position * shape[d] + at[d];
  return position;
}

/// Calls visit(Dims) for every index of a shape, in row-major order.
template <class Visit> void for_each_index(const Dims &shape, Visit visit) {
  for (index i = 0; i < shape.product(); ++i) {
    Dims at = Dims::repeat(shape.size(), 0);
    index rest = i;
    for (int d = shape.size() - 1; d >= 0; --d) {
      at[d] = rest % shape[d];
      rest /= shape[d];
    }
    visit(at);
  }
}

} // namespace dtcrt::test

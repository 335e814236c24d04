// Activations that library calls apply to their result before they write it.
#pragma once

#include "dtcrt/tensor.h"

namespace dtcrt {

/// With alpha: leaky_relu's slope for negative values, elu's scale.
/// gelu: x / 2 (1 + erf(x / sqrt(2))); gelu_tanh: with tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for erf (torch.nn.GELU).
enum class Activation : u8 { none, relu, leaky_relu, elu, sigmoid, tanh, gelu, gelu_tanh };

// Short names where the C library does not claim them (it claims tanh: write Activation::tanh).
inline constexpr Activation relu = Activation::relu;
inline constexpr Activation leaky_relu = Activation::leaky_relu;
inline constexpr Activation elu = Activation::elu;
inline constexpr Activation sigmoid = Activation::sigmoid;
inline constexpr Activation gelu = Activation::gelu;
inline constexpr Activation gelu_tanh = Activation::gelu_tanh;

} // namespace dtcrt

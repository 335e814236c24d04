// bf16: the upper half of an f32, a type to store values in. All arithmetic is that of f32.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define DTCRT_HOST_DEVICE __host__ __device__
#include <cuda_bf16.h>
#else
#define DTCRT_HOST_DEVICE
#endif

namespace dtcrt {

/// Eight bits of exponent as f32 has, so nothing overflows that f32 holds but what rounds beyond the largest value; eight bits of
/// precision. Reading is exact; writing rounds to the nearest, ties to even, and says so: bf16(x). A NaN stays one.
struct bf16 {
  std::uint16_t bits;

  bf16() = default;
  DTCRT_HOST_DEVICE explicit constexpr bf16(float value) : bits(rounded(value)) {}
  DTCRT_HOST_DEVICE constexpr operator float() const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
  DTCRT_HOST_DEVICE static constexpr bf16 from_bits(std::uint16_t bits) {
    bf16 value(0.0f);
    value.bits = bits;
    return value;
  }

private:
  DTCRT_HOST_DEVICE static constexpr std::uint16_t rounded(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    return __bfloat16_as_ushort(__float2bfloat16_rn(value)); // one instruction
#else
    const auto word = __builtin_bit_cast(std::uint32_t, value);
    // Half of the last place that is kept, less one unless that place is odd: a tie goes to even.
    const std::uint32_t nearest = (word + 0x7FFF + (word >> 16 & 1)) >> 16;
    const bool is_nan = (word & 0x7FFFFFFF) > 0x7F800000;
    return static_cast<std::uint16_t>(is_nan ? word >> 16 | 0x40 : nearest);
#endif
  }
};

static_assert(sizeof(bf16) == 2);

} // namespace dtcrt

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), for loops and kernels alike. The words
// are Random123's, whose own function no loop vectorises.
#pragma once

#include "math/HostDevice.h"

#include <cstdint>

namespace dtcrt {

struct PhiloxKey {
  std::uint32_t low, high;
};

/// Puts the four words of the counter (c0, c1, c2, c3) in its place.
DTCRT_HOST_DEVICE inline void philox(std::uint32_t &c0, std::uint32_t &c1, std::uint32_t &c2, std::uint32_t &c3, PhiloxKey key) {
#if defined(__CUDA_ARCH__)
#pragma unroll
#elif defined(__GNUC__) && !defined(__CUDACC__)
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * c0, b = std::uint64_t(0xCD9E8D57u) * c2;
    const std::uint32_t k0 = key.low + static_cast<std::uint32_t>(round) * 0x9E3779B9u, k1 = key.high + static_cast<std::uint32_t>(round) * 0xBB67AE85u;
    c0 = static_cast<std::uint32_t>(b >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(b);
    c2 = static_cast<std::uint32_t>(a >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(a);
  }
}

} // namespace dtcrt

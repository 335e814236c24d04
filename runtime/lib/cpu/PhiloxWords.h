// The words of many counters that differ in their first word alone, several counters in a vector.
#pragma once

#include "dtcrt/tensor.h"
#include "math/Philox.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace dtcrt {

/// Counters are drawn in groups of so many.
inline constexpr index philox_group = 8;

/// Four words for each of the counters (first, c1, c2, c3), (first + 1, c1, c2, c3), …; `count` is a multiple of philox_group.
inline void philox_words(std::uint32_t *words, std::uint32_t first, index count, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                         PhiloxKey key) {
#ifdef __AVX2__
  // A word lies in the lower half of 64 bits, where its product has room; the upper half of C0 to C3 means nothing. g++ 12 makes
  // this of no loop: its products of 32 bits change places twice a round, which takes three times as long.
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53u), m1 = _mm256_set1_epi64x(0xCD9E8D57u), low = _mm256_set1_epi64x(0xFFFFFFFFu);
  __m256i numbers = _mm256_add_epi64(_mm256_set1_epi64x(first), _mm256_set_epi64x(3, 2, 1, 0));
  for (index k = 0; k < count; k += philox_group) {
    __m256i C0[2], C1[2], C2[2], C3[2];
    for (int half = 0; half < 2; ++half) {
      C0[half] = numbers;
      numbers = _mm256_add_epi64(numbers, _mm256_set1_epi64x(4));
      C1[half] = _mm256_set1_epi64x(c1);
      C2[half] = _mm256_set1_epi64x(c2);
      C3[half] = _mm256_set1_epi64x(c3);
    }
#pragma GCC unroll 10
    for (std::uint32_t round = 0; round < 10; ++round) {
      const __m256i k0 = _mm256_set1_epi64x(key.low + round * 0x9E3779B9u), k1 = _mm256_set1_epi64x(key.high + round * 0xBB67AE85u);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m256i a = _mm256_mul_epu32(C0[half], m0), b = _mm256_mul_epu32(C2[half], m1);
        C0[half] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(b, 32), C1[half]), k0);
        C1[half] = b;
        C2[half] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(a, 32), C3[half]), k1);
        C3[half] = a;
      }
    }
    for (int half = 0; half < 2; ++half) {
      const __m256i p = _mm256_or_si256(_mm256_and_si256(C0[half], low), _mm256_slli_epi64(C1[half], 32)),
                    q = _mm256_or_si256(_mm256_and_si256(C2[half], low), _mm256_slli_epi64(C3[half], 32));
      const __m256i even = _mm256_unpacklo_epi64(p, q), odd = _mm256_unpackhi_epi64(p, q);
      auto *to = reinterpret_cast<__m256i *>(words + 4 * (k + 4 * half));
      _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
      _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
    }
  }
#else
#pragma omp simd
  for (index k = 0; k < count; ++k) {
    std::uint32_t w0 = first + static_cast<std::uint32_t>(k), w1 = c1, w2 = c2, w3 = c3;
    philox(w0, w1, w2, w3, key);
    words[4 * k] = w0;
    words[4 * k + 1] = w1;
    words[4 * k + 2] = w2;
    words[4 * k + 3] = w3;
  }
#endif
}

} // namespace dtcrt

// Random numbers that depend on a seed, a name and a position alone: never on ranks, threads or the order of the calls.
#pragma once

#include "dtcrt/tensor.h"

#include <Random123/philox.h>

#include <cmath>
#include <string_view>
#include <utility>

namespace dtcrt {

/// The stream of `name` under `seed`: Philox4x32-10 with the seed as key and the name's FNV-1a hash in the counter.
class RandomStream {
public:
  RandomStream(std::uint64_t seed, std::string_view name) {
    key_ = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
    hash_ = 0xCBF29CE484222325u;
    for (const char c : name)
      hash_ = (hash_ ^ static_cast<u8>(c)) * 0x100000001B3u;
  }
  /// Four words for position `i`.
  r123::Philox4x32::ctr_type words(std::uint64_t i) const {
    return r123::Philox4x32()({{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), static_cast<std::uint32_t>(hash_),
                                static_cast<std::uint32_t>(hash_ >> 32)}},
                              key_);
  }
  /// In [0, 1), for position `i`.
  f64 uniform(std::uint64_t i) const { return (words(i / 4)[i % 4] >> 8) * 0x1p-24; }
  /// Two values with mean 0 and deviation 1, for the pair of positions 2i and 2i + 1 (Box-Muller).
  std::pair<f64, f64> normals(std::uint64_t i) const {
    const auto w = words(i);
    const f64 radius = std::sqrt(-2 * std::log((w[0] + 1.0) * 0x1p-32)), angle = w[1] * (2 * M_PI * 0x1p-32);
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }
  /// In [0, bound), without bias that matters (64 random bits).
  std::uint64_t below(std::uint64_t i, std::uint64_t bound) const {
    const auto w = words(i);
    const std::uint64_t x = static_cast<std::uint64_t>(w[0]) << 32 | w[1];
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(x) * bound) >> 64);
  }

private:
  r123::Philox4x32::key_type key_;
  std::uint64_t hash_;
};

} // namespace dtcrt

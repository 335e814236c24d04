// What a dropout call needs to know of its options, for both targets.
#pragma once

#include "core/Require.h"
#include "dtcrt/random.h"
#include "math/Philox.h"

#include <cmath>

namespace dtcrt {

/// x as [outer, samples, inner] in row-major order, and how its mask is drawn.
struct DropoutMask {
  index outer = 1, samples = 1, inner = 0;
  std::uint64_t threshold = 0; ///< words below it drop their element
  f32 scale = 1;               ///< of what is kept
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;

  template <class T> DropoutMask(const Context &ctx, const Tensor<T> &x, const Tensor<i64> &step, const Tensor<T> &y, const DropoutOptions &o) {
    constexpr const char *call = "dropout";
    require(x.shape() == y.shape() && x.layout() == row_major && y.layout() == row_major, call, "input and output are row-major, of one shape");
    require(step && step.size() == 1, call, "the step is a scalar");
    require(o.ratio >= 0 && o.ratio <= 1, call, "ratio is in [0, 1]");
    require(o.stream >= 0 && o.stream < (index(1) << 32), call, "a stream's number has 32 bits");
    outer = o.outer;
    samples = o.sample ? o.sample.size() : 1;
    require(outer > 0 && (samples == 0 || x.size() % (outer * samples) == 0), call, "outer times the samples divide x");
    inner = x.size() == 0 ? 0 : x.size() / (outer * samples);
    require(outer * inner <= (index(4) << 32), call, "a sample has at most 2^34 elements");
    threshold = static_cast<std::uint64_t>(std::ceil(std::ldexp(o.ratio, 32)));
    scale = o.ratio < 1 ? static_cast<f32>(1 / (1 - o.ratio)) : 0;
    seed = ctx.seed();
    stream = static_cast<std::uint32_t>(o.stream);
  }

  /// Steps above 2^32 change the key; the constant keeps masks apart from the initial values, whose key is the seed itself.
  DTCRT_HOST_DEVICE PhiloxKey key(i64 step) const {
    return {static_cast<std::uint32_t>(seed) ^ 0x64726F70u,
            static_cast<std::uint32_t>(seed >> 32) ^ static_cast<std::uint32_t>(static_cast<std::uint64_t>(step) >> 32)};
  }
};

} // namespace dtcrt

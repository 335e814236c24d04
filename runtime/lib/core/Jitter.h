// A debugging aid: DTCRT_JITTER_US=N lets a rank sleep 0 to N microseconds before each fragment and each start and wait of
// communication, so that its ranks meet in other orders than usual.
#pragma once

#include "core/Random.h"

#include <optional>

namespace dtcrt {

class Jitter {
public:
  /// From DTCRT_JITTER_US and DTCRT_JITTER_SEED (default: the clock). Nothing when the first is not set or 0. Throws Error when one of
  /// them is not a number.
  static std::optional<Jitter> from_environment(int rank);

  /// The next random time of this rank.
  void sleep();

private:
  Jitter(std::uint64_t microseconds, std::uint64_t seed, int rank);

  std::uint64_t microseconds_, next_ = 0;
  RandomStream random_;
};

} // namespace dtcrt

// Waking a rank that sleeps. Every rank has one word in the shared memory of its host, and sleeps on nothing else:
// whatever it waits for, a message that arrives meanwhile wakes it too.
#pragma once

#include <atomic>
#include <cstdint>

namespace dtcrt {

struct alignas(64) Doorbell {
  std::atomic<std::uint32_t> rings; ///< counts them
  std::atomic<std::uint32_t> asleep;
};

/// After a change that the bell's owner may wait for.
void ring(Doorbell &bell);

/// Sleeps until the bell has been rung since `rings` was `seen`, or for `nanoseconds` (0: without limit). May return early.
/// Ranks may outnumber cores: a waiting rank must leave its core to the one it waits for.
void sleep(Doorbell &bell, std::uint32_t seen, long nanoseconds);

} // namespace dtcrt

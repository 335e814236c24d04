// Sleeping and waking with a futex on Linux.
#include "comm/Doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace dtcrt {

namespace {
static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);

long futex(std::atomic<std::uint32_t> &word, int operation, std::uint32_t value, const timespec *timeout) {
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&word), operation, value, timeout, nullptr, 0);
}
} // namespace

// Either ring() sees the sleeper, or the kernel sees that the word has changed and does not let it sleep.
void ring(Doorbell &bell) {
  bell.rings.fetch_add(1);
  if (bell.asleep.load() != 0 && bell.asleep.exchange(0) != 0) // the first to ring wakes
    futex(bell.rings, FUTEX_WAKE, INT_MAX, nullptr);
}

void sleep(Doorbell &bell, std::uint32_t seen, long nanoseconds) {
  const timespec timeout{0, nanoseconds};
  bell.asleep.store(1);
  futex(bell.rings, FUTEX_WAIT, seen, nanoseconds ? &timeout : nullptr);
  bell.asleep.store(0);
}

} // namespace dtcrt

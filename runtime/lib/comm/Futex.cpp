// Waiting for a word in memory shared between processes: spin a little, then sleep in the kernel. Ranks may outnumber cores,
// so a waiting rank must leave its core to the one it waits for.
#include "comm/WorldImpl.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace dtcrt {

namespace {
static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);

/// About 2 microseconds: longer than a peer that runs at the same time needs for a small message.
constexpr int spins = 100;

long futex(std::atomic<std::uint32_t> &word, int operation, std::uint32_t value, const timespec *timeout) {
  return syscall(SYS_futex, reinterpret_cast<std::uint32_t *>(&word), operation, value, timeout, nullptr, 0);
}
} // namespace

void sleep_until(Control &control, SharedOperation &operation, std::atomic<std::uint32_t> &word, std::uint32_t value) {
  for (int i = 0; i < spins; ++i) {
    if (word.load(std::memory_order_acquire) == value)
      return;
    __builtin_ia32_pause();
  }
  // The timeout is for a peer that fails without coming here: its flag is looked at 50 times a second.
  const timespec timeout{0, 20'000'000};
  for (;;) {
    operation.sleepers.fetch_add(1);
    const std::uint32_t seen = word.load();
    if (seen != value && !control.failed.load())
      futex(word, FUTEX_WAIT, seen, &timeout);
    operation.sleepers.fetch_sub(1);
    if (word.load(std::memory_order_acquire) == value)
      return;
    if (control.failed.load())
      throw PeerFailure();
  }
}

void publish(SharedOperation &operation, std::atomic<std::uint32_t> &word, std::uint32_t value) {
  word.store(value);
  if (operation.sleepers.load() != 0)
    futex(word, FUTEX_WAKE, INT_MAX, nullptr);
}

} // namespace dtcrt

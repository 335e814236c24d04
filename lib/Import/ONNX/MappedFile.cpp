// Parts of files in memory, without a copy.
#include "MappedFile.h"

#include "llvm/Support/Signals.h"

#include <atomic>
#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace {

/// A mapping that is in use, or was: a handler of signals can take no lock, so none is ever freed, but used again.
struct Mapping {
  std::atomic<uintptr_t> begin = 0, end = 0;
  std::atomic<bool> taken = true;
  Mapping *next = nullptr;
};

std::atomic<Mapping *> mappings = nullptr;
struct sigaction before;

void onBusError(int signal, siginfo_t *info, void *context) {
  auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Mapping *mapping = mappings.load(); mapping; mapping = mapping->next)
    if (address >= mapping->begin && address < mapping->end) {
      constexpr char message[] = "dtc: error: a file beside the model was cut off while it was read\n";
      [[maybe_unused]] ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
      llvm::sys::RunInterruptHandlers(); // removes what is half written
      _exit(1);
    }
  // Not ours: whoever handled it before does, when the access fails again.
  sigaction(signal, &before, nullptr);
}

void watchBusErrors() {
  static const bool once = [] {
    struct sigaction action = {};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &before) == 0;
  }();
  (void)once;
}

Mapping *remember(uintptr_t begin, uintptr_t end) {
  Mapping *mapping = mappings.load();
  for (bool expected = false; mapping && !mapping->taken.compare_exchange_strong(expected, true); expected = false)
    mapping = mapping->next;
  if (!mapping) {
    mapping = new Mapping;
    mapping->next = mappings.load();
    while (!mappings.compare_exchange_weak(mapping->next, mapping))
      ;
  }
  mapping->end = end;
  mapping->begin = begin;
  return mapping;
}

} // namespace

std::optional<AsmResourceBlob> dtc::onnximport::mapFile(int file, uint64_t offset, uint64_t size) {
  uint64_t skipped = offset % static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), length = skipped + size;
  watchBusErrors();
  void *pages = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, static_cast<off_t>(offset - skipped));
  if (pages == MAP_FAILED)
    return std::nullopt;
  auto begin = reinterpret_cast<uintptr_t>(pages);
  Mapping *mapping = remember(begin, begin + length);
  uint64_t alignment = skipped ? skipped & -skipped : 4096;
  return AsmResourceBlob(
      ArrayRef(static_cast<const char *>(pages) + skipped, size), alignment,
      [pages, length, mapping](void *, size_t, size_t) {
        mapping->end = 0;
        mapping->taken = false;
        munmap(pages, length);
      },
      /*dataIsMutable=*/false);
}

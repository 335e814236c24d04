// Device and pinned memory, copies and fills.
#include "Memory.h"
#include "Settings.h"
#include "Stream.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

using namespace cuda_emulation;

namespace cuda_emulation {

namespace {

constexpr std::size_t guard = 256; ///< bytes before a block, and at least that many behind it
constexpr unsigned char guard_value = 0xA5, fresh_value = 0xFF; ///< fresh memory is full of NaNs

/// A block of whole pages, so that it can be protected: guard, the caller's bytes, guard.
struct Allocation {
  std::byte *pages;
  std::size_t page_bytes, bytes;
};

std::map<std::byte *, Allocation> &device_blocks() {
  static std::map<std::byte *, Allocation> blocks;
  return blocks;
}
std::map<const std::byte *, std::size_t> &pinned_blocks() {
  static std::map<const std::byte *, std::size_t> blocks;
  return blocks;
}

int open_accesses = 0;

void protect(int protection) {
  for (auto &[address, block] : device_blocks())
    mprotect(block.pages, block.page_bytes, protection);
}

void report_access(int, siginfo_t *info, void *) {
  const auto *at = static_cast<std::byte *>(info->si_addr);
  for (auto &[address, block] : device_blocks())
    if (at >= block.pages && at < block.pages + block.page_bytes) {
      std::fprintf(stderr, "cuda emulation: the host touched device memory, byte %td of a block of %zu bytes\n", at - address, block.bytes);
      std::_Exit(134);
    }
  signal(SIGSEGV, SIG_DFL);
}

void install_handler() {
  struct sigaction action = {};
  action.sa_sigaction = report_access;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

std::size_t allocated() {
  std::size_t bytes = 0;
  for (auto &[address, block] : device_blocks())
    bytes += block.bytes;
  return bytes;
}

} // namespace

DeviceAccess::DeviceAccess() {
  if (settings().protect && open_accesses++ == 0)
    protect(PROT_READ | PROT_WRITE);
}
DeviceAccess::~DeviceAccess() {
  if (settings().protect && --open_accesses == 0)
    protect(PROT_NONE);
}

std::string damaged_guard() {
#if !defined(__SANITIZE_ADDRESS__) // which sees every access itself
  for (auto &[address, block] : device_blocks()) {
    const std::byte *end = block.pages + block.page_bytes;
    for (const std::byte *zone : {address - guard, address + block.bytes})
      for (const std::byte *at = zone; at < zone + guard && at < end; ++at)
        if (*at != std::byte{guard_value})
          return "wrote to byte " + std::to_string(at - address) + " of a block of " + std::to_string(block.bytes) + " bytes";
  }
#endif
  return {};
}

bool is_pinned(const void *address, std::size_t bytes) {
  const auto *at = static_cast<const std::byte *>(address);
  auto block = pinned_blocks().upper_bound(at);
  return block != pinned_blocks().begin() && (--block, at + bytes <= block->first + block->second);
}

} // namespace cuda_emulation

cudaError_t cudaMalloc(void **address, std::size_t bytes) {
  *address = nullptr;
  if (const cudaError_t error = ready())
    return remember(error);
  if (const cudaError_t error = forbid_in_capture(cudaErrorStreamCaptureUnsupported))
    return remember(error);
  if (bytes == 0)
    return cudaSuccess;
  if (allocated() + bytes > settings().memory)
    return remember(cudaErrorMemoryAllocation);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t page_bytes = (bytes + 2 * guard + page - 1) / page * page;
  void *pages = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return remember(cudaErrorMemoryAllocation);
  auto *begin = static_cast<std::byte *>(pages) + guard;
  std::memset(pages, guard_value, page_bytes);
  std::memset(begin, fresh_value, bytes);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(pages, guard);
  __asan_poison_memory_region(begin + bytes, page_bytes - guard - bytes);
#endif
  device_blocks()[begin] = {static_cast<std::byte *>(pages), page_bytes, bytes};
  if (settings().protect && !open_accesses) {
    static const bool installed = (install_handler(), true);
    (void)installed;
    mprotect(pages, page_bytes, PROT_NONE);
  }
  *address = begin;
  return cudaSuccess;
}

cudaError_t cudaFree(void *address) {
  if (!address)
    return cudaSuccess;
  if (const cudaError_t error = forbid_in_capture(cudaErrorStreamCaptureUnsupported))
    return remember(error);
  const auto found = device_blocks().find(static_cast<std::byte *>(address));
  if (found == device_blocks().end())
    return remember(cudaErrorInvalidValue);
  run_everything(); // cudaFree waits for the device
  const Allocation block = found->second;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(block.pages, block.page_bytes);
#endif
  device_blocks().erase(found);
  munmap(block.pages, block.page_bytes);
  return remember(failed());
}

cudaError_t cudaHostAlloc(void **address, std::size_t bytes, unsigned) {
  *address = nullptr;
  if (const cudaError_t error = ready())
    return remember(error);
  if (const cudaError_t error = forbid_in_capture(cudaErrorStreamCaptureUnsupported))
    return remember(error);
  *address = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (!*address)
    return remember(cudaErrorMemoryAllocation);
  pinned_blocks()[static_cast<std::byte *>(*address)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void **address, std::size_t bytes, unsigned flags) { return cudaHostAlloc(address, bytes, flags); }

cudaError_t cudaFreeHost(void *address) {
  if (!address)
    return cudaSuccess;
  if (!pinned_blocks().erase(static_cast<std::byte *>(address)))
    return remember(cudaErrorInvalidValue);
  run_everything();
  std::free(address);
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void *address, std::size_t bytes, unsigned) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (is_pinned(address, bytes))
    return remember(cudaErrorHostMemoryAlreadyRegistered);
  pinned_blocks()[static_cast<std::byte *>(address)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void *address) {
  return pinned_blocks().erase(static_cast<std::byte *>(address)) ? cudaSuccess : remember(cudaErrorHostMemoryNotRegistered);
}

cudaError_t cudaMemGetInfo(std::size_t *free, std::size_t *total) {
  if (const cudaError_t error = ready())
    return remember(error);
  *total = settings().memory;
  *free = *total - allocated();
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes, const void *address) {
  *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, nullptr};
  for (auto &[begin, block] : device_blocks())
    if (address >= begin && address < begin + block.bytes)
      *attributes = {cudaMemoryTypeDevice, 0, const_cast<void *>(address), nullptr};
  if (is_pinned(address, 1))
    *attributes = {cudaMemoryTypeHost, 0, const_cast<void *>(address), const_cast<void *>(address)};
  return cudaSuccess;
}

namespace {

cudaMemcpyKind direction(const void *to, const void *from, cudaMemcpyKind kind) {
  if (kind != cudaMemcpyDefault)
    return kind;
  cudaPointerAttributes target, source;
  cudaPointerGetAttributes(&target, to);
  cudaPointerGetAttributes(&source, from);
  const bool is_to = target.type == cudaMemoryTypeDevice, is_from = source.type == cudaMemoryTypeDevice;
  return is_to ? is_from ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice : is_from ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
}

} // namespace

cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
  if (bytes == 0)
    return cudaSuccess;
  kind = direction(to, from, kind);
  const auto stream = stream_of(handle);
  const bool captured = stream && stream->capture;
  // Pageable memory: it is read before the call returns, and written before it returns.
  if (!captured && kind == cudaMemcpyHostToDevice && settings().streams == Streams::lazy && !is_pinned(from, bytes)) {
    auto staged = std::make_shared<std::vector<std::byte>>(static_cast<const std::byte *>(from), static_cast<const std::byte *>(from) + bytes);
    return remember(enqueue(handle, Kind::copy, [=] { std::memcpy(to, staged->data(), bytes); }));
  }
  const cudaError_t error = enqueue(handle, Kind::copy, [=] { std::memmove(to, from, bytes); });
  if (!captured && stream && kind == cudaMemcpyDeviceToHost && !is_pinned(to, bytes))
    wait_for(*stream, stream->issued);
  return remember(error);
}

cudaError_t cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind) { return cudaMemcpyAsync(to, from, bytes, kind, nullptr); }

cudaError_t cudaMemsetAsync(void *address, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0)
    return cudaSuccess;
  return remember(enqueue(stream, Kind::fill, [=] { std::memset(address, value, bytes); }));
}
cudaError_t cudaMemset(void *address, int value, std::size_t bytes) { return cudaMemsetAsync(address, value, bytes, nullptr); }

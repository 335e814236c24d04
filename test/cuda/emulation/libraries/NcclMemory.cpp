// Opening and leaving shared memory.
#include "NcclMemory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <set>
#include <stdexcept>

namespace cuda_emulation {

std::size_t NcclMemory::header_bytes() const { return (sizeof(Header) + sizeof(int) * static_cast<std::size_t>(ranks_) + 63) / 64 * 64; }

NcclMemory::NcclMemory(const std::string &name, int ranks, int rank, int device) : name_(name), ranks_(ranks) {
  const auto lanes = static_cast<std::size_t>(ranks_) * static_cast<std::size_t>(ranks_ + 1);
  bytes_ = header_bytes() + lanes * sizeof(Lane);
  const int file = shm_open(name.c_str(), O_RDWR | O_CREAT, 0600);
  // New pages are zeros, and the same size twice is no change.
  if (file < 0 || ftruncate(file, static_cast<off_t>(bytes_)) != 0)
    throw std::runtime_error("no shared memory");
  void *memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED)
    throw std::runtime_error("no room for shared memory");
  header_ = static_cast<Header *>(memory);
  lanes_ = reinterpret_cast<Lane *>(static_cast<std::byte *>(memory) + header_bytes());
  header_->devices[rank] = device;
  header_->arrived.fetch_add(1);
}

NcclMemory::~NcclMemory() {
  if (is_named_)
    shm_unlink(name_.c_str());
  munmap(header_, bytes_);
}

bool NcclMemory::is_complete() {
  if (header_->arrived.load() < ranks_)
    return false;
  if (is_named_)
    shm_unlink(name_.c_str());
  is_named_ = false;
  return true;
}

bool NcclMemory::has_shared_device() const { return std::set<int>(header_->devices, header_->devices + ranks_).size() < static_cast<std::size_t>(ranks_); }

} // namespace cuda_emulation

// tmpfs files: posix_fallocate says what a touched page would say by SIGBUS.
#include "comm/SharedMemory.h"
#include "dtcrt/context.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dtcrt {

namespace {

const char *const folder = "/dev/shm";
constexpr std::size_t huge_page = std::size_t(2) << 20;
/// Of Open MPI's vader, for each rank: btl_vader_segment_size and what goes with it.
constexpr std::size_t mpi_bytes = std::size_t(5) << 20;
const char *const mpi_transports = "OMPI_MCA_btl";

std::size_t whole_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

struct Space {
  std::size_t total = 0, free = 0;
};
Space space() {
  struct statvfs status;
  if (statvfs(folder, &status) != 0)
    return {};
  return {status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

bool mpi_keeps_out = false;

} // namespace

std::string bytes_text(std::size_t bytes) {
  const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  int unit = 0;
  for (; amount >= 1024 && unit < 4; ++unit)
    amount /= 1024;
  char text[40];
  std::snprintf(text, sizeof text, "%.*f %s", unit > 0, amount, units[unit]);
  return text;
}

void leave_mpi_out_of_small_shared_memory(int ranks) {
  if (space().free >= mpi_bytes * static_cast<std::size_t>(ranks) || std::getenv(mpi_transports))
    return;
  setenv(mpi_transports, "^vader", 0);
  mpi_keeps_out = true;
}

Mapping::~Mapping() {
  if (base_)
    munmap(base_, bytes_);
}

Mapping Mapping::own(std::size_t bytes) {
  const auto map = [&](std::size_t size) {
    void *const memory = size < bytes ? MAP_FAILED : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw Error("no memory for the arena of " + bytes_text(bytes));
    return static_cast<std::byte *>(memory);
  };
  if (bytes < huge_page)
    return Mapping(map(whole_pages(bytes)), whole_pages(bytes));
  const std::size_t whole = (bytes + huge_page - 1) / huge_page * huge_page;
  std::byte *const begin = map(whole + huge_page);
  const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
  if (before > 0)
    munmap(begin, before);
  munmap(begin + before + whole, huge_page - before);
  madvise(begin + before, whole, MADV_HUGEPAGE);
  return Mapping(begin + before, whole);
}

Mapping Mapping::of_file(const std::string &name, std::size_t bytes) {
  const std::size_t whole = whole_pages(bytes);
  const int descriptor = open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  void *const memory = descriptor < 0 ? MAP_FAILED : mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  const int problem = errno;
  if (descriptor >= 0)
    close(descriptor);
  if (memory == MAP_FAILED)
    throw Error("the ranks of a host cannot share " + bytes_text(bytes) + " in " + folder + ": " + std::strerror(problem));
  return Mapping(memory, whole);
}

SharedFile::SharedFile(std::size_t bytes, int ranks) : bytes_(whole_pages(bytes)) {
  if (bytes == 0)
    return;
  const Space found = space();
  const std::size_t of_mpi = mpi_keeps_out ? 0 : mpi_bytes * static_cast<std::size_t>(ranks);
  int problem = EEXIST;
  for (int attempt = 0; attempt < 100 && problem == EEXIST; ++attempt) {
    // Process ids alone are not enough: containers may share the folder.
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    name_ = std::string(folder) + "/dtc-" + std::to_string(getpid()) + "-" + std::to_string(now);
    descriptor_ = open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    problem = descriptor_ < 0 ? errno : 0;
  }
  if (problem == 0)
    do
      problem = posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes_));
    while (problem == EINTR);
  if (problem == 0 && space().free >= of_mpi)
    return;
  remove();
  const std::string sizes = folder + std::string(" (") + bytes_text(found.total) + ", " + bytes_text(found.free) + " free" +
                            (of_mpi > 0 ? ", of which MPI takes up to " + bytes_text(of_mpi) : "") + ")";
  throw Error(problem == 0 || problem == ENOSPC ? sizes + " has no room for " + bytes_text(bytes_) + " of each of " + std::to_string(ranks) + " ranks"
                                                : sizes + " takes no file (" + std::strerror(problem) + ")");
}

SharedFile::~SharedFile() { remove(); }

void SharedFile::remove() {
  if (descriptor_ < 0)
    return;
  close(descriptor_);
  unlink(name_.c_str());
  descriptor_ = -1;
}

void SharedFile::map_over(const Mapping &memory) const {
  if (descriptor_ < 0)
    return;
  if (mmap(memory.base(), bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor_, 0) == MAP_FAILED)
    throw Error("the ranks of a host cannot share " + bytes_text(bytes_) + " in " + folder + ": " + std::strerror(errno));
}

} // namespace dtcrt

// Loaded into a program (LD_PRELOAD): makes one call of one rank fail, or kills the rank there. Calls count that the program itself makes,
// or the C++ library or zlib for it; those of MPI and oneDNN do not.
//
//   FAULT_PROGRAM=train                               the calls of this program count
//   FAULT_RANK=1 FAULT_CALL=open FAULT_NUMBER=3       the third file that rank 1 opens cannot be opened
//   … FAULT_ACTION=kill                               … and instead of failing the rank dies
//   FAULT_COUNTS=FOLDER                               nothing fails; FOLDER/RANK receives a line "CALL COUNT" for each kind of calls
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace {

enum Kind { open_file, read_file, write_file, take_memory, reserve_space, kinds };
constexpr const char *names[kinds] = {"open", "read", "write", "memory", "space"};
/// Smaller pieces of memory never fail in practice, and there are many.
constexpr std::size_t large = 16384;

struct Plan {
  bool is_ours = false, kills = false;
  const char *counts = nullptr;
  int rank = 0, kind = -1;
  long number = 0;
};

int number_of(const char *name, int otherwise) {
  const char *const text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

const Plan &plan() {
  static const Plan made = [] {
    Plan p;
    p.rank = number_of("OMPI_COMM_WORLD_RANK", -1);
    p.counts = std::getenv("FAULT_COUNTS");
    const char *const program = std::getenv("FAULT_PROGRAM");
    p.is_ours = p.rank >= 0 && program && std::strcmp(program, program_invocation_short_name) == 0 && (p.counts || p.rank == number_of("FAULT_RANK", -2));
    p.number = number_of("FAULT_NUMBER", 0);
    if (const char *const call = std::getenv("FAULT_CALL"))
      for (int kind = 0; kind < kinds; ++kind)
        if (std::strcmp(call, names[kind]) == 0)
          p.kind = kind;
    const char *const action = std::getenv("FAULT_ACTION");
    p.kills = action && std::strcmp(action, "kill") == 0;
    return p;
  }();
  return made;
}

std::array<std::atomic<long>, kinds> calls;

struct Counts {
  ~Counts() {
    if (!plan().is_ours || !plan().counts)
      return;
    const std::string path = std::string(plan().counts) + "/" + std::to_string(plan().rank);
    std::string text;
    for (int kind = 0; kind < kinds; ++kind)
      text += std::string(names[kind]) + " " + std::to_string(calls[static_cast<std::size_t>(kind)].load()) + "\n";
    if (std::FILE *file = std::fopen(path.c_str(), "w")) {
      std::fputs(text.c_str(), file);
      std::fclose(file);
    }
  }
} counts;

/// Whether the code at `address` is the program's, or works for it alone.
bool is_programs(const void *address) {
  struct Search {
    std::uintptr_t address;
    bool found = false;
  } search{reinterpret_cast<std::uintptr_t>(address)};
  dl_iterate_phdr(
      [](dl_phdr_info *info, std::size_t, void *data) {
        auto &s = *static_cast<Search *>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto &header = info->dlpi_phdr[i];
          const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          if (header.p_type != PT_LOAD || s.address < begin || s.address >= begin + header.p_memsz)
            continue;
          const std::string name = info->dlpi_name;
          s.found = name.empty() || name.find("libstdc++") != std::string::npos || name.find("libz.") != std::string::npos;
          return 1;
        }
        return 0;
      },
      &search);
  return search.found;
}

/// Counts a call; true: it is the one.
bool is_hit(Kind kind, const void *caller) {
  if (!plan().is_ours || (!plan().counts && plan().kind != kind) || !is_programs(caller))
    return false;
  const long number = ++calls[static_cast<std::size_t>(kind)];
  if (plan().counts || plan().kind != kind || plan().number != number)
    return false;
  if (plan().kills)
    std::raise(SIGKILL);
  return true;
}

template <class Function> Function *next(const char *name) { return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name)); }

} // namespace

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))
#define FAIL_IF_HIT(kind, error, result)                                                                                             \
  if (is_hit(kind, CALLER)) {                                                                                                        \
    errno = error;                                                                                                                   \
    return result;                                                                                                                   \
  }
#define OPEN(name)                                                                                                                   \
  int name(const char *path, int flags, ...) {                                                                                       \
    FAIL_IF_HIT(open_file, EMFILE, -1)                                                                                               \
    va_list rest;                                                                                                                    \
    va_start(rest, flags);                                                                                                           \
    const unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, unsigned) : 0;                                                \
    va_end(rest);                                                                                                                    \
    return next<int(const char *, int, ...)>(#name)(path, flags, mode);                                                              \
  }
#define FOPEN(name)                                                                                                                  \
  std::FILE *name(const char *path, const char *mode) {                                                                              \
    FAIL_IF_HIT(open_file, EMFILE, nullptr)                                                                                          \
    return next<std::FILE *(const char *, const char *)>(#name)(path, mode);                                                         \
  }
#define MMAP(name)                                                                                                                   \
  void *name(void *at, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {                              \
    if (bytes >= large)                                                                                                              \
      FAIL_IF_HIT(take_memory, ENOMEM, MAP_FAILED)                                                                                   \
    return next<void *(void *, std::size_t, int, int, int, off_t)>(#name)(at, bytes, protection, flags, file, offset);               \
  }
#define FALLOCATE(name)                                                                                                              \
  int name(int file, off_t from, off_t bytes) {                                                                                      \
    if (is_hit(reserve_space, CALLER))                                                                                               \
      return ENOSPC;                                                                                                                 \
    return next<int(int, off_t, off_t)>(#name)(file, from, bytes);                                                                   \
  }

extern "C" {
OPEN(open)
OPEN(open64)
FOPEN(fopen)
FOPEN(fopen64)
MMAP(mmap)
MMAP(mmap64)
FALLOCATE(posix_fallocate)
FALLOCATE(posix_fallocate64)

int mkstemp(char *path) {
  FAIL_IF_HIT(open_file, EMFILE, -1)
  return next<int(char *)>("mkstemp")(path);
}
ssize_t read(int file, void *into, std::size_t bytes) {
  FAIL_IF_HIT(read_file, EIO, -1)
  return next<ssize_t(int, void *, std::size_t)>("read")(file, into, bytes);
}
std::size_t fwrite(const void *from, std::size_t size, std::size_t count, std::FILE *file) {
  FAIL_IF_HIT(write_file, ENOSPC, 0)
  return next<std::size_t(const void *, std::size_t, std::size_t, std::FILE *)>("fwrite")(from, size, count, file);
}
int fsync(int file) {
  FAIL_IF_HIT(write_file, EIO, -1)
  return next<int(int)>("fsync")(file);
}
int rename(const char *from, const char *to) noexcept {
  FAIL_IF_HIT(write_file, EIO, -1)
  return next<int(const char *, const char *)>("rename")(from, to);
}
void *aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  if (bytes >= large)
    FAIL_IF_HIT(take_memory, ENOMEM, nullptr)
  return next<void *(std::size_t, std::size_t)>("aligned_alloc")(alignment, bytes);
}
int posix_memalign(void **memory, std::size_t alignment, std::size_t bytes) noexcept {
  if (bytes >= large && is_hit(take_memory, CALLER))
    return ENOMEM;
  return next<int(void **, std::size_t, std::size_t)>("posix_memalign")(memory, alignment, bytes);
}
}

void *operator new(std::size_t bytes) {
  if (bytes >= large && is_hit(take_memory, CALLER))
    throw std::bad_alloc();
  if (void *const memory = std::malloc(bytes ? bytes : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

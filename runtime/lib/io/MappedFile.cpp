// mmap, read only.
#include "io/MappedFile.h"
#include "dtcrt/context.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dtcrt {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string &path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would wait for its writer
  struct stat status{};
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    const int error = errno;
    if (descriptor >= 0)
      close(descriptor);
    throw Error("cannot open " + path + ": " + std::strerror(error));
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    throw Error("cannot read " + path + ": not a file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void *const memory = size == 0 ? nullptr : mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  const int error = errno;
  close(descriptor);
  if (memory == MAP_FAILED)
    throw Error("cannot map " + path + ": " + std::strerror(error));
  return std::shared_ptr<const MappedFile>(new MappedFile(memory, size));
}

MappedFile::~MappedFile() {
  if (data_)
    munmap(data_, size_);
}

} // namespace dtcrt

// Memory that the ranks of a host share: files in /dev/shm, reserved in full before anybody touches them.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace dtcrt {

/// A range of this process's addresses, given back with the object.
class Mapping {
public:
  Mapping() = default;
  Mapping(Mapping &&other) noexcept : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping &operator=(Mapping &&other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  /// This process's own: zeros, from a multiple of 2 MiB on, on huge pages where the host gives them. Throws Error without memory.
  static Mapping own(std::size_t bytes);
  /// The file that another rank has made under `name`. Throws Error.
  static Mapping of_file(const std::string &name, std::size_t bytes);

  std::byte *base() const { return base_; }

private:
  friend class SharedFile;
  Mapping(void *base, std::size_t bytes) : base_(static_cast<std::byte *>(base)), bytes_(bytes) {}

  std::byte *base_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A file of this rank's in /dev/shm. Its name goes with the object; mappings of it stay.
class SharedFile {
public:
  /// `bytes` of zeros, rounded up to whole pages; none: no file. Where they do not fit beside what MPI keeps there for the
  /// `ranks` of this host: Error, which says what is there. A page that is missing when it is touched would end the process.
  SharedFile(std::size_t bytes, int ranks);
  ~SharedFile();
  SharedFile(const SharedFile &) = delete;
  SharedFile &operator=(const SharedFile &) = delete;

  /// "" without a file.
  const std::string &name() const { return name_; }
  /// The first bytes of `memory` are the file's from now on.
  void map_over(const Mapping &memory) const;

private:
  void remove();

  std::string name_;
  std::size_t bytes_ = 0;
  int descriptor_ = -1;
};

/// Before MPI starts. Open MPI keeps messages in /dev/shm too, in a file a rank that it does not reserve; where there is no room for
/// those of `ranks`, it is told to let the network's loopback carry them.
void leave_mpi_out_of_small_shared_memory(int ranks);

/// "805.6 KiB".
std::string bytes_text(std::size_t bytes);

} // namespace dtcrt

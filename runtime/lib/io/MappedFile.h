// A file as memory, which reads what is touched and no more.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace dtcrt {

/// The bytes of a regular file, mapped for reading until the last owner lets go. The file must keep its size that long: what is cut off it
/// ends the program by a signal where it is read. Throws Error with the file's name.
class MappedFile {
public:
  static std::shared_ptr<const MappedFile> open(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  const void *data() const { return data_; }
  std::size_t size() const { return size_; } ///< bytes

private:
  MappedFile(void *data, std::size_t size) : data_(data), size_(size) {}

  void *data_; ///< nullptr of an empty file
  std::size_t size_;
};

} // namespace dtcrt

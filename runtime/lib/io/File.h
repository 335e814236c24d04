// Reading files that may be compressed, short or absent, and writing files that are whole or not there.
#pragma once

#include "dtcrt/tensor.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace dtcrt {

/// A file, plain or gzip by its content, read from front to back. All failures throw Error with the file's name.
class InputFile {
public:
  explicit InputFile(const std::string &path);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  /// Exactly `bytes`; a shorter or damaged file is an error.
  void read(void *into, std::size_t bytes);
  /// Nothing is left. A compressed file whose end is damaged is an error.
  bool at_end();
  /// An error unless at_end().
  void expect_end();
  /// More than this cannot come out of the file, whatever its header says: asked before memory is allocated.
  std::uint64_t most_bytes() const { return most_bytes_; }
  const std::string &path() const { return path_; }
  [[noreturn]] void fail(const std::string &what) const;

private:
  std::string zlib_message(int &status) const;

  std::string path_;
  void *gz_ = nullptr;
  std::uint64_t most_bytes_ = 0;
};

/// The first of these names that exists in `folder`, plain or with .gz. Throws Error when none does.
std::string find_file(const std::string &folder, std::span<const char *const> names);

/// Writes a file under a temporary name beside it and renames it when `write` has come through:
/// nobody ever sees a part of it, and what stands there stays until then. `put` appends bytes. Throws Error with the file's name;
/// so it does, before anything else, where check_replaceable() does.
void write_whole(const std::string &path, const std::function<void(const std::function<void(const void *, std::size_t)> &put)> &write);

} // namespace dtcrt

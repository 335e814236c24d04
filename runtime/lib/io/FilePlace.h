// Where a path leads, whatever its spelling.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace dtcrt {

/// What lies behind a path: through links and other spellings, the same file has the same place.
class FilePlace {
public:
  enum class Kind {
    nothing,
    file,
    folder,
    stream, ///< a device, a pipe, or a descriptor of this process: what is written there goes on
  };

  explicit FilePlace(const std::string &path);

  Kind kind() const { return kind_; }
  /// The path behind all links, in a folder that may be absent.
  const std::string &path() const { return path_; }
  /// The descriptor of this process that the path is another name of: 1 for /dev/stdout; -1: of none.
  int descriptor() const { return descriptor_; }
  /// The same file or folder, there or not.
  bool operator==(const FilePlace &other) const;

private:
  struct Id {
    dev_t device;
    ino_t number;
    bool operator==(const Id &) const = default;
  };
  static std::optional<Id> id_of(const std::string &path, mode_t *mode);

  std::string path_;
  Kind kind_ = Kind::nothing;
  int descriptor_ = -1;
  std::optional<Id> id_; ///< of what is there, or else of its folder
};

/// Throws Error when no file could be put at `path` as a whole, in the place of one that is there: then it is a folder, a device, a
/// pipe, or its folder is absent or closed. Creates nothing.
void check_replaceable(const std::string &path);
/// The same for a file that is written piece by piece, which may also be a device or a pipe.
void check_writable(const std::string &path);

} // namespace dtcrt

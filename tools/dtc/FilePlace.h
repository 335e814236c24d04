// Where a path leads, whatever its spelling.
#ifndef DTC_TOOLS_DTC_FILEPLACE_H
#define DTC_TOOLS_DTC_FILEPLACE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"

#include <optional>
#include <string>

namespace dtc {

/// What lies behind a path: through links and other spellings, the same file has the same place.
class FilePlace {
public:
  enum class Kind {
    Nothing,
    File,
    Folder,
    /// A device, a pipe, or a descriptor of this process: what is written there goes on.
    Stream,
  };

  explicit FilePlace(llvm::StringRef path);

  Kind getKind() const { return kind; }
  /// The path behind all links, in a folder that may be absent.
  llvm::StringRef getPath() const { return path; }
  /// The descriptor of this process that the path is another name of: 1 for /dev/stdout.
  std::optional<int> getDescriptor() const { return descriptor; }

  /// The same file or folder, there or not.
  bool operator==(const FilePlace &other) const;
  /// Whether it lies in the folder, at any depth.
  bool isIn(const FilePlace &folder) const;

private:
  std::string path;
  Kind kind = Kind::Nothing;
  std::optional<int> descriptor;
  /// Of what is there, or else of its folder.
  std::optional<llvm::sys::fs::UniqueID> id;
};

} // namespace dtc

#endif // DTC_TOOLS_DTC_FILEPLACE_H

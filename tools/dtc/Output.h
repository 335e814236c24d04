// Results on disk: all of a result or nothing, and never over what is not dtc's.
#ifndef DTC_TOOLS_DTC_OUTPUT_H
#define DTC_TOOLS_DTC_OUTPUT_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"

namespace dtc {

/// A place beside the final one in which a file or a folder grows. What has not
/// been kept when this ends is removed.
class PendingOutput {
public:
  enum class Kind { File, Folder };

  /// Checks that `path` may be written: its folder exists and is writable, and
  /// what stands there (if anything) is a file, or a folder that dtc made.
  static llvm::Expected<PendingOutput> create(llvm::StringRef path, Kind kind);

  PendingOutput(PendingOutput &&other);
  PendingOutput &operator=(PendingOutput &&) = delete;
  ~PendingOutput();

  /// Where it grows: an empty file, or an absolute path at which the folder is
  /// to be made.
  llvm::StringRef getTemporaryPath() const { return temporary; }
  /// Renames it to its final name; a folder that stood there is removed.
  llvm::Error keep();

private:
  PendingOutput(llvm::StringRef path, Kind kind) : path(path), kind(kind) {}

  llvm::SmallString<128> path, temporary;
  Kind kind;
};

/// Writes a text, to standard output where `path` is "-".
llvm::Error writeText(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> print);

} // namespace dtc

#endif // DTC_TOOLS_DTC_OUTPUT_H

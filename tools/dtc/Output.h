// Results on disk: all of a result or nothing, and never over what is not dtc's.
#ifndef DTC_TOOLS_DTC_OUTPUT_H
#define DTC_TOOLS_DTC_OUTPUT_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>

namespace dtc {

/// How an output appears: a file or a folder as a whole, in the place of an older one; a text also piece by piece, in a device, a
/// pipe or standard output.
enum class OutputKind { File, Folder, Text };

/// Whether `path` may be written: its folder is there and may be written to, and what stands there (if anything) is a file,
/// a folder that dtc made, or for a text what takes it as it comes. Fails in one line.
llvm::Error checkOutput(llvm::StringRef path, OutputKind kind);

/// A place beside the final one in which a file or a folder grows. What has not
/// been kept when this ends is removed. A link stays: what it leads to is replaced.
class PendingOutput {
public:
  using Kind = OutputKind;

  /// After checkOutput().
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
  PendingOutput(llvm::StringRef path, llvm::StringRef target, Kind kind) : path(path), target(target), kind(kind) {}

  /// As spelled, and behind links.
  std::string path, target;
  /// Empty: nothing is pending.
  std::string temporary;
  Kind kind;
};

/// Writes a text: to standard output where `path` is "-", to a descriptor, a device or a pipe as it comes, to a file as a whole.
llvm::Error writeText(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> print);

} // namespace dtc

#endif // DTC_TOOLS_DTC_OUTPUT_H

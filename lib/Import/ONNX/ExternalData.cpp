// Tensor data in files beside the model. See Rationale.md, "Security".
#include "ExternalData.h"
#include "MappedFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace dtc::onnximport;

namespace {

/// Where a tensor says its data is.
struct Place {
  StringRef location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

FailureOr<Place> readPlace(const ::onnx::TensorProto &tensor,
                           EmitError emitError) {
  Place place;
  llvm::StringSet<> seen;
  for (const ::onnx::StringStringEntryProto &entry : tensor.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    // What reads the first one and what reads the last would read different files.
    if (!seen.insert(key).second)
      return emitError() << "external data: entry " << quoted(key) << " is given twice";
    if (key == "location") {
      place.location = value;
    } else if (key == "offset") {
      if (value.getAsInteger(10, place.offset))
        return emitError() << "external data: offset " << quoted(value)
                           << " is no number of bytes";
    } else if (key == "length") {
      uint64_t length;
      if (value.getAsInteger(10, length))
        return emitError() << "external data: length " << quoted(value)
                           << " is no number of bytes";
      place.length = length;
    } else if (key != "checksum") {
      return emitError() << "external data: unknown entry " << quoted(key);
    }
  }
  if (place.location.empty())
    return emitError() << "external data: no location is given";
  return place;
}

/// Opens `location` below the folder of the model, one component at a time, so
/// that no component is a link, whatever happens to the folder meanwhile.
/// Returns the file descriptor.
FailureOr<int> openInside(StringRef modelPath, StringRef location,
                          EmitError emitError) {
  SmallVector<StringRef> components;
  location.split(components, '/');
  bool inside = !location.contains('\0');
  for (StringRef component : components)
    inside &= !component.empty() && component != "." && component != "..";
  if (!inside)
    return emitError() << "external data: " << quoted(location)
                       << " is not a plain path inside the model's folder";

  std::string folder = llvm::sys::path::parent_path(modelPath).str();
  int at = open(folder.empty() ? "." : folder.c_str(),
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (auto [i, component] : llvm::enumerate(components)) {
    if (at < 0)
      break;
    bool last = i + 1 == components.size();
    // O_NONBLOCK: a FIFO would wait for its writer before it can be refused.
    int flags =
        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY);
    int next = openat(at, component.str().c_str(), flags);
    int error = errno;
    close(at);
    errno = error;
    at = next;
  }
  if (at >= 0)
    return at;
  if (errno == ELOOP || errno == ENOTDIR)
    return emitError() << "external data: " << quoted(location)
                       << " goes through a symbolic link or a file that is no "
                          "folder";
  return emitError() << "external data: cannot open " << quoted(location)
                     << ": " << std::generic_category().message(errno);
}

} // namespace

/// Bytes that are read at once; for fewer, a mapping is not worth its page.
static FailureOr<AsmResourceBlob> readBytes(int file, uint64_t offset, uint64_t size) {
  std::vector<char> bytes(size);
  for (uint64_t done = 0; done < size;) {
    ssize_t count = pread(file, bytes.data() + done, size - done, offset + done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return failure();
    done += count;
  }
  return ownedBlob(std::move(bytes));
}

FailureOr<AsmResourceBlob>
dtc::onnximport::readExternalData(const ::onnx::TensorProto &tensor,
                                  StringRef modelPath, uint64_t size,
                                  uint64_t &budget,
                                  std::vector<std::string> &files,
                                  EmitError emitError) {
  FailureOr<Place> place = readPlace(tensor, emitError);
  if (failed(place))
    return failure();
  FailureOr<int> file = openInside(modelPath, place->location, emitError);
  if (failed(file))
    return failure();
  llvm::scope_exit closeFile([&] { close(*file); });

  struct stat status;
  if (fstat(*file, &status) != 0 || !S_ISREG(status.st_mode))
    return emitError() << "external data: " << quoted(place->location)
                       << " is not a regular file";
  // As ONNX's own loader does: a second name may be that of a file that is none of the model's.
  if (status.st_nlink > 1)
    return emitError() << "external data: " << quoted(place->location) << " has " << static_cast<uint64_t>(status.st_nlink)
                       << " names (hard links), of which others may lie outside of the model's folder; copy it";
  uint64_t fileSize = status.st_size;
  if (place->offset > fileSize)
    return emitError() << "external data: offset " << place->offset
                       << " lies behind the end of " << quoted(place->location)
                       << ", which has " << fileSize << " bytes";
  uint64_t length = place->length.value_or(fileSize - place->offset);
  if (length != size)
    return emitError() << "external data: the shape needs " << size
                       << " bytes but " << length << " are given in "
                       << quoted(place->location);
  if (length > fileSize - place->offset)
    return emitError() << "external data: " << length << " bytes at offset "
                       << place->offset << " do not fit into "
                       << quoted(place->location) << ", which has " << fileSize
                       << " bytes";
  if (size > budget)
    return emitError() << "external data: " << size
                       << " bytes are more than this machine has memory for ("
                       << budget << " bytes are left)";
  budget -= size;

  constexpr uint64_t leastMapped = 1 << 16;
  std::optional<AsmResourceBlob> mapped;
  if (size >= leastMapped && place->offset % alignof(double) == 0)
    mapped = mapFile(*file, place->offset, size);
  FailureOr<AsmResourceBlob> bytes = mapped ? FailureOr<AsmResourceBlob>(std::move(*mapped)) : readBytes(*file, place->offset, size);
  if (failed(bytes))
    return emitError() << "external data: cannot read " << quoted(place->location);
  llvm::SmallString<128> path = llvm::sys::path::parent_path(modelPath);
  llvm::sys::path::append(path, place->location);
  // One file after the other, mostly.
  if (files.empty() || files.back() != path.str())
    files.push_back(path.str().str());
  return bytes;
}

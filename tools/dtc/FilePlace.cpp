// Links are followed one by one: a descriptor shows in the path on the way.
#include "FilePlace.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

#include <filesystem>
#include <unistd.h>

using namespace llvm;
using dtc::FilePlace;
namespace fs = llvm::sys::fs;

/// The path with a folder that has no links in it; as it is where there is no such folder.
static std::string withRealFolder(StringRef path) {
  while (path.size() > 1 && path.ends_with("/"))
    path = path.drop_back();
  SmallString<256> absolute(path), folder;
  fs::make_absolute(absolute);
  StringRef name = sys::path::filename(absolute);
  bool isWhole = name == "/" || name == "." || name == "..";
  if (fs::real_path(isWhole ? StringRef(absolute) : sys::path::parent_path(absolute), folder))
    return absolute.str().str();
  if (!isWhole)
    sys::path::append(folder, name);
  return folder.str().str();
}

/// 1 for /proc/4711/fd/1 in process 4711.
static std::optional<int> descriptorOf(StringRef path) {
  int descriptor;
  if (path.consume_front("/proc/" + std::to_string(getpid()) + "/fd/") && !path.getAsInteger(10, descriptor))
    return descriptor;
  return std::nullopt;
}

FilePlace::FilePlace(StringRef spelled) : path(withRealFolder(spelled)) {
  constexpr int mostLinks = 40; // as Linux
  for (int links = 0; links < mostLinks; ++links) {
    if ((descriptor = descriptorOf(path)))
      break;
    std::error_code none;
    std::filesystem::path target = std::filesystem::read_symlink(path, none);
    if (none)
      break;
    path = withRealFolder((std::filesystem::path(path).parent_path() / target).native());
  }
  fs::file_status status;
  fs::status(path, status);
  if (descriptor)
    kind = Kind::Stream;
  else if (fs::exists(status))
    kind = fs::is_directory(status) ? Kind::Folder : fs::is_regular_file(status) ? Kind::File : Kind::Stream;
  fs::UniqueID found(0, 0);
  if (!fs::getUniqueID(fs::exists(status) ? StringRef(path) : sys::path::parent_path(path), found))
    id = found;
}

bool FilePlace::operator==(const FilePlace &other) const {
  if (!id || !other.id || *id != *other.id || (kind == Kind::Nothing) != (other.kind == Kind::Nothing))
    return false;
  return kind != Kind::Nothing || sys::path::filename(path) == sys::path::filename(other.path);
}

bool FilePlace::isIn(const FilePlace &folder) const {
  if (folder.kind != Kind::Folder || !folder.id)
    return false;
  for (StringRef above = sys::path::parent_path(path); !above.empty(); above = sys::path::parent_path(above)) {
    fs::UniqueID found(0, 0);
    if (!fs::getUniqueID(above, found) && found == *folder.id)
      return true;
  }
  return false;
}

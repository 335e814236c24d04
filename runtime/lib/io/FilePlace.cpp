// Links are followed one by one: a descriptor shows in the path on the way.
#include "io/FilePlace.h"
#include "dtcrt/context.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace dtcrt {

namespace {

namespace fs = std::filesystem;

/// The path with a folder that has no links in it; as it is where there is no such folder.
std::string with_real_folder(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const fs::path name = absolute.filename();
  const bool is_whole = name.empty() || name == "." || name == "..";
  const fs::path folder = fs::canonical(is_whole ? absolute : absolute.parent_path(), error);
  if (error)
    return absolute.native();
  return (is_whole ? folder : folder / name).native();
}

/// 1 for /proc/4711/fd/1 in process 4711; else -1.
int descriptor_of(const std::string &path) {
  const std::string folder = "/proc/" + std::to_string(getpid()) + "/fd/";
  int descriptor = -1;
  if (!path.starts_with(folder))
    return -1;
  const char *const end = path.data() + path.size();
  const auto [stop, error] = std::from_chars(path.data() + folder.size(), end, descriptor);
  return error == std::errc() && stop == end ? descriptor : -1;
}

std::string folder_of(const std::string &path) { return fs::path(path).parent_path().native(); }

void check(const std::string &path, bool whole) {
  const FilePlace place(path);
  const auto fail = [&](const std::string &why) { throw Error("cannot write " + path + ": " + why); };
  if (place.kind() == FilePlace::Kind::folder)
    fail("it is a folder");
  if (place.kind() == FilePlace::Kind::stream) {
    if (whole)
      fail("it is no ordinary file, which a new one could take the place of");
    return;
  }
  const bool in_place = !whole && place.kind() == FilePlace::Kind::file;
  if (in_place ? access(place.path().c_str(), W_OK) != 0 : access(folder_of(place.path()).c_str(), W_OK | X_OK) != 0)
    fail(std::strerror(errno));
}

} // namespace

std::optional<FilePlace::Id> FilePlace::id_of(const std::string &path, mode_t *mode) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    return std::nullopt;
  if (mode)
    *mode = status.st_mode;
  return Id{status.st_dev, status.st_ino};
}

FilePlace::FilePlace(const std::string &spelled) : path_(with_real_folder(spelled)) {
  constexpr int most_links = 40; // as Linux
  for (int links = 0; links < most_links && (descriptor_ = descriptor_of(path_)) < 0; ++links) {
    std::error_code none;
    const fs::path target = fs::read_symlink(path_, none);
    if (none)
      break;
    path_ = with_real_folder((fs::path(folder_of(path_)) / target).native());
  }
  mode_t mode = 0;
  id_ = id_of(path_, &mode);
  if (descriptor_ >= 0)
    kind_ = Kind::stream;
  else if (id_)
    kind_ = S_ISDIR(mode) ? Kind::folder : S_ISREG(mode) ? Kind::file : Kind::stream;
  else
    id_ = id_of(folder_of(path_), nullptr);
}

bool FilePlace::operator==(const FilePlace &other) const {
  if (!id_ || id_ != other.id_ || (kind_ == Kind::nothing) != (other.kind_ == Kind::nothing))
    return false;
  return kind_ != Kind::nothing || fs::path(path_).filename() == fs::path(other.path_).filename();
}

void check_replaceable(const std::string &path) { check(path, true); }
void check_writable(const std::string &path) { check(path, false); }

} // namespace dtcrt

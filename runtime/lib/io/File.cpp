// zlib for reading (it passes plain files through), a temporary and a rename for writing.
#include "io/File.h"
#include "dtcrt/context.h"
#include "io/FilePlace.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace dtcrt {

namespace {
#ifdef DTCRT_WITHOUT_ZLIB
const std::string unreadable; // the message is about the program, not the file
#else
const std::string unreadable = "damaged: ";
#endif
} // namespace

InputFile::InputFile(const std::string &path) : path_(path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0)
    throw Error("cannot open " + path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    throw Error("cannot read " + path + ": not a file");
  gz_ = gzopen(path.c_str(), "rb");
  if (!gz_)
    throw Error("cannot open " + path + ": " + std::strerror(errno));
  gzbuffer(static_cast<gzFile>(gz_), 1 << 18);
  // Deflate packs at most 1032 bytes into one.
  const bool plain = gzdirect(static_cast<gzFile>(gz_)) == 1;
  most_bytes_ = static_cast<std::uint64_t>(status.st_size) * (plain ? 1 : 1032);
}

/// zlib's own words about the last failure, without the path that it puts before them.
std::string InputFile::zlib_message(int &status) const {
  std::string message = gzerror(static_cast<gzFile>(gz_), &status);
  if (message.starts_with(path_ + ": "))
    message.erase(0, path_.size() + 2);
  return message;
}

InputFile::~InputFile() {
  if (gz_)
    gzclose(static_cast<gzFile>(gz_));
}

void InputFile::fail(const std::string &what) const { throw Error(path_ + ": " + what); }

void InputFile::read(void *into, std::size_t bytes) {
  auto *out = static_cast<u8 *>(into);
  while (bytes > 0) {
    const int count = gzread(static_cast<gzFile>(gz_), out, static_cast<unsigned>(std::min<std::size_t>(bytes, 1 << 30)));
    int status = Z_OK;
    const std::string message = zlib_message(status);
    if (count < 0 || (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR))
      fail(unreadable + message);
    if (count == 0)
      fail("the file ends too early");
    out += count;
    bytes -= static_cast<std::size_t>(count);
  }
}

bool InputFile::at_end() {
  const int byte = gzgetc(static_cast<gzFile>(gz_));
  if (byte >= 0) {
    gzungetc(byte, static_cast<gzFile>(gz_));
    return false;
  }
  int status = Z_OK;
  const std::string message = zlib_message(status);
  if (status != Z_OK && status != Z_STREAM_END)
    fail(unreadable + message);
  return true;
}

void InputFile::expect_end() {
  if (!at_end())
    fail("the file is longer than its header says");
}

std::string find_file(const std::string &folder, std::span<const char *const> names) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw Error("no folder " + folder);
  for (const char *name : names)
    for (const char *ending : {"", ".gz"}) {
      const std::string path = folder + "/" + name + ending;
      if (std::filesystem::exists(path, ignored))
        return path;
    }
  throw Error("no file " + std::string(names.front()) + " (or .gz) in " + folder);
}

void write_whole(const std::string &path, const std::function<void(const std::function<void(const void *, std::size_t)> &)> &write) {
  check_replaceable(path);
  // A link stays: what it leads to is replaced.
  const std::filesystem::path target = FilePlace(path).path();
  constexpr std::size_t longest = 200; // of the 255 bytes of a name
  const std::string name = target.filename().native();
  std::string temporary = (target.parent_path() / ((name.size() <= longest ? name : "output") + ".XXXXXX")).native();
  const auto failed = [&](const char *what) { throw Error("cannot " + std::string(what) + " " + path + ": " + std::strerror(errno)); };
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0)
    failed("create");
  std::FILE *file = fdopen(descriptor, "wb");
  try {
    write([&](const void *bytes, std::size_t count) {
      if (std::fwrite(bytes, 1, count, file) != count)
        failed("write");
    });
    if (std::fflush(file) != 0 || fsync(descriptor) != 0)
      failed("write");
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    if (std::fclose(std::exchange(file, nullptr)) != 0)
      failed("write");
    if (std::rename(temporary.c_str(), target.c_str()) != 0)
      failed("rename to");
  } catch (...) {
    if (file)
      std::fclose(file);
    unlink(temporary.c_str());
    throw;
  }
}

} // namespace dtcrt

// In the place of zlib's header on a machine without it: plain files are read as they are, compressed ones are refused.
#pragma once

#include <cstdio>

struct gzFile_s {
  std::FILE *file;
  bool compressed;
};
using gzFile = gzFile_s *;

inline constexpr int Z_OK = 0, Z_STREAM_END = 1, Z_DATA_ERROR = -3, Z_BUF_ERROR = -5;

inline gzFile gzopen(const char *path, const char *mode) {
  std::FILE *file = std::fopen(path, mode);
  if (!file)
    return nullptr;
  const int first = std::fgetc(file), second = std::fgetc(file);
  std::rewind(file);
  return new gzFile_s{file, first == 0x1f && second == 0x8b};
}
inline int gzclose(gzFile gz) {
  const int status = std::fclose(gz->file);
  delete gz;
  return status;
}
inline int gzbuffer(gzFile, unsigned) { return 0; }
inline int gzdirect(gzFile gz) { return gz->compressed ? 0 : 1; }
inline int gzread(gzFile gz, void *into, unsigned bytes) {
  return gz->compressed ? -1 : static_cast<int>(std::fread(into, 1, bytes, gz->file));
}
inline int gzgetc(gzFile gz) { return gz->compressed ? -1 : std::fgetc(gz->file); }
inline int gzungetc(int byte, gzFile gz) { return std::ungetc(byte, gz->file); }
inline const char *gzerror(gzFile gz, int *status) {
  *status = gz->compressed ? Z_DATA_ERROR : Z_OK;
  return gz->compressed ? "compressed with gzip, and this program was built without zlib: unpack it first" : "";
}

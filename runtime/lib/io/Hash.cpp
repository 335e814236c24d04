// XXH64 as its specification describes it, over bytes that lie in memory.
#include "io/Hash.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>

namespace dtcrt {

namespace {

constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F, prime3 = 0x165667B19E3779F9,
                        prime4 = 0x85EBCA77C2B2AE63, prime5 = 0x27D4EB2F165667C5;

template <class Word> Word word_at(const char *at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t word) { return std::rotl(lane + word * prime2, 31) * prime1; }

} // namespace

std::uint64_t hash_of(std::string_view bytes) {
  const char *at = bytes.data(), *const end = at + bytes.size();
  std::uint64_t hash = prime5;
  if (bytes.size() >= 32) {
    std::array<std::uint64_t, 4> lanes{prime1 + prime2, prime2, 0, 0 - prime1};
    for (; end - at >= 32; at += 32)
      for (std::size_t lane = 0; lane < 4; ++lane)
        lanes[lane] = round(lanes[lane], word_at<std::uint64_t>(at + 8 * lane));
    hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes)
      hash = (hash ^ round(0, lane)) * prime1 + prime4;
  }
  hash += bytes.size();
  for (; end - at >= 8; at += 8)
    hash = std::rotl(hash ^ round(0, word_at<std::uint64_t>(at)), 27) * prime1 + prime4;
  if (end - at >= 4) {
    hash = std::rotl(hash ^ word_at<std::uint32_t>(at) * prime1, 23) * prime2 + prime3;
    at += 4;
  }
  for (; at < end; ++at)
    hash = std::rotl(hash ^ static_cast<unsigned char>(*at) * prime5, 11) * prime1;
  hash = (hash ^ hash >> 33) * prime2;
  hash = (hash ^ hash >> 29) * prime3;
  return hash ^ hash >> 32;
}

std::string hash_text(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string hash_of_file(const std::string &path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return "";
  struct stat status;
  const bool known = fstat(descriptor, &status) == 0 && status.st_size > 0;
  const auto bytes = known ? static_cast<std::size_t>(status.st_size) : 0;
  void *const memory = known ? mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0) : MAP_FAILED;
  close(descriptor);
  if (memory == MAP_FAILED)
    return "";
  const std::string text = hash_text(hash_of({static_cast<const char *>(memory), bytes}));
  munmap(memory, bytes);
  return text;
}

} // namespace dtcrt

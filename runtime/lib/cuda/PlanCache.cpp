// Lines of `call TAB answer TAB checksum` below a first line that names the format.
#include "cuda/PlanCache.h"
#include "dtcrt/context.h"
#include "io/File.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace dtcrt {

namespace {

constexpr const char *header = "dtc plans 1";
/// Nobody tunes as many calls; a file beyond it is not ours.
constexpr std::uintmax_t most_bytes = 16 << 20;

/// FNV-1a: a line that was cut off or edited by accident does not match.
std::string checksum(const std::string &text) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (const unsigned char c : text)
    h = (h ^ c) * 0x100000001B3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(h));
  return digits;
}

} // namespace

PlanCache::PlanCache(std::string folder, const std::string &name) {
  if (folder.empty())
    return;
  path_ = std::move(folder) + "/";
  for (const char c : name)
    path_ += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ? c : '_';
  read(answers_);
}

std::string PlanCache::default_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  // A relative path is invalid by the specification.
  if (cache && *cache == '/')
    return std::string(cache) + "/dtc";
  return home && *home == '/' ? std::string(home) + "/.cache/dtc" : "";
}

void PlanCache::read(std::map<std::string, std::string> &answers) const {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path_, error) || std::filesystem::file_size(path_, error) > most_bytes || error)
    return;
  std::ifstream file(path_);
  std::string line;
  if (!std::getline(file, line) || line != header)
    return;
  while (std::getline(file, line)) {
    const std::size_t first = line.find('\t'), last = line.rfind('\t');
    if (first != std::string::npos && first < last && line.substr(last + 1) == checksum(line.substr(0, last)))
      answers.emplace(line.substr(0, first), line.substr(first + 1, last - first - 1));
  }
}

std::optional<std::string> PlanCache::find(const std::string &call) const {
  const auto found = answers_.find(call);
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

void PlanCache::keep(const std::string &call, const std::string &answer) {
  answers_[call] = answer;
  if (path_.empty())
    return;
  // What other ranks and programs have added meanwhile stays, where this one has no answer of its own.
  std::map<std::string, std::string> all = answers_;
  read(all);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  try {
    write_whole(path_, [&](const auto &put) {
      std::string text = std::string(header) + "\n";
      for (const auto &[call, answer] : all)
        text += call + "\t" + answer + "\t" + checksum(call + "\t" + answer) + "\n";
      put(text.data(), text.size());
    });
  } catch (const Error &) {
    // A cache that cannot be written makes the next start slower, and nothing wrong.
  }
}

} // namespace dtcrt

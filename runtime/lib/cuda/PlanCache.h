// What --autotune has found out, kept from one run of a program to the next: a text file for each device and library version.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace dtcrt {

/// Answers by the text of a call. The file is `folder`/`name`; ranks and programs may use it at the same time: it is read
/// once, and replaced as a whole with what it holds by then and what is new. A file or a line that is damaged counts as absent, and a
/// folder that cannot be written leaves the answers in memory alone.
class PlanCache {
public:
  /// Where `name` is the library, its version and the device; other characters than letters, digits, '.' and '-' become '_'.
  PlanCache(std::string folder, const std::string &name);
  /// $XDG_CACHE_HOME/dtc, or ~/.cache/dtc; empty: there is neither.
  static std::string default_folder();

  std::optional<std::string> find(const std::string &call) const;
  /// Neither text holds a tab or a line break.
  void keep(const std::string &call, const std::string &answer);

private:
  void read(std::map<std::string, std::string> &answers) const;

  std::string path_;
  std::map<std::string, std::string> answers_;
};

} // namespace dtcrt

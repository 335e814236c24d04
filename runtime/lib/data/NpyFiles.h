// The list of --data=npy:NAME=FILE,...: which file holds which input.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>

namespace dtcrt {

/// Whose values a file holds.
struct NpyName {
  bool is_evaluation = false;       ///< spelled with eval- in front
  std::optional<std::string> input; ///< the model's name; absent: the label
  auto operator<=>(const NpyName &) const = default;
};

/// Reads the list. A backslash before a comma, an equals sign or a backslash makes it part of a name or of a path; \xNN is the
/// byte of that hexadecimal number. `label` is the label; an input that is called so, or whose name begins with eval- or
/// input:, is spelled input:NAME. Throws Error.
std::map<NpyName, std::string> parse_npy_files(const std::string &list);

/// The name as the list spells it.
std::string spelled(const NpyName &name);

} // namespace dtcrt

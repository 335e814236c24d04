// Escapes and prefixes of the list.
#include "data/NpyFiles.h"
#include "dtcrt/context.h"

#include <charconv>
#include <cstdio>
#include <string_view>

namespace dtcrt {

namespace {

constexpr std::string_view evaluation = "eval-", input = "input:", label = "label";

/// Goes through the list item by item.
class Reader {
public:
  explicit Reader(const std::string &list) : list_(list) {}

  bool at_end() const { return at_ > list_.size(); }

  /// `NAME=FILE`, up to the next comma.
  std::pair<std::string, std::string> item() {
    const std::size_t begin = at_;
    std::string name, file;
    const bool has_file = text(name, true) == '=';
    if (has_file)
      text(file, false);
    if (!has_file || name.empty() || file.empty())
      throw Error("--data=npy: '" + list_.substr(begin, at_ - begin - 1) + "' is not NAME=FILE");
    return {name, file};
  }

private:
  /// Appends to `text` up to a comma or, where `ends_at_equals`, an equals sign, which it returns; 0: the end of the list.
  char text(std::string &text, bool ends_at_equals) {
    while (at_ < list_.size()) {
      const char c = list_[at_++];
      if (c == ',' || (c == '=' && ends_at_equals))
        return c;
      text += c == '\\' ? escaped() : c;
    }
    ++at_;
    return 0;
  }

  char escaped() {
    const char c = at_ < list_.size() ? list_[at_++] : 0;
    if (c == ',' || c == '=' || c == '\\')
      return c;
    unsigned byte = 0;
    const char *const digits = list_.data() + at_;
    if (c != 'x' || list_.size() - at_ < 2 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      throw Error("--data=npy: a backslash is for \\, and \\= and \\\\ and \\xNN; a backslash of a path is \\\\");
    at_ += 2;
    return static_cast<char>(byte);
  }

  const std::string &list_;
  std::size_t at_ = 0;
};

NpyName name_of(std::string_view text) {
  NpyName name;
  if ((name.is_evaluation = text.starts_with(evaluation)))
    text.remove_prefix(evaluation.size());
  if (text.starts_with(input))
    name.input = text.substr(input.size());
  else if (text != label)
    name.input = text;
  return name;
}

} // namespace

std::map<NpyName, std::string> parse_npy_files(const std::string &list) {
  std::map<NpyName, std::string> files;
  for (Reader reader(list); !reader.at_end();) {
    auto [text, file] = reader.item();
    const NpyName name = name_of(text);
    if (!files.emplace(name, std::move(file)).second)
      throw Error("--data=npy: '" + spelled(name) + "' is given twice");
  }
  return files;
}

std::string spelled(const NpyName &name) {
  std::string text(name.is_evaluation ? evaluation : "");
  if (!name.input)
    return text.append(label);
  if (*name.input == label || name.input->starts_with(evaluation) || name.input->starts_with(input))
    text += input;
  for (const unsigned char c : *name.input) {
    char byte[8];
    if (c < 0x20 || c == 0x7F) {
      std::snprintf(byte, sizeof byte, "\\x%02x", c);
      text += byte;
    } else {
      if (c == ',' || c == '=' || c == '\\')
        text += '\\';
      text += static_cast<char>(c);
    }
  }
  return text;
}

} // namespace dtcrt

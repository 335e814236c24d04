// Commas that separate, and those of names.
#include "NameList.h"

using llvm::StringRef;

/// Takes what a backslash began from the front of `rest`.
static std::optional<char> takeEscaped(StringRef &rest) {
  for (char plain : {',', '\\'})
    if (rest.consume_front(StringRef(&plain, 1)))
      return plain;
  unsigned byte;
  if (!rest.consume_front("x") || rest.size() < 2 || rest.take_front(2).getAsInteger(16, byte))
    return std::nullopt;
  rest = rest.drop_front(2);
  return static_cast<char>(byte);
}

std::optional<std::vector<std::string>> dtc::splitNames(StringRef list) {
  std::vector<std::string> names;
  std::string name;
  auto end = [&] {
    if (!name.empty())
      names.push_back(std::move(name));
    name.clear();
  };
  while (!list.empty()) {
    char c = list.front();
    list = list.drop_front();
    if (c == ',') {
      end();
    } else if (c != '\\') {
      name += c;
    } else if (std::optional<char> escaped = takeEscaped(list)) {
      name += *escaped;
    } else {
      return std::nullopt;
    }
  }
  end();
  return names;
}

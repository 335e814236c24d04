// All ranks gather all facts, so all come to the same end.
#include "comm/Compare.h"
#include "comm/Gather.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>

namespace dtcrt {

namespace {

/// Differences that one line names.
constexpr int most_named = 8;

/// Names and values may come from files. What an exception says ends at a zero byte, and whoever tells it makes spaces of other control
/// bytes, in which names would look alike: here they are written \xNN.
std::string on_one_line(const std::string &text) {
  std::string line;
  for (const unsigned char c : text) {
    char escape[5] = {static_cast<char>(c), 0};
    if (c < 0x20 || c == 0x7f)
      std::snprintf(escape, sizeof escape, "\\x%02x", c);
    line += escape;
  }
  return line;
}

/// A text behind its length.
void append(std::string &list, const std::string &text) {
  const std::uint64_t size = text.size();
  list.append(reinterpret_cast<const char *>(&size), sizeof size).append(text);
}

std::string take(const std::string &list, std::size_t &at) {
  std::uint64_t size = 0;
  std::memcpy(&size, list.data() + at, sizeof size);
  at += sizeof size + size;
  return list.substr(at - size, size);
}

/// "rank 2", "ranks 0 and 3", "ranks 1 to 3 and 7".
std::string ranks_text(const std::vector<int> &ranks) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t end = i + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1)
      ++end;
    if (end - i > 2)
      runs.push_back(std::to_string(ranks[i]) + " to " + std::to_string(ranks[end - 1]));
    else
      for (std::size_t k = i; k < end; ++k)
        runs.push_back(std::to_string(ranks[k]));
    i = end;
  }
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < runs.size(); ++i)
    text += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + runs[i];
  return text;
}

} // namespace

std::string differences(const std::vector<std::vector<Fact>> &ranks) {
  struct Value {
    std::string text;
    std::vector<int> ranks;
  };
  // Names in the order in which they first stand; values by their lowest rank.
  std::vector<std::pair<std::string, std::vector<Value>>> facts;
  std::map<std::string, std::size_t> numbers;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    for (const Fact &fact : ranks[rank]) {
      const auto [number, is_new] = numbers.try_emplace(fact.name, facts.size());
      if (is_new)
        facts.push_back({fact.name, {}});
      std::vector<Value> &values = facts[number->second].second;
      std::size_t i = 0;
      while (i < values.size() && values[i].text != fact.value)
        ++i;
      if (i == values.size())
        values.push_back({fact.value, {}});
      values[i].ranks.push_back(static_cast<int>(rank));
    }
  std::string text;
  int differing = 0;
  for (const auto &[name, values] : facts) {
    if (values.size() == 1 || ++differing > most_named)
      continue;
    text += (text.empty() ? "" : "; ") + on_one_line(name) + " is ";
    for (std::size_t i = 0; i < values.size(); ++i)
      text += (i ? ", " : "") + (values[i].text.empty() ? "not given" : on_one_line(values[i].text)) + " on " + ranks_text(values[i].ranks);
  }
  return text + (differing > most_named ? "; and " + std::to_string(differing - most_named) + " more" : "");
}

void compare(World &world, const std::string &what, const std::vector<Fact> &own) {
  std::string text;
  for (const Fact &fact : own) {
    append(text, fact.name);
    append(text, fact.value);
  }
  std::vector<std::vector<Fact>> ranks;
  for (const std::string &theirs : all_gather(world, text)) {
    std::vector<Fact> &facts = ranks.emplace_back();
    for (std::size_t at = 0; at < theirs.size();) {
      const std::string name = take(theirs, at);
      facts.push_back({name, take(theirs, at)});
    }
  }
  if (const std::string text = differences(ranks); !text.empty())
    throw AgreedError(what + text, world.rank() == 0);
}

} // namespace dtcrt

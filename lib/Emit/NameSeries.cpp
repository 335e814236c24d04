// Names as series: text around numbers.
#include "NameSeries.h"
#include "Names.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace dtc::emit;

namespace {
/// "conv#.weight" with {2}. Numbers that no int64_t holds are text.
struct Pattern {
  /// NUL and `#` where a number stands, twice NUL for the character itself.
  std::string text;
  SmallVector<int64_t> numbers;

  explicit Pattern(StringRef name) {
    while (!name.empty()) {
      StringRef digits = name.take_while(isDigit);
      int64_t number = 0;
      // A leading zero is text: "layer01" and "layer1" are two names.
      if (!digits.empty() && (digits.size() == 1 || digits.front() != '0') &&
          !digits.getAsInteger(10, number)) {
        numbers.push_back(number);
        text += StringRef("\0#", 2);
      } else {
        text += digits;
      }
      name = name.drop_front(digits.size());
      StringRef letters = name.take_until(isDigit);
      for (char letter : letters)
        text.append(letter == '\0' ? 2 : 1, letter);
      name = name.drop_front(letters.size());
    }
  }

  /// With the numbers `keep` says; the others go, and the separators that stood
  /// around them become one.
  std::string withNumbers(function_ref<bool(size_t)> keep) const {
    std::string name;
    size_t position = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (c == '\0' && text[++i] == '#') {
        size_t number = position++;
        if (keep(number))
          name += std::to_string(numbers[number]);
        continue;
      }
      bool separates = !isAlnum(c);
      if (separates && (name.empty() || !isAlnum(name.back())) &&
          !(name.empty() && position == 0))
        continue;
      name += c;
    }
    while (!name.empty() && !isAlnum(name.back()))
      name.pop_back();
    return name;
  }
};
} // namespace

/// The one position in which the numbers of names with one text differ.
static std::optional<size_t> varyingPosition(ArrayRef<Pattern> patterns) {
  std::optional<size_t> varying;
  for (size_t i = 0; i < patterns.front().numbers.size(); ++i)
    if (any_of(patterns, [&](const Pattern &other) {
          return other.numbers[i] != patterns.front().numbers[i];
        })) {
      if (varying)
        return std::nullopt;
      varying = i;
    }
  return varying;
}

std::string dtc::emit::describeNames(ArrayRef<StringRef> names) {
  constexpr size_t least = 3; // "fc1, fc2" is as short
  struct Series {
    SmallVector<StringRef> names;
    SmallVector<Pattern> patterns;
  };
  MapVector<std::string, Series, StringMap<unsigned>> series;
  StringSet<> seen;
  for (StringRef name : names) {
    if (!seen.insert(name).second)
      continue;
    Pattern pattern(name);
    Series &own = series[pattern.text];
    own.names.push_back(name);
    own.patterns.push_back(std::move(pattern));
  }
  std::string text;
  auto add = [&](const std::string &part) {
    text += (text.empty() ? "" : ", ") + part;
  };
  for (auto &[key, own] : series) {
    std::optional<size_t> position = varyingPosition(own.patterns);
    // Runs of neighbours within the series.
    for (size_t begin = 0, end; begin < own.names.size(); begin = end) {
      auto number = [&](size_t i) {
        return own.patterns[i].numbers[*position];
      };
      end = begin + 1;
      if (position && end < own.names.size()) {
        int64_t step = number(end) - number(begin);
        if (step == 1 || step == -1)
          while (end < own.names.size() &&
                 number(end) - number(end - 1) == step)
            ++end;
      }
      if (end - begin < least)
        end = begin + 1;
      add(forComment(own.names[begin]) +
          (end - begin > 1 ? " to " + forComment(own.names[end - 1]) : ""));
    }
  }
  return text;
}

std::string dtc::emit::commonName(ArrayRef<StringRef> names) {
  MapVector<std::string, SmallVector<Pattern>, StringMap<unsigned>> alike;
  for (StringRef name : names) {
    Pattern pattern(name);
    alike[pattern.text].push_back(std::move(pattern));
  }
  const auto &[text, most] =
      *llvm::max_element(alike, [](const auto &a, const auto &b) {
        return a.second.size() < b.second.size();
      });
  if (most.size() * 2 < names.size())
    return names.front().str();
  std::string name = most.front().withNumbers([&](size_t i) {
    return llvm::all_of(most, [&](const Pattern &other) {
      return other.numbers[i] == most.front().numbers[i];
    });
  });
  return name.empty() ? names.front().str() : name;
}

std::string dtc::emit::withoutNumbers(StringRef name) {
  return Pattern(name).withNumbers([](size_t) { return false; });
}

bool dtc::emit::countsDown(ArrayRef<StringRef> names) {
  int64_t balance = 0;
  for (size_t i = 1; i < names.size(); ++i) {
    Pattern before(names[i - 1]), name(names[i]);
    if (before.text == name.text && before.numbers != name.numbers)
      balance += name.numbers < before.numbers ? 1 : -1;
  }
  return balance > 0;
}

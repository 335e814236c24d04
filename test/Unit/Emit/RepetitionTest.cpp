// What repeats is found: what is found does repeat, and a search through all that could does not find more.
#include "lib/Emit/Repetition.h"

#include "gtest/gtest.h"

#include <random>
#include <string>

using namespace dtc::emit;

namespace {

using Items = std::vector<SequenceItem>;

/// Letters are keys.
Items itemsOf(const std::string &letters) {
  Items items;
  for (char letter : letters)
    items.push_back({static_cast<unsigned>(letter)});
  return items;
}

/// "1+2*3": begin 1, period 2, count 3; with what numbers grow by behind it, unless they do not.
std::string textOf(llvm::ArrayRef<Repetition> repetitions) {
  std::string text;
  for (const Repetition &repetition : repetitions) {
    text += (text.empty() ? "" : " ") + std::to_string(repetition.begin) + "+" + std::to_string(repetition.period) + "*" +
            std::to_string(repetition.count);
    if (repetition.shift)
      text += (repetition.shift > 0 ? " by +" : " by ") + std::to_string(repetition.shift);
  }
  return text;
}

std::string find(const std::string &letters) { return textOf(findRepetitions(itemsOf(letters))); }

/// How often the `period` items from `begin` on stand there in a row, by the definition.
Repetition countFrom(const Items &items, size_t begin, size_t period) {
  Repetition repetition{begin, period, 1, 0};
  std::optional<int64_t> shift;
  for (;; ++repetition.count) {
    size_t next = begin + period * repetition.count;
    if (next + period > items.size())
      return repetition;
    std::optional<int64_t> own = shift;
    for (size_t i = 0; i < period; ++i) {
      const SequenceItem &item = items[next - period + i], &other = items[next + i];
      if (item.key != other.key || item.number.has_value() != other.number.has_value())
        return repetition;
      if (item.number && *other.number - *item.number != own.value_or(*other.number - *item.number))
        return repetition;
      if (item.number)
        own = *other.number - *item.number;
    }
    shift = own;
    repetition.shift = shift.value_or(0);
  }
}

/// As findRepetitions, by trying every period at every place.
std::vector<Repetition> searchAll(const Items &items) {
  std::vector<Repetition> found;
  for (size_t begin = 0; begin < items.size();) {
    Repetition best{begin, 1, 1, 0};
    for (size_t period = 1; begin + 3 * period <= items.size(); ++period)
      if (Repetition other = countFrom(items, begin, period);
          other.count >= 3 && (other.count - 1) * period > (best.count - 1) * best.period)
        best = other;
    if (best.count >= 3)
      found.push_back(best);
    begin = best.count >= 3 ? best.end() : begin + 1;
  }
  return found;
}

TEST(Repetition, IsFoundBetweenOtherItems) {
  EXPECT_EQ(find(""), "");
  EXPECT_EQ(find("abc"), "");
  EXPECT_EQ(find("aa"), "");
  EXPECT_EQ(find("aaa"), "0+1*3");
  EXPECT_EQ(find("abcbcbcbd"), "1+2*3");
  EXPECT_EQ(find("xabababyccccz"), "1+2*3 8+1*4");
}

// A block of two products and a loop around it: the outer one leaves less.
TEST(Repetition, TakesThePeriodThatLeavesTheLeast) {
  EXPECT_EQ(find("aaabaaabaaab"), "0+4*3");
  EXPECT_EQ(find("aaaaaab"), "0+1*6");
}

TEST(Repetition, NumbersGrowAlike) {
  Items items;
  for (int64_t microbatch = 0; microbatch < 4; ++microbatch) {
    items.push_back({'f', microbatch + 2});
    items.push_back({'b', microbatch});
    items.push_back({'x'});
  }
  EXPECT_EQ(textOf(findRepetitions(items)), "0+3*4 by +1");
  items[10].number = 7; // the last but one's
  EXPECT_EQ(textOf(findRepetitions(items)), "0+3*3 by +1");
  EXPECT_EQ(textOf(findRepetitions(Items{{'a', 9}, {'a', 6}, {'a', 3}})), "0+1*3 by -3");
  EXPECT_EQ(textOf(findRepetitions(Items{{'a', 0}, {'a', 1}, {'a', 3}})), "");
  EXPECT_EQ(textOf(findRepetitions(Items{{'a', 0}, {'a'}, {'a', 2}})), "");
}

// As long as it is as many times then.
TEST(Repetition, BeginsWhereItWouldRather) {
  auto at = [](size_t wanted) { return [=](size_t i) { return i == wanted; }; };
  EXPECT_EQ(textOf(findRepetitions(itemsOf("abcabcabcab"), at(1))), "1+3*3");
  EXPECT_EQ(textOf(findRepetitions(itemsOf("abcabcabc"), at(1))), "0+3*3");
}

TEST(Repetition, IsWhatASearchThroughAllPeriodsFinds) {
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 4000; ++round) {
    Items items;
    unsigned keys = 1 + random() % 3;
    bool numbered = random() % 2;
    for (size_t length = random() % 17; items.size() < length;)
      items.push_back({static_cast<unsigned>(random() % keys), numbered ? std::optional<int64_t>(random() % 2 + items.size()) : std::nullopt});
    auto repetitions = findRepetitions(items);
    ASSERT_EQ(textOf(repetitions), textOf(searchAll(items))) << "round " << round;
    found += static_cast<int>(repetitions.size());
  }
  EXPECT_GT(found, 1000);
}

} // namespace

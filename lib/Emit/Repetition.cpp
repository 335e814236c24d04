// Finds repetitions by comparing a sequence with itself, shifted to the next
// items of the same key.
#include "Repetition.h"

#include "llvm/ADT/DenseMap.h"

using namespace llvm;
using namespace dtc::emit;

/// Fewer are as easy to read one by one.
static constexpr size_t leastCount = 3;
/// Items of a section: more than any layer has calls.
static constexpr size_t longestPeriod = 1024;
/// Of the same key, that a section may hold besides its first.
static constexpr int mostCandidates = 16;

/// How far the items from `begin` on repeat those `period` before them.
static Repetition extend(ArrayRef<SequenceItem> items, size_t begin,
                         size_t period) {
  std::optional<int64_t> shift;
  size_t end = begin;
  for (; end + period < items.size(); ++end) {
    const SequenceItem &item = items[end], &next = items[end + period];
    if (item.key != next.key ||
        item.number.has_value() != next.number.has_value())
      break;
    if (!item.number)
      continue;
    int64_t distance = *next.number - *item.number;
    if (shift.value_or(distance) != distance)
      break;
    shift = distance;
  }
  return {begin, period, (end - begin) / period + 1, shift.value_or(0)};
}

SmallVector<Repetition>
dtc::emit::findRepetitions(ArrayRef<SequenceItem> items,
                           function_ref<bool(size_t)> isBeginning) {
  // Where an item's key comes next.
  SmallVector<size_t> next(items.size(), items.size());
  DenseMap<unsigned, size_t> last;
  for (size_t i = items.size(); i-- > 0;) {
    auto [place, isNew] = last.try_emplace(items[i].key, i);
    if (!isNew) {
      next[i] = place->second;
      place->second = i;
    }
  }
  SmallVector<Repetition> found;
  for (size_t begin = 0; begin < items.size();) {
    std::optional<Repetition> best;
    auto saves = [](const Repetition &repetition) {
      return (repetition.count - 1) * repetition.period;
    };
    int tried = 0;
    for (size_t other = next[begin];
         other < items.size() && other - begin <= longestPeriod &&
         tried < mostCandidates;
         other = next[other], ++tried) {
      Repetition candidate = extend(items, begin, other - begin);
      if (candidate.count >= leastCount &&
          (!best || saves(candidate) > saves(*best)))
        best = candidate;
    }
    if (!best) {
      ++begin;
      continue;
    }
    // The same number of times from a little later on.
    if (isBeginning && !isBeginning(begin))
      for (size_t later = begin + 1; later < begin + best->period; ++later)
        if (isBeginning(later)) {
          Repetition moved = extend(items, later, best->period);
          if (moved.count == best->count)
            best = moved;
          break;
        }
    found.push_back(*best);
    begin = best->end();
  }
  return found;
}

// First fit in time and addresses.
#include "Occupancy.h"

#include "llvm/Support/MathExtras.h"

using namespace dtc;
using namespace dtc::plan;

void Occupancy::Spans::add(int64_t begin, int64_t end) {
  auto next = ends.upper_bound(begin);
  if (next != ends.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ends.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ends.erase(next);
  }
  ends.emplace(begin, end);
}

int64_t Occupancy::Spans::skip(int64_t begin, int64_t bytes) const {
  auto next = ends.upper_bound(begin);
  if (next != ends.begin() && std::prev(next)->second > begin)
    begin = std::prev(next)->second;
  for (; next != ends.end() && next->first < begin + bytes; ++next)
    begin = next->second;
  return begin;
}

Occupancy::Occupancy(int64_t last)
    : last(last), nodes(2 * llvm::PowerOf2Ceil(static_cast<uint64_t>(last) + 1)) {}

void Occupancy::take(size_t node, int64_t first, int64_t last, Lifetimes::Interval moments, int64_t begin, int64_t end) {
  if (moments.last < first || last < moments.first)
    return;
  nodes[node].some.add(begin, end);
  if (moments.first <= first && last <= moments.last) {
    nodes[node].all.add(begin, end);
    return;
  }
  int64_t middle = first + (last - first) / 2;
  take(2 * node, first, middle, moments, begin, end);
  take(2 * node + 1, middle + 1, last, moments, begin, end);
}

void Occupancy::take(const Lifetimes::Intervals &moments, int64_t begin, int64_t end) {
  for (Lifetimes::Interval interval : moments)
    take(1, 0, last, interval, begin, end);
}

void Occupancy::collect(size_t node, int64_t first, int64_t last, Lifetimes::Interval moments,
                        llvm::SmallVectorImpl<const Spans *> &met) const {
  if (moments.last < first || last < moments.first)
    return;
  if (moments.first <= first && last <= moments.last) {
    met.push_back(&nodes[node].some);
    return;
  }
  met.push_back(&nodes[node].all);
  int64_t middle = first + (last - first) / 2;
  collect(2 * node, first, middle, moments, met);
  collect(2 * node + 1, middle + 1, last, moments, met);
}

int64_t Occupancy::findFree(const Lifetimes::Intervals &moments, int64_t bytes) const {
  llvm::SmallVector<const Spans *> met;
  for (Lifetimes::Interval interval : moments)
    collect(1, 0, last, interval, met);
  int64_t begin = 0;
  for (int64_t before = -1; begin != before;) {
    before = begin;
    for (const Spans *spans : met)
      begin = spans->skip(begin, bytes);
  }
  return begin;
}

// Which addresses are taken when; private to Plan.
#ifndef DTC_LIB_PLAN_OCCUPANCY_H
#define DTC_LIB_PLAN_OCCUPANCY_H

#include "Lifetimes.h"

#include <map>
#include <vector>

namespace dtc::plan {

/// A segment tree over the moments of a step; each node holds the union of what is taken, so that a query meets few spans, however
/// many buffers they are made of.
class Occupancy {
public:
  /// Moments are numbers from 0 to `last`.
  explicit Occupancy(int64_t last);

  /// The lowest address at which `bytes` are free in all of these moments.
  int64_t findFree(const Lifetimes::Intervals &moments, int64_t bytes) const;
  /// Takes [begin, end) in these moments.
  void take(const Lifetimes::Intervals &moments, int64_t begin, int64_t end);

private:
  /// Disjoint spans of addresses, none of which touch: begin to end.
  class Spans {
  public:
    void add(int64_t begin, int64_t end);
    /// `begin`, or the end of the last span that [begin, begin + bytes) meets.
    int64_t skip(int64_t begin, int64_t bytes) const;

  private:
    std::map<int64_t, int64_t> ends;
  };
  struct Node {
    /// In every moment of the node; in some moment of it.
    Spans all, some;
  };

  void take(size_t node, int64_t first, int64_t last, Lifetimes::Interval moments, int64_t begin, int64_t end);
  void collect(size_t node, int64_t first, int64_t last, Lifetimes::Interval moments,
               llvm::SmallVectorImpl<const Spans *> &met) const;

  int64_t last;
  std::vector<Node> nodes;
};

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_OCCUPANCY_H

// What each rank does when in one step: predicted by the simulator, or measured.
#ifndef DTC_TIMELINE_TIMETABLE_H
#define DTC_TIMELINE_TIMETABLE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dtc {

enum class SpanKind {
  Forward,
  /// Where a schedule splits it: the gradients that other stages wait for.
  Backward,
  WeightGradient,
  /// A fragment of forward and backward together: without a pipeline.
  ForwardBackward,
  Update,
  Communication,
  /// The rank does nothing until communication is over.
  Wait,
};

/// `forward`, `weight gradient`, …
llvm::StringRef nameOf(SpanKind kind);
/// What a fragment of a kind does, by the word that `dist.fragment` and traces have for it; none for another word.
std::optional<SpanKind> workNamed(llvm::StringRef word);
/// True of what computes.
bool isWork(SpanKind kind);

/// Times are seconds since the step began.
struct Span {
  bool operator==(const Span &other) const = default;
  double seconds() const { return end - begin; }

  SpanKind kind;
  /// The fragment, the bucket or the message.
  std::string name;
  /// -1 where there is none.
  int64_t stage = -1, microbatch = -1;
  double begin = 0, end = 0;
  /// Communication that goes on beside what the rank does.
  bool overlapped = false;
};

struct Timetable {
  /// Each rank's spans; those that are not overlapped in order.
  std::vector<std::vector<Span>> ranks;
  double stepSeconds = 0;

  /// Seconds in which the rank computes.
  double busySeconds(int64_t rank) const;
  /// The share of the step in which a rank, or the ranks together, do not
  /// compute; 0 of an empty step.
  double bubble(int64_t rank) const;
  double bubble() const;
};

} // namespace dtc

#endif // DTC_TIMELINE_TIMETABLE_H

// Sums over a timetable, and what fragments' names say.
#include "dtc/Timeline/Timetable.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace dtc;
using llvm::StringRef;

StringRef dtc::nameOf(SpanKind kind) {
  switch (kind) {
  case SpanKind::Forward:
    return "forward";
  case SpanKind::Backward:
    return "backward";
  case SpanKind::WeightGradient:
    return "weight gradient";
  case SpanKind::ForwardBackward:
    return "forward and backward";
  case SpanKind::Update:
    return "update";
  case SpanKind::Communication:
    return "communication";
  case SpanKind::Wait:
    return "wait";
  }
  llvm_unreachable("no such kind");
}

bool dtc::isWork(SpanKind kind) {
  return kind != SpanKind::Communication && kind != SpanKind::Wait;
}

FragmentWork dtc::workOf(StringRef fragment) {
  llvm::SmallVector<StringRef> words;
  fragment.split(words, '_');
  auto has = [&](StringRef word) { return llvm::is_contained(words, word); };
  FragmentWork work{SpanKind::Forward, -1};
  if (has("update"))
    work.kind = SpanKind::Update;
  else if (has("weight"))
    work.kind = SpanKind::WeightGradient;
  else if (has("head") || (has("forward") && has("backward")))
    work.kind = SpanKind::ForwardBackward;
  else if (has("backward") || has("tail"))
    work.kind = SpanKind::Backward;
  StringRef first = words.front();
  if (!first.consume_front("stage") || first.getAsInteger(10, work.stage))
    work.stage = -1;
  return work;
}

double Timetable::busySeconds(int64_t rank) const {
  double sum = 0;
  for (const Span &span : ranks[rank])
    if (isWork(span.kind))
      sum += span.seconds();
  return sum;
}

double Timetable::bubble(int64_t rank) const {
  return stepSeconds > 0 ? (stepSeconds - busySeconds(rank)) / stepSeconds : 0;
}

double Timetable::bubble() const {
  double busy = 0, all = stepSeconds * ranks.size();
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    busy += busySeconds(rank);
  return all > 0 ? (all - busy) / all : 0;
}

// Sums over a timetable, and words for what it shows.
#include "dtc/Timeline/Timetable.h"

#include "llvm/ADT/STLExtras.h"

using namespace dtc;
using llvm::StringRef;

static constexpr struct {
  SpanKind kind;
  llvm::StringLiteral name;
} names[] = {
    {SpanKind::Forward, "forward"},
    {SpanKind::Backward, "backward"},
    {SpanKind::WeightGradient, "weight gradient"},
    {SpanKind::ForwardBackward, "forward and backward"},
    {SpanKind::Update, "update"},
    {SpanKind::Communication, "communication"},
    {SpanKind::Wait, "wait"},
};

static constexpr struct {
  llvm::StringLiteral word;
  SpanKind kind;
} works[] = {
    {"forward", SpanKind::Forward},
    {"prepare", SpanKind::Forward}, // copies of parameters, which forward takes
    {"backward", SpanKind::Backward},
    {"weight_gradient", SpanKind::WeightGradient},
    {"forward_backward", SpanKind::ForwardBackward},
    {"update", SpanKind::Update},
};

StringRef dtc::nameOf(SpanKind kind) {
  return llvm::find_if(names, [&](const auto &row) { return row.kind == kind; })->name;
}

std::optional<SpanKind> dtc::workNamed(StringRef word) {
  auto found = llvm::find_if(works, [&](const auto &row) { return row.word == word; });
  return found == std::end(works) ? std::nullopt : std::optional(found->kind);
}

bool dtc::isWork(SpanKind kind) {
  return kind != SpanKind::Communication && kind != SpanKind::Wait;
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

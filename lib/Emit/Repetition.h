// Sections of a sequence that repeat; private to Emit.
#ifndef DTC_LIB_EMIT_REPETITION_H
#define DTC_LIB_EMIT_REPETITION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace dtc::emit {

/// A member of a sequence: what it is, and what may count from one repetition
/// to the next (a microbatch, a place in an array).
struct SequenceItem {
  unsigned key;
  std::optional<int64_t> number = std::nullopt;
};

/// `count` times the `period` items from `begin` on; the numbers of each time
/// are `shift` more than those before.
struct Repetition {
  size_t begin, period, count;
  int64_t shift;
  size_t size() const { return period * count; }
  size_t end() const { return begin + size(); }
};

/// The repetitions of a sequence, from left to right, none within another: of
/// those that begin at one item the one that leaves the least text. Each runs
/// three times or more. `isBeginning`: where it would rather begin, if it has
/// the choice. Takes time linear in the sequence (times the longest period, a
/// constant).
///
///   a b c b c b c b d  ->  begin 1, period 2, count 3
llvm::SmallVector<Repetition>
findRepetitions(llvm::ArrayRef<SequenceItem> items,
                llvm::function_ref<bool(size_t)> isBeginning = nullptr);

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_REPETITION_H

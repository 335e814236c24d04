// When buffers are in use; private to Plan.
#ifndef DTC_LIB_PLAN_LIFETIMES_H
#define DTC_LIB_PLAN_LIFETIMES_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/DenseMap.h"

namespace dtc::plan {

/// The lifetimes of a program's buffers, counted in calls. The timelines stand
/// one behind the other in time: what lives in one is dead in the next unless
/// it is kept.
///
///   run        F0    F1    B0    F2    B1    B2
///   inside F   ──    ──          ──                  once in each run
///   slots      0───────────0     2───────────2       once in each microbatch
///                    1─────────────────1
///   all else   ────────────────────────────          once in a timeline
class Lifetimes {
public:
  struct Interval {
    int64_t first, last;
  };
  /// Sorted, and apart from each other.
  using Intervals = llvm::SmallVector<Interval, 2>;

  explicit Lifetimes(rt::ProgramOp program);

  /// Inputs, parameters, state and results are never dead.
  static bool isKept(rt::BufferOp buffer);

  /// All of time if the buffer is kept; nothing if no call touches it.
  const Intervals &of(rt::BufferOp buffer) const;

  /// Intervals end there at the latest.
  int64_t lastMoment() const { return always.front().last; }

  static bool overlap(const Intervals &a, const Intervals &b);

  /// Slots that suffice, at most `most`: microbatches i and j may share one if
  /// i = j mod slots and they are never under way together.
  int64_t slotsOf(rt::BufferOp buffer, int64_t most) const;

  /// True if in each run of `launch` the buffer `source` dies there and `target`
  /// is born.
  bool endsAsBegins(rt::LaunchOp launch, rt::BufferOp source, rt::BufferOp target) const;
  /// `source` from now on also holds what `target` held, directly behind it.
  void join(rt::BufferOp source, rt::BufferOp target);

private:
  struct Run {
    std::optional<int64_t> microbatch;
    int64_t number = 0;
  };
  void visit(mlir::Operation *op, const Run &run, const mlir::SymbolTable &fragments);
  void touch(mlir::Value memory, std::optional<int64_t> microbatch, const Run &run);

  int64_t now = 0, timeline = 0;
  /// Of launches.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int64_t, 1>> moments;
  /// The fragment that alone uses a temporary; without those that several use.
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> onlyUser;
  /// What a buffer holds in a timeline in a run, or for a microbatch.
  struct Instance {
    int64_t timeline, number;
    Interval interval;
  };
  /// In the order in which they are born.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Instance, 2>> instances;
  llvm::DenseMap<mlir::Operation *, Intervals> intervals;
  Intervals always, never;
};

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_LIFETIMES_H

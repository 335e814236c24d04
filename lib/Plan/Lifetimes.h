// When buffers are in use; private to Plan.
#ifndef DTC_LIB_PLAN_LIFETIMES_H
#define DTC_LIB_PLAN_LIFETIMES_H

#include "dialects/RT/RT.h"

namespace dtc::plan {

/// The lifetimes of a program's buffers, counted in calls. The timelines stand
/// one behind the other in time: what lives in one is dead in the next unless
/// it is kept.
class Lifetimes {
public:
  struct Interval {
    int64_t first, last;
    bool overlaps(const Interval &other) const {
      return first <= other.last && other.first <= last;
    }
  };

  explicit Lifetimes(rt::ProgramOp program);

  /// Inputs, parameters, state and results are never dead.
  static bool isKept(rt::BufferOp buffer);

  /// All of time if the buffer is kept; nothing if no call touches it.
  std::optional<Interval> of(rt::BufferOp buffer) const;

  /// `source` from now on also holds what `target` held, directly behind it.
  void join(rt::BufferOp source, rt::BufferOp target);

  /// The moment of an op inside a fragment or a timeline.
  int64_t moment(mlir::Operation *op) const { return moments.lookup(op); }

private:
  void visit(mlir::Operation *op);
  void touch(mlir::Value memory);

  int64_t now = 0;
  llvm::DenseMap<mlir::Operation *, int64_t> moments;
  llvm::DenseMap<mlir::Operation *, Interval> intervals;
};

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_LIFETIMES_H

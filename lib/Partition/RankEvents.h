// The mesh, and what the ranks of one role communicate in one step, in order.
#ifndef DTC_LIB_PARTITION_RANKEVENTS_H
#define DTC_LIB_PARTITION_RANKEVENTS_H

#include "dialects/Dist/Dist.h"

#include "mlir/IR/BuiltinOps.h"

namespace dtc::partition {

/// The module's `shard.grid @mesh`; ranks count its last axis fastest.
struct Mesh {
  /// Fails with a diagnostic if the module has no mesh, or a broken one.
  static llvm::FailureOr<Mesh> of(mlir::ModuleOp module);

  int64_t ranks() const;
  /// The distance in ranks of neighbours along an axis.
  int64_t stride(unsigned axis) const;
  int64_t coordinate(int64_t rank, unsigned axis) const {
    return rank / stride(axis) % shape[axis];
  }
  std::optional<unsigned> axisNamed(llvm::StringRef name) const;

  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<std::string> axes;
};

enum class EventKind {
  /// Communication starts; the rank goes on.
  Start,
  /// The rank waits for what it started.
  Wait,
  /// Communication starts and the rank waits for it.
  Immediate,
};

struct Event {
  EventKind kind;
  mlir::Operation *op;
  unsigned axis;
  /// Of a Wait: the op that started it.
  mlir::Operation *started = nullptr;
  bool inFragment = false;
};

/// One timeline's events.
struct RoleEvents {
  /// Fails with a diagnostic if an axis is unknown, or if what is started is
  /// not awaited exactly once and in order.
  static llvm::FailureOr<RoleEvents> of(dist::TimelineOp timeline, const Mesh &mesh,
                                        mlir::SymbolTable &symbols);
  /// True if the rank is one of the role's.
  bool covers(const Mesh &mesh, int64_t rank) const;

  dist::TimelineOp timeline;
  llvm::SmallVector<Event> events;
  /// From `dist.at`: axis and coordinate.
  llvm::SmallVector<std::pair<unsigned, int64_t>> at;
};

/// Fails with a diagnostic if a fragment holds anything asynchronous.
llvm::LogicalResult checkSynchronous(dist::FragmentOp fragment);

/// In what two collectives that should be one differ, for a diagnostic; empty if
/// in nothing.
std::string differenceOf(mlir::Operation *a, mlir::Operation *b);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_RANKEVENTS_H

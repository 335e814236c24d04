// What the ranks of one role do in one step, in order: one timeline's events.
#ifndef DTC_TIMELINE_ROLEEVENTS_H
#define DTC_TIMELINE_ROLEEVENTS_H

#include "dialects/Dist/Dist.h"
#include "dtc/Mesh/Mesh.h"
#include "dtc/Timeline/Timetable.h"

namespace dtc::timeline {

enum class EventKind {
  /// A fragment runs.
  Run,
  /// Communication starts; the rank goes on.
  Start,
  /// The rank waits for what it started.
  Wait,
  /// Communication starts and the rank waits for it.
  Immediate,
};

enum class Traffic { None, Collective, Send, Receive };

struct Event {
  EventKind kind;
  Traffic traffic;
  mlir::Operation *op;
  /// Of communication: the axis along which its ranks differ.
  unsigned axis = 0;
  /// Of a Start: the index of its Wait; of a Wait: that of its Start.
  unsigned partner = 0;
  /// Of a send or a receive: the other side's coordinate on the axis.
  int64_t peer = 0;
  bool inFragment = false;

  /// Of a Start or an Immediate.
  CommunicationOpInterface communication() const { return mlir::cast<CommunicationOpInterface>(op); }
};

/// One timeline's events. What stands in a fragment follows its Run.
struct RoleEvents {
  /// Fails with a diagnostic if an axis or a peer is unknown or the rank itself,
  /// or if what is started is not awaited exactly once; collectives in order.
  static llvm::FailureOr<RoleEvents> of(dist::TimelineOp timeline, const Mesh &mesh,
                                        mlir::SymbolTable &symbols);
  /// True if the rank is one of the role's.
  bool covers(const Mesh &mesh, int64_t rank) const;
  /// What an event of communication starts, does, or waits for.
  CommunicationOpInterface communicationOf(const Event &event) const {
    return (event.kind == EventKind::Wait ? events[event.partner] : event).communication();
  }

  dist::TimelineOp timeline;
  llvm::SmallVector<Event> events;
  /// From `dist.at`: axis and coordinate.
  llvm::SmallVector<std::pair<unsigned, int64_t>> at;
};

/// What a fragment does in the step; forward if it does not say.
SpanKind workOf(dist::FragmentOp fragment);

/// Fails with a diagnostic if a fragment holds anything asynchronous.
llvm::LogicalResult checkSynchronous(dist::FragmentOp fragment);

} // namespace dtc::timeline

#endif // DTC_TIMELINE_ROLEEVENTS_H

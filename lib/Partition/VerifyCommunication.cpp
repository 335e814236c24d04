// dtc-verify-communication: plays all ranks' timelines against each other.
#include "RankEvents.h"
#include "dtc/Partition/Passes.h"

#include "llvm/ADT/MapVector.h"

namespace dtc {
#define GEN_PASS_DEF_VERIFYCOMMUNICATIONPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

namespace {

/// Plays one phase on all ranks. A rank goes on until it waits for a collective
/// that a rank of its group has not started:
///
///   rank 0   start b0 | start b1 | wait b0 | wait b1     the k-th start of a
///   rank 1   start b0 | start b1 | wait b0 | wait b1     group must be one and
///            ^ 0th of group {0, 1}, ^ 1st of it          the same on all ranks
class RankPlay {
public:
  RankPlay(const Mesh &mesh, ArrayRef<const RoleEvents *> roleOfRank)
      : mesh(mesh), roleOfRank(roleOfRank), ranks(roleOfRank.size()) {}

  LogicalResult run();

private:
  /// A group of an axis: its ranks differ in that coordinate alone.
  using Group = std::pair<unsigned, int64_t>; // axis, the smallest rank of it
  struct Collective {
    Operation *op;
    int64_t firstRank;
    int64_t arrived;
  };
  struct Rank {
    size_t next = 0;
    bool entered = false; // arrived at the blocking event, but not past it
    llvm::SmallDenseMap<unsigned, size_t> started; // collectives so far, by axis
    DenseMap<Operation *, std::pair<Group, size_t>> underWay;
  };

  Group groupOf(int64_t rank, unsigned axis) const {
    return {axis, rank - mesh.coordinate(rank, axis) * mesh.stride(axis)};
  }
  LogicalResult advance(int64_t rank, bool &moved);
  FailureOr<std::pair<Group, size_t>> arrive(int64_t rank, const Event &event);
  bool complete(std::pair<Group, size_t> collective) const {
    auto [group, index] = collective;
    return collectives.find(group)->second[index].arrived == mesh.shape[group.first];
  }
  LogicalResult reportStuck() const;

  const Mesh &mesh;
  ArrayRef<const RoleEvents *> roleOfRank;
  SmallVector<Rank> ranks;
  DenseMap<Group, SmallVector<Collective>> collectives;
};

} // namespace

FailureOr<std::pair<RankPlay::Group, size_t>>
RankPlay::arrive(int64_t rank, const Event &event) {
  Group group = groupOf(rank, event.axis);
  size_t index = ranks[rank].started[event.axis]++;
  SmallVector<Collective> &list = collectives[group];
  if (index == list.size()) {
    list.push_back({event.op, rank, 1});
    return std::pair(group, index);
  }
  Collective &collective = list[index];
  ++collective.arrived;
  std::string difference = differenceOf(collective.op, event.op);
  if (difference.empty())
    return std::pair(group, index);
  InFlightDiagnostic diagnostic = event.op->emitOpError("is collective #")
      << index << " of rank " << rank << " over '" << mesh.axes[event.axis]
      << "', but rank " << collective.firstRank << " reaches another: "
      << difference;
  diagnostic.attachNote(collective.op->getLoc())
      << "collective #" << index << " of rank " << collective.firstRank;
  return diagnostic;
}

LogicalResult RankPlay::advance(int64_t rank, bool &moved) {
  Rank &state = ranks[rank];
  ArrayRef<Event> events = roleOfRank[rank]->events;
  for (; state.next < events.size(); ++state.next, state.entered = false) {
    const Event &event = events[state.next];
    Operation *token = event.kind == EventKind::Wait ? event.started : event.op;
    if (event.kind != EventKind::Wait && !state.entered) {
      auto collective = arrive(rank, event);
      if (failed(collective))
        return failure();
      state.underWay[token] = *collective;
      state.entered = moved = true;
    }
    if (event.kind != EventKind::Start && !complete(state.underWay[token]))
      return success();
    if (event.kind != EventKind::Start)
      state.underWay.erase(token);
    moved = true;
  }
  return success();
}

LogicalResult RankPlay::run() {
  for (bool moved = true; moved;) {
    moved = false;
    for (int64_t rank = 0; rank < static_cast<int64_t>(ranks.size()); ++rank)
      if (failed(advance(rank, moved)))
        return failure();
  }
  return reportStuck();
}

/// The first rank that waits forever, for whom, and where that one stands.
LogicalResult RankPlay::reportStuck() const {
  for (auto [rank, state] : llvm::enumerate(ranks)) {
    ArrayRef<Event> events = roleOfRank[rank]->events;
    if (state.next == events.size())
      continue;
    const Event &event = events[state.next];
    Operation *token = event.kind == EventKind::Wait ? event.started : event.op;
    auto [group, index] = state.underWay.find(token)->second;
    InFlightDiagnostic diagnostic = event.op->emitOpError("of rank ")
        << rank << " waits forever: collective #" << index << " over '"
        << mesh.axes[group.first] << "' needs all ranks of its group";
    for (int64_t i = 0; i < mesh.shape[group.first]; ++i) {
      int64_t other = group.second + i * mesh.stride(group.first);
      const Rank &otherState = ranks[other];
      if (otherState.started.lookup(group.first) > index)
        continue;
      ArrayRef<Event> otherEvents = roleOfRank[other]->events;
      if (otherState.next == otherEvents.size())
        diagnostic.attachNote(roleOfRank[other]->timeline->getLoc())
            << "rank " << other << " ends without reaching it";
      else
        diagnostic.attachNote(otherEvents[otherState.next].op->getLoc())
            << "rank " << other << " waits here and never reaches it";
      break;
    }
    return diagnostic;
  }
  return success();
}

/// The timeline of each rank in one phase: exactly one.
static LogicalResult assignRoles(const Mesh &mesh, StringRef phase,
                                 MutableArrayRef<RoleEvents> roles,
                                 SmallVectorImpl<const RoleEvents *> &roleOfRank) {
  roleOfRank.assign(mesh.ranks(), nullptr);
  for (int64_t rank = 0; rank < mesh.ranks(); ++rank) {
    for (RoleEvents &role : roles) {
      if (!role.covers(mesh, rank))
        continue;
      if (!roleOfRank[rank]) {
        roleOfRank[rank] = &role;
        continue;
      }
      InFlightDiagnostic diagnostic = role.timeline.emitOpError("claims rank ")
          << rank << " in phase '" << phase << "', which has a timeline already";
      diagnostic.attachNote(roleOfRank[rank]->timeline->getLoc()) << "this one";
      return diagnostic;
    }
    if (!roleOfRank[rank])
      return roles.front().timeline.emitOpError("and the others of phase '")
             << phase << "' leave rank " << rank << " without a timeline";
  }
  return success();
}

/// What stands in a fragment must be the same code on every rank of its group.
static LogicalResult
checkFragmentCollectives(const Mesh &mesh, ArrayRef<const RoleEvents *> roleOfRank) {
  for (auto [rank, role] : llvm::enumerate(roleOfRank))
    for (const Event &event : role->events) {
      if (event.kind != EventKind::Immediate || !event.inFragment)
        continue;
      int64_t other = rank - mesh.coordinate(rank, event.axis) * mesh.stride(event.axis);
      if (roleOfRank[other] == role)
        continue;
      InFlightDiagnostic diagnostic = event.op->emitOpError("stands in a fragment of rank ")
          << rank << ", but ranks differ in their timelines along '"
          << mesh.axes[event.axis] << "'";
      diagnostic.attachNote(roleOfRank[other]->timeline->getLoc())
          << "the timeline of rank " << other;
      return diagnostic;
    }
  return success();
}

namespace {
struct VerifyCommunicationPass
    : dtc::impl::VerifyCommunicationPassBase<VerifyCommunicationPass> {
  void runOnOperation() override {
    if (failed(verify()))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult verify() {
    llvm::MapVector<StringRef, SmallVector<dist::TimelineOp>> phases;
    for (auto timeline : getOperation().getOps<dist::TimelineOp>())
      phases[timeline.getPhase()].push_back(timeline);
    FailureOr<Mesh> mesh = Mesh::of(getOperation());
    if (failed(mesh))
      return failure();
    for (auto fragment : getOperation().getOps<dist::FragmentOp>())
      if (failed(checkSynchronous(fragment)))
        return failure();
    SymbolTable symbols(getOperation());
    for (auto &[phase, timelines] : phases) {
      SmallVector<RoleEvents> roles;
      for (dist::TimelineOp timeline : timelines) {
        FailureOr<RoleEvents> role = RoleEvents::of(timeline, *mesh, symbols);
        if (failed(role))
          return failure();
        roles.push_back(std::move(*role));
      }
      SmallVector<const RoleEvents *> roleOfRank;
      if (failed(assignRoles(*mesh, phase, roles, roleOfRank)) ||
          failed(checkFragmentCollectives(*mesh, roleOfRank)) ||
          failed(RankPlay(*mesh, roleOfRank).run()))
        return failure();
    }
    return success();
  }
};
} // namespace

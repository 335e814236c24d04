// dtc-verify-communication: plays all ranks' timelines against each other.
#include "dtc/Partition/Passes.h"
#include "dtc/Timeline/PhaseTimelines.h"

namespace dtc {
#define GEN_PASS_DEF_VERIFYCOMMUNICATIONPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::timeline;

namespace {

/// Plays one phase on all ranks. A rank goes on until it waits for what another
/// has not reached:
///
///   rank 0   run | start send x ─┐           | wait send x ◄─┐ | …
///   rank 1   start recv x | run  └► wait recv x ─────────────┘ | run | …
///
///   wait of a receive      until the sender starts to send
///   wait of a send         until the receiver WAITS: it may copy only then
///   wait of a collective   until all members have started
class RankPlay {
public:
  explicit RankPlay(const PhaseTimelines &timelines)
      : timelines(timelines), next(timelines.ranks()),
        arrived(timelines.getCollectives().size()) {}

  LogicalResult run();

private:
  /// An event of another rank that a rank waits for.
  struct Need {
    int64_t rank;
    unsigned event;
  };
  /// What the other end of a message must come to for `rank` to go on.
  Need otherEnd(int64_t rank, const Message &message) const;
  bool mayPass(int64_t rank) const;
  /// Of a rank that may not: the first event of another that it lacks.
  Need needOf(int64_t rank) const;
  void arrive(int64_t rank);
  bool advance(int64_t rank);
  LogicalResult reportCycle(int64_t rank) const;

  bool ended(int64_t rank) const { return next[rank] == timelines.eventsOf(rank).size(); }
  const Event &nextOf(int64_t rank) const { return timelines.eventsOf(rank)[next[rank]]; }
  /// True if the rank stands at the event or is past it.
  bool reached(Need need) const { return next[need.rank] >= need.event; }

  const PhaseTimelines &timelines;
  std::vector<unsigned> next;
  /// Members of each collective that have reached it.
  std::vector<int64_t> arrived;
};

} // namespace

RankPlay::Need RankPlay::otherEnd(int64_t rank, const Message &message) const {
  if (rank == message.receiver)
    return {message.sender, message.sendStart};
  return {message.receiver, timelines.eventsOf(message.receiver)[message.recvStart].partner};
}

bool RankPlay::mayPass(int64_t rank) const {
  const Event &event = nextOf(rank);
  if (event.kind == EventKind::Run || event.kind == EventKind::Start)
    return true;
  unsigned index = timelines.communicationOf(rank, next[rank]);
  if (event.traffic != Traffic::Collective)
    return reached(otherEnd(rank, timelines.getMessages()[index]));
  return arrived[index] ==
         static_cast<int64_t>(timelines.getCollectives()[index].starts.size());
}

RankPlay::Need RankPlay::needOf(int64_t rank) const {
  unsigned index = timelines.communicationOf(rank, next[rank]);
  if (nextOf(rank).traffic != Traffic::Collective)
    return otherEnd(rank, timelines.getMessages()[index]);
  const Collective &collective = timelines.getCollectives()[index];
  for (auto [coordinate, start] : llvm::enumerate(collective.starts)) {
    Need need{timelines.getMesh().rankAt(collective.firstRank, collective.axis, coordinate), start};
    if (!reached(need))
      return need;
  }
  llvm_unreachable("a rank waits for a collective that all have reached");
}

void RankPlay::arrive(int64_t rank) {
  if (ended(rank))
    return;
  const Event &event = nextOf(rank);
  if (event.traffic == Traffic::Collective && event.kind != EventKind::Wait)
    ++arrived[timelines.communicationOf(rank, next[rank])];
}

/// Plays a rank up to where it waits; true if it moved.
bool RankPlay::advance(int64_t rank) {
  unsigned before = next[rank];
  while (!ended(rank) && mayPass(rank)) {
    ++next[rank];
    arrive(rank);
  }
  return next[rank] != before;
}

LogicalResult RankPlay::run() {
  for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
    arrive(rank);
  for (bool moved = true; moved;) {
    moved = false;
    for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
      moved |= advance(rank);
  }
  for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
    if (!ended(rank))
      return reportCycle(rank);
  return success();
}

/// Everything matches, so a rank that stands waits for one that stands too:
/// following them leads into a circle.
LogicalResult RankPlay::reportCycle(int64_t rank) const {
  std::vector<int64_t> chain;
  for (; !llvm::is_contained(chain, rank); rank = needOf(rank).rank)
    chain.push_back(rank);
  chain.erase(chain.begin(), llvm::find(chain, rank));

  // A wait shows what was started; a collective at once is that itself.
  auto carried = [&](int64_t of, unsigned index) {
    const Event &event = timelines.eventsOf(of)[index];
    return describe(timelines.roleOf(of).communicationOf(event));
  };
  Operation *first = nextOf(rank).op;
  InFlightDiagnostic diagnostic = first->emitOpError("of rank ")
      << rank << " waits forever: rank " << rank;
  for (int64_t member : chain)
    diagnostic << " waits for rank " << needOf(member).rank
               << (member == chain.back() ? "" : ", which");
  for (int64_t member : chain) {
    Need need = needOf(member);
    diagnostic.attachNote(nextOf(member).op->getLoc())
        << "rank " << member << " waits here: " << carried(member, next[member]);
    diagnostic.attachNote(timelines.eventsOf(need.rank)[need.event].op->getLoc())
        << "until rank " << need.rank << " comes here, which is behind its own wait";
  }
  return diagnostic;
}

/// What stands in a fragment must be the same code on every rank of its group.
static LogicalResult checkFragmentCollectives(const PhaseTimelines &timelines) {
  const Mesh &mesh = timelines.getMesh();
  for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
    for (const Event &event : timelines.eventsOf(rank)) {
      if (event.kind != EventKind::Immediate || !event.inFragment)
        continue;
      int64_t other = mesh.rankAt(rank, event.axis, 0);
      if (&timelines.roleOf(other) == &timelines.roleOf(rank))
        continue;
      InFlightDiagnostic diagnostic = event.op->emitOpError("stands in a fragment of rank ")
          << rank << ", but ranks differ in their timelines along '"
          << mesh.axes[event.axis].name << "'";
      diagnostic.attachNote(timelines.roleOf(other).timeline->getLoc())
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
    if (failed(Mesh::of(getOperation())))
      return failure();
    for (auto fragment : getOperation().getOps<dist::FragmentOp>())
      if (failed(checkSynchronous(fragment)))
        return failure();
    for (StringRef phase : PhaseTimelines::phasesOf(getOperation())) {
      FailureOr<PhaseTimelines> timelines = PhaseTimelines::of(getOperation(), phase);
      if (failed(timelines) || failed(checkFragmentCollectives(*timelines)) ||
          failed(RankPlay(*timelines).run()))
        return failure();
    }
    return success();
  }
};
} // namespace

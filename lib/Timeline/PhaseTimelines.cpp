// Gives every rank its timeline, and every start its other ends.
#include "dtc/Timeline/PhaseTimelines.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::timeline;

SmallVector<StringRef> PhaseTimelines::phasesOf(ModuleOp module) {
  llvm::SetVector<StringRef> phases;
  for (auto timeline : module.getOps<dist::TimelineOp>())
    phases.insert(timeline.getPhase());
  return phases.takeVector();
}

/// The timeline of each rank: exactly one.
LogicalResult PhaseTimelines::assignRoles(StringRef phase) {
  constexpr unsigned none = ~0u;
  roleOfRank.assign(mesh.ranks(), none);
  for (int64_t rank = 0; rank < ranks(); ++rank) {
    for (auto [index, role] : llvm::enumerate(roles)) {
      if (!role.covers(mesh, rank))
        continue;
      if (roleOfRank[rank] == none) {
        roleOfRank[rank] = index;
        continue;
      }
      InFlightDiagnostic diagnostic = role.timeline.emitOpError("claims rank ")
          << rank << " in phase '" << phase << "', which has a timeline already";
      diagnostic.attachNote(roleOf(rank).timeline->getLoc()) << "this one";
      return diagnostic;
    }
    if (roleOfRank[rank] == none)
      return roles.front().timeline.emitOpError("and the others of phase '")
             << phase << "' leave rank " << rank << " without a timeline";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// In what two ends differ
//===----------------------------------------------------------------------===//

static std::string quoted(StringRef label) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '"';
  llvm::printEscapedString(label, os);
  os << '"';
  return text;
}

namespace {
/// Notes the first difference of two things that should be one.
class Difference {
public:
  template <typename T>
  void compare(StringRef what, const T &first, const T &second) {
    if (!text.empty() || first == second)
      return;
    llvm::raw_string_ostream os(text);
    os << what << " " << second << " against " << first;
  }
  std::string text;
};
} // namespace

static std::string differenceOfCollectives(CommunicationOpInterface a, CommunicationOpInterface b) {
  Difference difference;
  if (a == b)
    return "";
  if (a->getName() != b->getName())
    return ("'" + b->getName().getStringRef() + "' against '" + a->getName().getStringRef() + "'")
        .str();
  difference.compare("bucket", quoted(a.getLabel()), quoted(b.getLabel()));
  difference.compare("reduction", a.getReductionWord(), b.getReductionWord());
  difference.compare("parts", a.getTerms(), b.getTerms());
  difference.compare("types", TypeRange(a.getPayload()), TypeRange(b.getPayload()));
  return difference.text;
}

static std::string differenceOfMessage(CommunicationOpInterface send, CommunicationOpInterface receive) {
  auto microbatch = [](std::optional<int64_t> number) {
    return number ? std::to_string(*number) : "none";
  };
  Difference difference;
  difference.compare("name", quoted(send.getLabel()), quoted(receive.getLabel()));
  difference.compare("microbatch", microbatch(send.getMicrobatchNumber()),
                     microbatch(receive.getMicrobatchNumber()));
  difference.compare("type", TypeRange(send.getPayload()), TypeRange(receive.getPayload()));
  return difference.text;
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

void PhaseTimelines::setCommunication(int64_t rank, unsigned start, unsigned index) {
  const Event &event = eventsOf(rank)[start];
  communication[rank][start] = index;
  if (event.kind == EventKind::Start)
    communication[rank][event.partner] = index;
}

namespace {
/// What one rank sends to another, in order: indices of events.
struct Channel {
  SmallVector<unsigned> sends, receives;
};
} // namespace

/// Reports the messages that only one of the two ranks knows.
static LogicalResult reportUnmatched(const PhaseTimelines &timelines, int64_t sender,
                                     int64_t receiver, const Channel &channel) {
  bool lost = channel.sends.size() > channel.receives.size();
  size_t common = std::min(channel.sends.size(), channel.receives.size());
  int64_t here = lost ? sender : receiver, there = lost ? receiver : sender;
  CommunicationOpInterface op =
      timelines.eventsOf(here)[(lost ? channel.sends : channel.receives)[common]].communication();
  InFlightDiagnostic diagnostic = op.emitOpError("of ")
      << describe(op) << " on rank " << here << " is message #" << common
      << (lost ? " to rank " : " from rank ") << there << ", which "
      << (lost ? "receives " : "sends ") << common << " only";
  if (common == 0) {
    diagnostic.attachNote(timelines.roleOf(there).timeline->getLoc())
        << "the timeline of rank " << there;
    return diagnostic;
  }
  CommunicationOpInterface last =
      timelines.eventsOf(there)[(lost ? channel.receives : channel.sends)[common - 1]].communication();
  diagnostic.attachNote(last.getLoc())
      << "the last on rank " << there << ": " << describe(last);
  return diagnostic;
}

LogicalResult PhaseTimelines::matchMessages() {
  llvm::MapVector<std::pair<int64_t, int64_t>, Channel> channels;
  for (int64_t rank = 0; rank < ranks(); ++rank)
    for (auto [index, event] : llvm::enumerate(eventsOf(rank))) {
      if (event.kind != EventKind::Start || event.traffic == Traffic::Collective)
        continue;
      int64_t other = mesh.rankAt(rank, event.axis, event.peer);
      if (event.traffic == Traffic::Send)
        channels[{rank, other}].sends.push_back(index);
      else
        channels[{other, rank}].receives.push_back(index);
    }
  for (const auto &[ends, channel] : channels) {
    auto [sender, receiver] = ends;
    for (auto [k, pair] : llvm::enumerate(llvm::zip(channel.sends, channel.receives))) {
      auto [sendStart, recvStart] = pair;
      CommunicationOpInterface send = eventsOf(sender)[sendStart].communication();
      CommunicationOpInterface receive = eventsOf(receiver)[recvStart].communication();
      std::string difference = differenceOfMessage(send, receive);
      if (!difference.empty()) {
        InFlightDiagnostic diagnostic = receive.emitOpError("of rank ")
            << receiver << " receives message #" << k << " of rank " << sender
            << ", which is another: " << difference;
        diagnostic.attachNote(send.getLoc())
            << "message #" << k << " of rank " << sender << " to rank " << receiver;
        return diagnostic;
      }
      setCommunication(sender, sendStart, messages.size());
      setCommunication(receiver, recvStart, messages.size());
      messages.push_back({sender, receiver, sendStart, recvStart});
    }
    if (channel.sends.size() != channel.receives.size())
      return reportUnmatched(*this, sender, receiver, channel);
  }
  return success();
}

LogicalResult PhaseTimelines::matchCollectives() {
  // A group is an axis and its rank with coordinate 0.
  llvm::MapVector<std::pair<unsigned, int64_t>, SmallVector<unsigned>> groups;
  auto opOf = [&](int64_t rank, unsigned event) { return eventsOf(rank)[event].communication(); };
  for (int64_t rank = 0; rank < ranks(); ++rank) {
    SmallVector<size_t> reached(mesh.axes.size(), 0);
    for (auto [index, event] : llvm::enumerate(eventsOf(rank))) {
      if (event.traffic != Traffic::Collective || event.kind == EventKind::Wait)
        continue;
      int64_t first = mesh.rankAt(rank, event.axis, 0);
      SmallVector<unsigned> &group = groups[{event.axis, first}];
      size_t k = reached[event.axis]++;
      if (rank == first) {
        group.push_back(collectives.size());
        collectives.push_back({event.axis, first, {}});
      } else if (k >= group.size()) {
        InFlightDiagnostic diagnostic = event.op->emitOpError("of ")
            << describe(event.communication()) << " is collective #" << k << " of rank " << rank << " over '"
            << mesh.axes[event.axis].name << "', but rank " << first << " has " << k << " only";
        diagnostic.attachNote(roleOf(first).timeline->getLoc())
            << "the timeline of rank " << first;
        return diagnostic;
      }
      Collective &collective = collectives[group[k]];
      setCommunication(rank, index, group[k]);
      collective.starts.push_back(index);
      CommunicationOpInterface op = opOf(first, collective.starts.front());
      std::string difference = differenceOfCollectives(op, event.communication());
      if (difference.empty())
        continue;
      InFlightDiagnostic diagnostic = event.op->emitOpError("is collective #")
          << k << " of rank " << rank << " over '" << mesh.axes[event.axis].name
          << "', but rank " << first << " reaches another: " << difference;
      diagnostic.attachNote(op->getLoc()) << "collective #" << k << " of rank " << first;
      return diagnostic;
    }
    for (unsigned axis = 0; axis < mesh.axes.size(); ++axis) {
      int64_t first = mesh.rankAt(rank, axis, 0);
      auto group = groups.find({axis, first});
      if (group == groups.end() || reached[axis] == group->second.size())
        continue;
      size_t k = reached[axis];
      CommunicationOpInterface op = opOf(first, collectives[group->second[k]].starts.front());
      InFlightDiagnostic diagnostic = op->emitOpError("of ")
          << describe(op) << " is collective #" << k << " of rank " << first << " over '"
          << mesh.axes[axis].name << "', but rank " << rank << " has " << k << " only";
      diagnostic.attachNote(roleOf(rank).timeline->getLoc()) << "the timeline of rank " << rank;
      return diagnostic;
    }
  }
  return success();
}

FailureOr<PhaseTimelines> PhaseTimelines::of(ModuleOp module, StringRef phase) {
  FailureOr<Mesh> mesh = Mesh::of(module);
  if (failed(mesh))
    return failure();
  PhaseTimelines timelines(std::move(*mesh));
  SymbolTable symbols(module);
  for (auto timeline : module.getOps<dist::TimelineOp>()) {
    if (timeline.getPhase() != phase)
      continue;
    FailureOr<RoleEvents> role = RoleEvents::of(timeline, timelines.mesh, symbols);
    if (failed(role))
      return failure();
    timelines.roles.push_back(std::move(*role));
  }
  if (timelines.roles.empty())
    return module.emitError("has no timeline of phase '") << phase << "'";
  if (failed(timelines.assignRoles(phase)))
    return failure();
  for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
    timelines.communication.emplace_back(timelines.eventsOf(rank).size());
  if (failed(timelines.matchMessages()) || failed(timelines.matchCollectives()))
    return failure();
  return timelines;
}

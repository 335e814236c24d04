// A discrete-event simulation of one step on all ranks.
#include "dtc/Cost/Simulator.h"

#include "dtc/Cost/Time.h"

#include <limits>
#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::timeline;

static constexpr double never = std::numeric_limits<double>::infinity();

MachineModel::~MachineModel() = default;

double MachineModel::collectiveSeconds(const CommunicationForm &form, ArrayRef<int64_t> ranks, int64_t root,
                                       uint64_t bytes) const {
  size_t count = ranks.size();
  double part = double(bytes) / count, slowest = 0;
  switch (form.way) {
  case CommunicationForm::Ring:
    for (auto [index, rank] : llvm::enumerate(ranks)) {
      Link link = linkBetween(rank, ranks[(index + 1) % count]);
      slowest = std::max(slowest, link.latencySeconds + part / link.bytesPerSecond);
    }
    return double(form.rounds) * (count - 1) * slowest;
  case CommunicationForm::Direct:
    for (int64_t rank : ranks) {
      double seconds = 0;
      for (int64_t other : ranks)
        if (other != rank)
          seconds += linkBetween(rank, other).latencySeconds + part / linkBetween(rank, other).bytesPerSecond;
      slowest = std::max(slowest, seconds);
    }
    return slowest;
  case CommunicationForm::Chain: {
    double latency = 0;
    for (size_t step = 0; step + 1 < count; ++step) {
      Link link = linkBetween(ranks[(root + step) % count], ranks[(root + step + 1) % count]);
      latency += link.latencySeconds;
      slowest = std::max(slowest, bytes / link.bytesPerSecond);
    }
    return latency + slowest;
  }
  case CommunicationForm::None:
    break;
  }
  llvm_unreachable("a collective has a form");
}

/// What the ranks send each other.
static SmallVector<LinkTraffic> trafficOf(const CommunicationForm &form, ArrayRef<int64_t> ranks, int64_t root,
                                          uint64_t bytes) {
  SmallVector<LinkTraffic> traffic;
  size_t count = ranks.size();
  for (size_t i = 0; i < count && count > 1; ++i) {
    int64_t next = ranks[(i + 1) % count];
    if (form.way == CommunicationForm::Ring)
      traffic.push_back({ranks[i], next, form.rounds * (count - 1) * bytes / count});
    else if (form.way == CommunicationForm::Chain && (i + 1) % count != static_cast<size_t>(root))
      traffic.push_back({ranks[i], next, bytes});
    else if (form.way == CommunicationForm::Direct)
      for (int64_t other : ranks)
        if (other != ranks[i])
          traffic.push_back({ranks[i], other, bytes / count});
  }
  return traffic;
}

namespace {

class Player {
public:
  Player(const PhaseTimelines &timelines, const MachineModel &machine,
         const SimulationOptions &options);
  FailureOr<Simulation> run();

private:
  /// A message or a collective.
  struct Communication {
    double begin = never, end = never;
    int64_t arrived = 0;
    bool waitedFor = false;
  };
  enum class State { Ready, Working, Blocked, Ended };
  struct Rank {
    State state = State::Ready;
    size_t next = 0;
    /// Arrived at the immediate collective that is next.
    bool entered = false;
    /// Of Working: when it is done at the present rate, and what it is.
    double workEnd = 0;
    Span work;
    double blockedSince = 0;
  };

  const Event &nextOf(int64_t rank) const { return timelines.eventsOf(rank)[ranks[rank].next]; }
  Communication &communicationOf(int64_t rank, unsigned event);
  void settle();
  bool step(int64_t rank);
  void startWork(int64_t rank, double seconds, Span span);
  void finishWork(int64_t rank);
  void arrive(int64_t rank);
  void beginMessage(const Message &message, Communication &state);
  void beginCollective(const Collective &collective, Communication &state);
  bool waitFor(int64_t rank);
  void block(int64_t rank);
  void unblock(int64_t rank, const Communication &state);
  double readyAt(int64_t rank);
  void adjustRate();
  void record(int64_t rank, Span span) { result.timetable.ranks[rank].push_back(std::move(span)); }
  static Span spanOf(SpanKind kind, CommunicationOpInterface communication);
  double copySeconds(const Message &message) const;
  uint64_t bytesOf(const Message &message) const;
  SmallVector<int64_t> membersOf(const Collective &collective) const;

  const PhaseTimelines &timelines;
  const MachineModel &machine;
  SimulationOptions options;
  double now = 0, rate = 1;
  std::vector<Rank> ranks;
  std::vector<Communication> messages, collectives;
  /// When a link, or the collectives of a group, are free again.
  std::map<std::pair<int64_t, int64_t>, double> linkFree;
  std::map<std::pair<unsigned, int64_t>, double> groupFree;
  std::map<std::pair<int64_t, int64_t>, uint64_t> traffic;
  Simulation result;
};

} // namespace

Player::Player(const PhaseTimelines &timelines, const MachineModel &machine,
               const SimulationOptions &options)
    : timelines(timelines), machine(machine), options(options), ranks(timelines.ranks()),
      messages(timelines.getMessages().size()), collectives(timelines.getCollectives().size()) {
  result.timetable.ranks.resize(timelines.ranks());
}

Player::Communication &Player::communicationOf(int64_t rank, unsigned event) {
  unsigned index = timelines.communicationOf(rank, event);
  bool collective = timelines.eventsOf(rank)[event].traffic == Traffic::Collective;
  return collective ? collectives[index] : messages[index];
}

Span Player::spanOf(SpanKind kind, CommunicationOpInterface communication) {
  Span span{kind, ""};
  StringRef label = communication.getLabel();
  span.name = (label.empty() ? StringRef(communication.getRow().word) : label).str();
  span.microbatch = communication.getMicrobatchNumber().value_or(-1);
  return span;
}

uint64_t Player::bytesOf(const Message &message) const {
  return timelines.eventsOf(message.sender)[message.sendStart].communication().getPayloadBytes();
}

double Player::copySeconds(const Message &message) const {
  return transferSeconds(machine.linkBetween(message.sender, message.receiver), bytesOf(message));
}

SmallVector<int64_t> Player::membersOf(const Collective &collective) const {
  SmallVector<int64_t> members;
  for (size_t i = 0; i < collective.starts.size(); ++i)
    members.push_back(timelines.getMesh().rankAt(collective.firstRank, collective.axis, i));
  return members;
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

void Player::startWork(int64_t rank, double seconds, Span span) {
  Rank &state = ranks[rank];
  state.state = State::Working;
  state.work = std::move(span);
  state.work.begin = now;
  state.workEnd = now + seconds / rate;
}

/// Shares the cores out again after ranks have begun or ended work.
void Player::adjustRate() {
  int64_t working =
      llvm::count_if(ranks, [](const Rank &rank) { return rank.state == State::Working; });
  double newRate = options.slots > 0 && working > options.slots ? double(options.slots) / working : 1;
  if (newRate == rate)
    return;
  for (Rank &rank : ranks)
    if (rank.state == State::Working)
      rank.workEnd = now + (rank.workEnd - now) * rate / newRate;
  rate = newRate;
}

void Player::finishWork(int64_t rank) {
  Rank &state = ranks[rank];
  state.work.end = now;
  record(rank, state.work);
  state.state = State::Ready;
  const Event &event = nextOf(rank);
  if (event.kind == EventKind::Run)
    ++state.next;
  else // a copy; the wait then finds it done
    communicationOf(rank, state.next).end = now;
}

//===----------------------------------------------------------------------===//
// Communication
//===----------------------------------------------------------------------===//

void Player::beginMessage(const Message &message, Communication &state) {
  traffic[{message.sender, message.receiver}] += bytesOf(message);
  if (options.progress == Progress::InWaits)
    return;
  Link link = machine.linkBetween(message.sender, message.receiver);
  double &free = linkFree[{message.sender, message.receiver}];
  state.begin = std::max(now, free);
  free = state.begin + bytesOf(message) / link.bytesPerSecond;
  state.end = free + link.latencySeconds;
  CommunicationOpInterface op = timelines.eventsOf(message.sender)[message.sendStart].communication();
  Span span = spanOf(SpanKind::Communication, op);
  span.begin = state.begin;
  span.end = state.end;
  span.overlapped = true;
  record(message.sender, span);
}

void Player::beginCollective(const Collective &collective, Communication &state) {
  SmallVector<int64_t> members = membersOf(collective);
  CommunicationOpInterface op =
      timelines.eventsOf(collective.firstRank)[collective.starts.front()].communication();
  uint64_t bytes = op.getPayloadBytes();
  double &free = groupFree[{collective.axis, collective.firstRank}];
  state.begin = std::max(now, free);
  const CommunicationForm &form = op.getRow().form;
  int64_t root = op.getRootCoordinate().value_or(0);
  free = state.end = state.begin + machine.collectiveSeconds(form, members, root, bytes);
  for (const LinkTraffic &sent : trafficOf(form, members, root, bytes))
    traffic[{sent.from, sent.to}] += sent.bytes;
  for (int64_t member : members) {
    if (options.progress == Progress::InWaits)
      continue;
    Span span = spanOf(SpanKind::Communication, op);
    span.begin = state.begin;
    span.end = state.end;
    span.overlapped = true;
    record(member, span);
  }
}

/// The rank starts what is next.
void Player::arrive(int64_t rank) {
  const Event &event = nextOf(rank);
  unsigned index = timelines.communicationOf(rank, ranks[rank].next);
  if (event.traffic != Traffic::Collective) {
    if (++messages[index].arrived == 2)
      beginMessage(timelines.getMessages()[index], messages[index]);
    return;
  }
  const Collective &collective = timelines.getCollectives()[index];
  Communication &state = collectives[index];
  state.waitedFor |= event.kind == EventKind::Immediate;
  if (++state.arrived == static_cast<int64_t>(collective.starts.size()) &&
      (options.progress == Progress::Asynchronous || state.waitedFor))
    beginCollective(collective, state);
}

/// When a blocked rank can go on, as far as is known now.
double Player::readyAt(int64_t rank) {
  const Event &event = nextOf(rank);
  Communication &state = communicationOf(rank, ranks[rank].next);
  bool copies = options.progress == Progress::InWaits && event.traffic == Traffic::Receive;
  if (copies && state.arrived == 2)
    return now;
  return state.end;
}

void Player::block(int64_t rank) {
  ranks[rank].state = State::Blocked;
  ranks[rank].blockedSince = now;
}

void Player::unblock(int64_t rank, const Communication &state) {
  const Event &event = nextOf(rank);
  ranks[rank].state = State::Ready;
  CommunicationOpInterface start = timelines.roleOf(rank).communicationOf(event);
  Span wait = spanOf(SpanKind::Wait, start);
  wait.begin = ranks[rank].blockedSince;
  wait.end = now;
  bool works = options.progress == Progress::InWaits && event.traffic == Traffic::Collective;
  if (works) // it has helped since the collective began
    wait.end = std::max(wait.begin, state.begin);
  if (wait.seconds() > 0)
    record(rank, wait);
  if (!works)
    return;
  Span work = spanOf(SpanKind::Communication, start);
  work.begin = wait.end;
  work.end = now;
  record(rank, work);
}

/// True if what the rank waits for is over; else it copies, or is blocked.
bool Player::waitFor(int64_t rank) {
  const Event &event = nextOf(rank);
  unsigned index = timelines.communicationOf(rank, ranks[rank].next);
  Communication &state = communicationOf(rank, ranks[rank].next);
  if (state.end <= now)
    return true;
  bool inWaits = options.progress == Progress::InWaits;
  if (inWaits && event.traffic == Traffic::Receive && state.arrived == 2) {
    CommunicationOpInterface start = timelines.roleOf(rank).communicationOf(event);
    startWork(rank, copySeconds(timelines.getMessages()[index]),
              spanOf(SpanKind::Communication, start));
    return false;
  }
  if (inWaits && event.traffic == Traffic::Collective && !state.waitedFor) {
    state.waitedFor = true;
    const Collective &collective = timelines.getCollectives()[index];
    if (state.arrived == static_cast<int64_t>(collective.starts.size()))
      beginCollective(collective, state);
  }
  block(rank);
  return false;
}

//===----------------------------------------------------------------------===//
// The play
//===----------------------------------------------------------------------===//

/// One move of a rank; false if it has none now.
bool Player::step(int64_t rank) {
  Rank &state = ranks[rank];
  if (state.state == State::Blocked && readyAt(rank) <= now) {
    unblock(rank, communicationOf(rank, state.next));
    return true;
  }
  if (state.state != State::Ready)
    return false;
  if (state.next == timelines.eventsOf(rank).size()) {
    state.state = State::Ended;
    return true;
  }
  const Event &event = nextOf(rank);
  if (event.kind == EventKind::Run) {
    auto run = cast<dist::RunOp>(event.op);
    auto fragment = SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(run, run.getFragmentAttr());
    Span span{workOf(fragment), run.getFragment().str(), static_cast<int64_t>(fragment.getStage().value_or(-1))};
    span.microbatch = run.getMicrobatch().value_or(-1);
    startWork(rank, machine.runSeconds(rank, run), span);
    return true;
  }
  if (event.kind != EventKind::Wait && !state.entered) {
    arrive(rank);
    state.entered = true;
  }
  if (event.kind != EventKind::Start && !waitFor(rank))
    return true;
  ++state.next;
  state.entered = false;
  return true;
}

/// All moves that take no time.
void Player::settle() {
  for (bool moved = true; moved;) {
    moved = false;
    for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
      while (step(rank))
        moved = true;
  }
  adjustRate();
}

FailureOr<Simulation> Player::run() {
  while (true) {
    settle();
    double next = never;
    for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
      if (ranks[rank].state == State::Working)
        next = std::min(next, ranks[rank].workEnd);
      else if (ranks[rank].state == State::Blocked)
        next = std::min(next, readyAt(rank));
    if (next == never)
      break;
    now = next;
    for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
      if (ranks[rank].state == State::Working && ranks[rank].workEnd <= now)
        finishWork(rank);
  }
  for (int64_t rank = 0; rank < timelines.ranks(); ++rank)
    if (ranks[rank].state != State::Ended)
      return nextOf(rank).op->emitOpError("of rank ")
             << rank << " waits forever; dtc-verify-communication says for whom";
  result.timetable.stepSeconds = now;
  for (auto [ends, bytes] : traffic)
    result.links.push_back({ends.first, ends.second, bytes});
  return std::move(result);
}

FailureOr<Simulation> dtc::simulate(const PhaseTimelines &timelines, const MachineModel &machine,
                                    const SimulationOptions &options) {
  return Player(timelines, machine, options).run();
}

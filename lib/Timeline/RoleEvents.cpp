// Reads the events of a timeline, with the checks that need one timeline alone.
#include "dtc/Timeline/RoleEvents.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::timeline;

LogicalResult dtc::timeline::checkSynchronous(dist::FragmentOp fragment) {
  auto isPending = [](Type type) { return isa<dist::PendingType>(type); };
  if (llvm::any_of(fragment.getArgumentTypes(), isPending) ||
      llvm::any_of(fragment.getResultTypes(), isPending))
    return fragment.emitOpError("passes communication under way; asynchronous "
                                "communication stands in timelines alone");
  WalkResult result = fragment.walk([&](Operation *op) {
    if (op == fragment || (llvm::none_of(op->getOperandTypes(), isPending) &&
                           llvm::none_of(op->getResultTypes(), isPending)))
      return WalkResult::advance();
    op->emitOpError("stands in fragment '")
        << fragment.getName()
        << "'; asynchronous communication stands in timelines alone";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

SpanKind dtc::timeline::workOf(dist::FragmentOp fragment) {
  std::optional<dist::FragmentKind> kind = fragment.getKind();
  return kind ? *workNamed(dist::stringifyFragmentKind(*kind)) : SpanKind::Forward;
}

bool RoleEvents::covers(const Mesh &mesh, int64_t rank) const {
  return llvm::all_of(at, [&](auto place) {
    return mesh.coordinate(rank, place.first) == place.second;
  });
}

namespace {
/// Collects one timeline's events in order.
class EventReader {
public:
  EventReader(RoleEvents &role, const Mesh &mesh, SymbolTable &symbols)
      : role(role), mesh(mesh), symbols(symbols) {}
  LogicalResult run();

private:
  LogicalResult readPlace();
  LogicalResult read(Operation &op);
  LogicalResult readWait(dist::WaitOp wait);
  LogicalResult readFragment(dist::RunOp run);
  LogicalResult readCollective(CommunicationOpInterface op, bool inFragment);
  LogicalResult readMessage(CommunicationOpInterface op, Traffic traffic);
  void start(Event event);

  RoleEvents &role;
  const Mesh &mesh;
  SymbolTable &symbols;
  /// Starts that are not awaited yet, in order: indices of events.
  SmallVector<unsigned> underWay;
  /// The event of each start.
  DenseMap<Operation *, unsigned> starts;
};
} // namespace

LogicalResult EventReader::readPlace() {
  Attribute attribute = role.timeline->getAttr(dist::names::at);
  if (!attribute)
    return success();
  auto place = dyn_cast<DictionaryAttr>(attribute);
  if (!place)
    return role.timeline.emitOpError("needs in '")
           << dist::names::at << "' a coordinate for each axis, as in {pipe = 0}";
  for (NamedAttribute entry : place) {
    std::optional<unsigned> axis = mesh.axisNamed(entry.getName());
    auto coordinate = dyn_cast<IntegerAttr>(entry.getValue());
    if (!axis || !coordinate || coordinate.getInt() < 0 ||
        coordinate.getInt() >= mesh.axes[*axis].size)
      return role.timeline.emitOpError("is at ")
             << entry.getName().getValue() << " = " << entry.getValue()
             << ", which is no place of the mesh";
    role.at.push_back({*axis, coordinate.getInt()});
  }
  return success();
}

void EventReader::start(Event event) {
  starts[event.op] = role.events.size();
  underWay.push_back(role.events.size());
  role.events.push_back(event);
}

LogicalResult EventReader::readCollective(CommunicationOpInterface op, bool inFragment) {
  std::optional<unsigned> axis = mesh.axisNamed(op.getAxis());
  if (!axis)
    return op.emitOpError("combines over '") << op.getAxis() << "', which is no axis of the mesh (" << mesh.names() << ")";
  if (std::string misfit = op.getMisfit(mesh.axes[*axis].size); !misfit.empty())
    return op.emitOpError("over '") << op.getAxis() << "' does not fit: " << misfit;
  Event event{op.isStarted() ? EventKind::Start : EventKind::Immediate, Traffic::Collective, op, *axis};
  event.inFragment = inFragment;
  if (op.isStarted())
    start(event);
  else
    role.events.push_back(event);
  return success();
}

LogicalResult EventReader::readMessage(CommunicationOpInterface op, Traffic traffic) {
  StringRef verb = traffic == Traffic::Send ? "sends to " : "receives from ", name = op.getAxis();
  std::optional<unsigned> axis = mesh.axisNamed(name);
  if (!axis)
    return op.emitOpError(verb) << "another rank over '" << name << "', which is no axis of the mesh ("
                                << mesh.names() << ")";
  int64_t peer = *op.getPeerCoordinate();
  if (peer >= mesh.axes[*axis].size)
    return op.emitOpError(verb) << name << " = " << peer << ", but '" << name << "' has "
                                << mesh.axes[*axis].size << " ranks";
  auto place = llvm::find_if(role.at, [&](auto entry) { return entry.first == *axis; });
  if (place == role.at.end() || place->second == peer) {
    InFlightDiagnostic diagnostic = op.emitOpError(verb) << name << " = " << peer << ", where it runs itself";
    diagnostic.attachNote(role.timeline.getLoc())
        << (place == role.at.end() ? "this timeline is that of all ranks along '"
                                   : "this timeline is at that place of '")
        << name << "'";
    return diagnostic;
  }
  Event event{EventKind::Start, traffic, op, *axis};
  event.peer = peer;
  start(event);
  return success();
}

LogicalResult EventReader::readWait(dist::WaitOp wait) {
  auto found = starts.find(wait.getPending().getDefiningOp());
  if (found == starts.end())
    return wait.emitOpError("waits for what this timeline did not start");
  unsigned index = found->second;
  Event &start = role.events[index];
  auto place = llvm::find(underWay, index);
  if (place == underWay.end()) {
    InFlightDiagnostic diagnostic = wait.emitOpError("waits for ")
        << describe(start.communication()) << " a second time";
    diagnostic.attachNote(role.events[start.partner].op->getLoc()) << "the first wait";
    return diagnostic;
  }
  // Where ranks make progress in collectives only in waits, another order on
  // another rank would hang; the order of the starts is the one that all can keep.
  auto earlier = std::find_if(underWay.begin(), place, [&](unsigned other) {
    return role.events[other].traffic == Traffic::Collective;
  });
  if (start.traffic == Traffic::Collective && earlier != place) {
    Operation *first = role.events[*earlier].op;
    InFlightDiagnostic diagnostic = wait.emitOpError("waits for ")
        << describe(start.communication()) << " before " << describe(role.events[*earlier].communication())
        << ", which started earlier";
    diagnostic.attachNote(first->getLoc()) << "started here";
    return diagnostic;
  }
  underWay.erase(place);
  start.partner = role.events.size();
  Event event{EventKind::Wait, start.traffic, wait, start.axis};
  event.partner = index;
  event.peer = start.peer;
  role.events.push_back(event);
  return success();
}

LogicalResult EventReader::readFragment(dist::RunOp run) {
  role.events.push_back({EventKind::Run, Traffic::None, run});
  auto fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
  WalkResult result = fragment.walk(
      [&](CommunicationOpInterface collective) { return WalkResult(readCollective(collective, true)); });
  return failure(result.wasInterrupted());
}

LogicalResult EventReader::read(Operation &op) {
  if (auto run = dyn_cast<dist::RunOp>(op))
    return readFragment(run);
  if (auto communication = dyn_cast<CommunicationOpInterface>(op)) {
    if (communication.isCollective())
      return readCollective(communication, false);
    bool sends = communication.getCommunicationKind() == CommunicationKind::Send;
    return readMessage(communication, sends ? Traffic::Send : Traffic::Receive);
  }
  if (auto wait = dyn_cast<dist::WaitOp>(op))
    return readWait(wait);
  return success();
}

LogicalResult EventReader::run() {
  if (failed(readPlace()))
    return failure();
  for (Operation &op : role.timeline.getBody().front())
    if (failed(read(op)))
      return failure();
  if (underWay.empty())
    return success();
  CommunicationOpInterface forgotten = role.events[underWay.front()].communication();
  InFlightDiagnostic diagnostic = forgotten.emitOpError("of ")
      << describe(forgotten) << " is never awaited";
  diagnostic.attachNote(role.timeline.getReturn().getLoc()) << "the timeline ends here";
  return diagnostic;
}

FailureOr<RoleEvents> RoleEvents::of(dist::TimelineOp timeline, const Mesh &mesh,
                                     SymbolTable &symbols) {
  RoleEvents role;
  role.timeline = timeline;
  if (failed(EventReader(role, mesh, symbols).run()))
    return failure();
  return role;
}

// Reads the mesh and the events of timelines, with the checks that need one
// timeline alone.
#include "RankEvents.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

/// More than any machine has; the play visits every rank.
static constexpr int64_t maxRanks = 1 << 20;

FailureOr<Mesh> Mesh::of(ModuleOp module) {
  auto grid = dyn_cast_or_null<shard::GridOp>(
      SymbolTable::lookupSymbolIn(module, dist::names::mesh));
  if (!grid)
    return module.emitError("has no mesh: no 'shard.grid @")
           << dist::names::mesh << "'";
  auto axes = grid->getAttrOfType<ArrayAttr>(dist::names::axes);
  if (!axes || axes.size() != grid.getShape().size() ||
      !llvm::all_of(axes, llvm::IsaPred<StringAttr>))
    return grid.emitOpError("needs in '")
           << dist::names::axes << "' a name for each of its "
           << grid.getShape().size() << " axes";
  Mesh mesh;
  int64_t ranks = 1;
  for (auto [name, size] : llvm::zip_equal(axes.getAsRange<StringAttr>(), grid.getShape())) {
    if (mesh.axisNamed(name.getValue()))
      return grid.emitOpError("has two axes named '") << name.getValue() << "'";
    if (size < 1 || size > maxRanks || (ranks *= size) > maxRanks)
      return grid.emitOpError("must have from 1 to ") << maxRanks << " ranks";
    mesh.axes.push_back(name.str());
    mesh.shape.push_back(size);
  }
  return mesh;
}

int64_t Mesh::ranks() const {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

int64_t Mesh::stride(unsigned axis) const {
  int64_t product = 1;
  for (int64_t size : ArrayRef(shape).drop_front(axis + 1))
    product *= size;
  return product;
}

std::optional<unsigned> Mesh::axisNamed(StringRef name) const {
  for (auto [index, axis] : llvm::enumerate(axes))
    if (axis == name)
      return index;
  return std::nullopt;
}

LogicalResult dtc::partition::checkSynchronous(dist::FragmentOp fragment) {
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

bool RoleEvents::covers(const Mesh &mesh, int64_t rank) const {
  return llvm::all_of(at, [&](auto place) {
    return mesh.coordinate(rank, place.first) == place.second;
  });
}

std::string dtc::partition::differenceOf(Operation *a, Operation *b) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (a->getName() != b->getName()) {
    os << "'" << b->getName() << "' against '" << a->getName() << "'";
    return text;
  }
  auto compare = [&](StringRef what, auto ofA, auto ofB) {
    if (text.empty() && ofA != ofB)
      os << what << " " << ofB << " against " << ofA;
  };
  auto reduction = [](auto op) { return stringifyReduction(op.getReduction()); };
  if (auto startA = dyn_cast<dist::AllReduceStartOp>(a)) {
    auto startB = cast<dist::AllReduceStartOp>(b);
    compare("bucket", startA.getBucketAttr(), startB.getBucketAttr());
    compare("reduction", reduction(startA), reduction(startB));
  } else if (auto reduceA = dyn_cast<dist::AllReduceOp>(a)) {
    compare("reduction", reduction(reduceA), reduction(cast<dist::AllReduceOp>(b)));
  }
  compare("types", ValueRange(a->getOperands()).getTypes(), ValueRange(b->getOperands()).getTypes());
  return text;
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
  LogicalResult readWait(dist::WaitOp wait);
  LogicalResult readFragment(dist::RunOp run);
  LogicalResult add(EventKind kind, Operation *op, StringRef axisName, bool inFragment);

  RoleEvents &role;
  const Mesh &mesh;
  SymbolTable &symbols;
  /// Started and not awaited yet, in order.
  SmallVector<dist::AllReduceStartOp> underWay;
  DenseMap<Operation *, dist::WaitOp> awaited;
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
        coordinate.getInt() >= mesh.shape[*axis])
      return role.timeline.emitOpError("is at ")
             << entry.getName().getValue() << " = " << entry.getValue()
             << ", which is no place of the mesh";
    role.at.push_back({*axis, coordinate.getInt()});
  }
  return success();
}

LogicalResult EventReader::add(EventKind kind, Operation *op, StringRef axisName,
                               bool inFragment) {
  std::optional<unsigned> axis = mesh.axisNamed(axisName);
  if (!axis)
    return op->emitOpError("combines over '")
           << axisName << "', which is no axis of the mesh ("
           << llvm::join(mesh.axes, ", ") << ")";
  role.events.push_back({kind, op, *axis, nullptr, inFragment});
  return success();
}

LogicalResult EventReader::readWait(dist::WaitOp wait) {
  auto start = wait.getPending().getDefiningOp<dist::AllReduceStartOp>();
  if (!start)
    return wait.emitOpError("waits for what this timeline did not start");
  auto [first, inserted] = awaited.try_emplace(start, wait);
  if (!inserted) {
    InFlightDiagnostic diagnostic = wait.emitOpError("waits for bucket '")
        << start.getBucket() << "' a second time";
    diagnostic.attachNote(first->second.getLoc()) << "the first wait";
    return diagnostic;
  }
  // Where ranks make progress only in waits, another order on another rank
  // would hang; the order of the starts is the one that all can keep.
  if (underWay.front() != start) {
    InFlightDiagnostic diagnostic = wait.emitOpError("waits for bucket '")
        << start.getBucket() << "' before bucket '"
        << underWay.front().getBucket() << "', which started earlier";
    diagnostic.attachNote(underWay.front().getLoc()) << "started here";
    return diagnostic;
  }
  underWay.erase(underWay.begin());
  role.events.push_back({EventKind::Wait, wait, *mesh.axisNamed(start.getAxis()), start});
  return success();
}

LogicalResult EventReader::readFragment(dist::RunOp run) {
  auto fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
  WalkResult result = fragment.walk([&](dist::AllReduceOp reduce) {
    return WalkResult(add(EventKind::Immediate, reduce, reduce.getAxis(), true));
  });
  return failure(result.wasInterrupted());
}

LogicalResult EventReader::run() {
  if (failed(readPlace()))
    return failure();
  for (Operation &op : role.timeline.getBody().front()) {
    LogicalResult result = success();
    if (auto start = dyn_cast<dist::AllReduceStartOp>(op)) {
      underWay.push_back(start);
      result = add(EventKind::Start, start, start.getAxis(), false);
    } else if (auto reduce = dyn_cast<dist::AllReduceOp>(op)) {
      result = add(EventKind::Immediate, reduce, reduce.getAxis(), false);
    } else if (auto wait = dyn_cast<dist::WaitOp>(op)) {
      result = readWait(wait);
    } else if (auto run = dyn_cast<dist::RunOp>(op)) {
      result = readFragment(run);
    }
    if (failed(result))
      return failure();
  }
  if (underWay.empty())
    return success();
  InFlightDiagnostic diagnostic = underWay.front().emitOpError("of bucket '")
      << underWay.front().getBucket() << "' is never awaited";
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

// Draws partitioned programs.
#include "dtc/Explain/PartitionDot.h"

#include "Escape.h"

#include "dtc/Cost/Cost.h"
#include "dtc/Cost/Quantities.h"
#include "dtc/Timeline/PhaseTimelines.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;
using namespace dtc;
using namespace dtc::explain;
using namespace dtc::timeline;

namespace {

constexpr int64_t nowhere = -1;

/// Where a value comes from: a node, and the message that brings it.
struct Source {
  int64_t node = nowhere;
  std::string message;
};

/// A fragment of a role: its layers, each one node.
struct FragmentNodes {
  dist::FragmentOp fragment;
  int64_t runs = 0;
  /// By the layer's name: the node.
  llvm::MapVector<StringAttr, int64_t> layers;
};

class PartitionDrawing {
public:
  PartitionDrawing(const PhaseTimelines &timelines, SymbolTable &symbols)
      : timelines(timelines), symbols(symbols) {}
  void draw(raw_ostream &os, StringRef title);

private:
  void collect();
  void collectFragment(unsigned role, dist::RunOp run);
  void connectInside(FragmentNodes &nodes);
  void connectRun(unsigned role, dist::RunOp run);
  void connectCollectives();
  void connect(const Source &source, int64_t to);
  Source sourceOf(Value value);
  int64_t nodeOf(Operation *collective) const {
    auto found = collectiveNodes.find(collective);
    return found == collectiveNodes.end() ? nowhere : found->second;
  }
  int64_t layerNode(FragmentNodes &nodes, Operation *op);
  FragmentNodes &nodesOf(dist::RunOp run);
  void drawRole(raw_ostream &os, unsigned role);
  void drawFragment(raw_ostream &os, unsigned role, FragmentNodes &nodes);

  const PhaseTimelines &timelines;
  SymbolTable &symbols;
  int64_t nodeCount = 0, clusterCount = 0;
  /// By role.
  std::vector<llvm::MapVector<StringRef, FragmentNodes>> fragments;
  DenseMap<Operation *, unsigned> roleOfTimeline;
  /// The start of a receive: that of the send.
  DenseMap<Operation *, Operation *> sends;
  /// The starts of one collective are one node.
  DenseMap<Operation *, int64_t> collectiveNodes;
  llvm::MapVector<int64_t, std::string> collectiveLabels; // by node
  /// From, to and label: how often.
  using Edge = std::tuple<int64_t, int64_t, std::string>;
  llvm::MapVector<Edge, int64_t, std::map<Edge, unsigned>> edges;
  llvm::DenseSet<Value> visiting;
};

} // namespace

/// The layer that an op belongs to, or what the op does.
static StringAttr layerOf(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName();
  return StringAttr::get(op->getContext(), op->getName().stripDialect());
}

int64_t PartitionDrawing::layerNode(FragmentNodes &nodes, Operation *op) {
  auto [entry, isNew] = nodes.layers.insert({layerOf(op), nodeCount});
  nodeCount += isNew;
  return entry->second;
}

FragmentNodes &PartitionDrawing::nodesOf(dist::RunOp run) {
  unsigned role = roleOfTimeline[run->getParentOp()];
  return fragments[role].find(run.getFragment())->second;
}

void PartitionDrawing::collectFragment(unsigned role, dist::RunOp run) {
  FragmentNodes &nodes = fragments[role][run.getFragment()];
  if (nodes.runs++ > 0)
    return;
  nodes.fragment = symbols.lookup<dist::FragmentOp>(run.getFragment());
  for (Operation &op : nodes.fragment.getBody().front().without_terminator())
    if (!op.hasTrait<OpTrait::ConstantLike>())
      layerNode(nodes, &op);
  // One that only hands on, or only makes constants, shows itself.
  if (nodes.layers.empty())
    nodes.layers[run.getFragmentAttr().getAttr()] = nodeCount++;
  connectInside(nodes);
}

void PartitionDrawing::collect() {
  fragments.resize(timelines.getRoles().size());
  for (auto [role, events] : llvm::enumerate(timelines.getRoles())) {
    roleOfTimeline[events.timeline] = role;
    for (const Event &event : events.events)
      if (auto run = dyn_cast<dist::RunOp>(event.op); run && event.kind == EventKind::Run)
        collectFragment(role, run);
  }
  for (const Message &message : timelines.getMessages())
    sends.try_emplace(timelines.eventsOf(message.receiver)[message.recvStart].op,
                      timelines.eventsOf(message.sender)[message.sendStart].op);
  for (const Collective &collective : timelines.getCollectives()) {
    int64_t node = nowhere;
    for (size_t i = 0; i < collective.starts.size(); ++i) {
      int64_t rank = timelines.getMesh().rankAt(collective.firstRank, collective.axis, i);
      const Event &event = timelines.eventsOf(rank)[collective.starts[i]];
      if (event.inFragment)
        continue; // a node of its fragment
      if (node == nowhere) {
        auto known = collectiveNodes.find(event.op);
        node = known == collectiveNodes.end() ? nodeCount++ : known->second;
      }
      collectiveNodes[event.op] = node;
      CommunicationOpInterface communication = event.communication();
      collectiveLabels[node] = communication.getRow().word.str() + " " + describe(communication) + "\nover " +
                               timelines.getMesh().axes[event.axis].name + ", " +
                               formatBytes(communication.getPayloadBytes());
    }
  }
}

void PartitionDrawing::connect(const Source &source, int64_t to) {
  if (source.node != nowhere && source.node != to)
    ++edges[{source.node, to, source.message}];
}

/// Edges between the layers of a fragment, each once.
void PartitionDrawing::connectInside(FragmentNodes &nodes) {
  llvm::SetVector<std::pair<int64_t, int64_t>> inside;
  for (Operation &op : nodes.fragment.getBody().front().without_terminator())
    for (Value operand : op.getOperands()) {
      Operation *maker = operand.getDefiningOp();
      if (maker && !maker->hasTrait<OpTrait::ConstantLike>() &&
          !op.hasTrait<OpTrait::ConstantLike>())
        inside.insert({layerNode(nodes, maker), layerNode(nodes, &op)});
    }
  for (const auto &[from, to] : inside)
    connect({from, ""}, to);
}

/// Where a value of a timeline was made; nowhere for what the step is given.
Source PartitionDrawing::sourceOf(Value value) {
  Operation *maker = value.getDefiningOp();
  // A circle of messages hangs; it is not drawn here.
  if (!maker || !visiting.insert(value).second)
    return {};
  Source source;
  if (auto run = dyn_cast<dist::RunOp>(maker)) {
    FragmentNodes &nodes = nodesOf(run);
    Value made = nodes.fragment.getReturn().getValues()[cast<OpResult>(value).getResultNumber()];
    if (auto argument = dyn_cast<BlockArgument>(made))
      source = sourceOf(run.getOperands()[argument.getArgNumber()]);
    else if (!made.getDefiningOp()->hasTrait<OpTrait::ConstantLike>())
      source = {layerNode(nodes, made.getDefiningOp()), ""};
  } else if (auto wait = dyn_cast<dist::WaitOp>(maker)) {
    Operation *start = wait.getPending().getDefiningOp();
    if (auto send = dyn_cast_or_null<CommunicationOpInterface>(sends.lookup(start))) {
      source = sourceOf(send.getSources().front());
      source.message = (send.getLabel() + "\n" + formatBytes(send.getPayloadBytes())).str();
    } else {
      source.node = nodeOf(start);
    }
  } else if (isa<CommunicationOpInterface>(maker)) {
    source.node = nodeOf(maker);
  }
  visiting.erase(value);
  return source;
}

void PartitionDrawing::connectRun(unsigned role, dist::RunOp run) {
  FragmentNodes &nodes = nodesOf(run);
  Block &body = nodes.fragment.getBody().front();
  for (auto [operand, argument] : llvm::zip_equal(run.getOperands(), body.getArguments())) {
    Source source = sourceOf(operand);
    llvm::SetVector<int64_t> users;
    for (Operation *user : argument.getUsers())
      if (!isa<dist::ReturnOp>(user))
        users.insert(layerNode(nodes, user));
    // Whatever takes it, a message is to be seen.
    if (users.empty() && !source.message.empty())
      users.insert(nodes.layers.front().second);
    for (int64_t user : users)
      connect(source, user);
  }
}

void PartitionDrawing::connectCollectives() {
  for (const RoleEvents &role : timelines.getRoles())
    for (const Event &event : role.events)
      if (event.traffic == Traffic::Collective && event.kind != EventKind::Wait &&
          !event.inFragment)
        for (Value value : event.op->getOperands())
          connect(sourceOf(value), nodeOf(event.op));
}

void PartitionDrawing::drawFragment(raw_ostream &os, unsigned role, FragmentNodes &nodes) {
  Cost cost = costOf(nodes.fragment.getBody());
  os << "    subgraph cluster_" << clusterCount++ << " {\n      label=\""
     << escapeDot(nodes.fragment.getName());
  if (nodes.runs > 1)
    os << ", " << nodes.runs << " times";
  os << "\\n" << formatFlops(cost.flops) << "\";\n      style=\"filled,rounded\"; color=\"#f2f2f2\";\n";
  for (const auto &[layer, node] : nodes.layers)
    os << "      n" << node << " [label=\"" << escapeDot(layer.getValue()) << "\"];\n";
  os << "    }\n";
}

void PartitionDrawing::drawRole(raw_ostream &os, unsigned role) {
  dist::TimelineOp timeline = timelines.getRoles()[role].timeline;
  os << "  subgraph cluster_" << clusterCount++ << " {\n    label=\""
     << escapeDot(timeline.getRole());
  StringRef separator = ": ";
  for (auto [axis, coordinate] : timelines.getRoles()[role].at) {
    os << separator << escapeDot(timelines.getMesh().axes[axis].name) << " " << coordinate;
    separator = ", ";
  }
  os << "\";\n    color=\"#888888\";\n";
  for (auto &[name, nodes] : fragments[role])
    drawFragment(os, role, nodes);
  os << "  }\n";
}

void PartitionDrawing::draw(raw_ostream &os, StringRef title) {
  collect();
  for (auto [role, events] : llvm::enumerate(timelines.getRoles()))
    for (const Event &event : events.events)
      if (event.kind == EventKind::Run)
        connectRun(role, cast<dist::RunOp>(event.op));
  connectCollectives();
  os << "digraph partition {\n  label=\"" << escapeDot(title)
     << "\";\n  labelloc=t;\n  fontname=\"sans-serif\";\n"
        "  node [shape=box, style=\"filled,rounded\", fillcolor=white, fontname=\"sans-serif\", "
        "fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=9];\n";
  for (unsigned role = 0; role < fragments.size(); ++role)
    drawRole(os, role);
  for (const auto &[node, label] : collectiveLabels)
    os << "  n" << node << " [shape=ellipse, fillcolor=\"#f6d9b8\", label=\"" << escapeDot(label)
       << "\"];\n";
  for (const auto &[edge, count] : edges) {
    const auto &[from, to, message] = edge;
    os << "  n" << from << " -> n" << to;
    if (!message.empty()) {
      os << " [penwidth=2, color=\"#c06010\", label=\"" << escapeDot(message);
      if (count > 1)
        os << " × " << count;
      os << "\"]";
    } else if (collectiveLabels.count(from) || collectiveLabels.count(to)) {
      os << " [style=dashed]";
    }
    os << ";\n";
  }
  os << "}\n";
}

LogicalResult dtc::explain::drawPartition(raw_ostream &os, ModuleOp module, StringRef phase) {
  FailureOr<PhaseTimelines> timelines = PhaseTimelines::of(module, phase);
  if (failed(timelines))
    return failure();
  SymbolTable symbols(module);
  dist::TimelineOp first = timelines->getRoles().front().timeline;
  auto model = first->getAttrOfType<StringAttr>("nn.model");
  PartitionDrawing(*timelines, symbols).draw(os, model ? model.getValue() : phase);
  return success();
}

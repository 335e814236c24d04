// The translation unit: header, kernels, buffers, fragments, timelines, main.
#include "Literals.h"
#include "Printer.h"

#include "dtc/Cost/Quantities.h"
#include "dtc/Emit/Emit.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

std::string dtc::emit::describeStrategy(rt::ProgramOp program) {
  std::string text;
  for (auto [axis, size] : llvm::zip_equal(
           program.getAxes().getAsValueRange<StringAttr>(), program.getMesh())) {
    if (size == 1)
      continue;
    text += (text.empty() ? "" : " x ") + axis.str() + " parallel on " +
            std::to_string(size) + " devices";
  }
  return text.empty() ? "one device" : text;
}

static rt::TimelineOp timelineOf(rt::ProgramOp program, StringRef phase) {
  for (auto timeline : program.getOps<rt::TimelineOp>())
    if (timeline.getPhase() == phase)
      return timeline;
  return {};
}

/// `[head][bucket0 >][tail][bucket0 .]…`: the step at a glance.
static std::string sketch(rt::TimelineOp timeline) {
  std::string text;
  for (Operation &op : timeline.getBody().front()) {
    if (auto run = dyn_cast<rt::RunOp>(op))
      text += (text.empty() ? "" : " -> ") + run.getFragment().str();
    if (auto start = dyn_cast<rt::AllReduceStartOp>(op))
      text += " -> (" + makeIdentifier(start.getName()) + " starts)";
    if (auto wait = dyn_cast<rt::WaitOp>(op))
      text += " -> (" +
              makeIdentifier(wait.getPending()
                                 .getDefiningOp<rt::AllReduceStartOp>().getName()) +
              " arrives)";
  }
  return text;
}

static void printHeader(Printer &printer) {
  rt::ProgramOp program = printer.program;
  llvm::raw_ostream &os = printer.os;
  int64_t communicated = 0, buckets = 0;
  rt::TimelineOp train = timelineOf(program, "train");
  for (auto start : train.getOps<rt::AllReduceStartOp>()) {
    ++buckets;
    communicated += rt::bytesOf(cast<MemRefType>(start.getBuffer().getType()));
  }
  os << "// " << forComment(program.getModel()) << ", " << describeStrategy(program)
     << ". Made by dtc; yours to read and to change.\n"
     << "//\n"
     << "//   global batch        " << program.getBatch() << " samples, "
     << program.getLocalBatch() << " on each rank\n"
     << "//   per rank and step   " << formatFlops(train.getFlops()) << ", "
     << formatBytes(*program.getArena()) << " arena";
  if (buckets)
    os << ", all-reduce of " << formatBytes(communicated) << " in " << buckets
       << (buckets == 1 ? " bucket" : " buckets");
  os << "\n//   a step              " << sketch(train) << "\n"
     << "#include <dtcrt/program.h>\n"
     << "using namespace dtcrt;\n\n"
     << "namespace {\n\n";
}

/// The layers whose ops stand in a fragment, for the comment above it.
static std::string layersOf(rt::FragmentOp fragment) {
  llvm::SetVector<StringRef> layers;
  auto collect = [&](auto &&self, Location location) -> void {
    if (auto name = dyn_cast<NameLoc>(location))
      layers.insert(name.getName());
    else if (auto fused = dyn_cast<FusedLoc>(location))
      for (Location part : fused.getLocations())
        self(self, part);
  };
  for (Operation &op : fragment.getBody().front())
    collect(collect, op.getLoc());
  constexpr size_t most = 12;
  std::string text;
  for (StringRef layer : layers.getArrayRef().take_front(most))
    text += (text.empty() ? "" : ", ") + forComment(layer);
  if (layers.size() > most)
    text += ", and " + std::to_string(layers.size() - most) + " more";
  return text;
}

static LogicalResult printFragment(Printer &printer, rt::FragmentOp fragment) {
  std::string layers = layersOf(fragment);
  printer.os << "// " << (layers.empty() ? "" : layers + ": ")
             << formatFlops(fragment.getFlops().convertToDouble()) << ", "
             << formatBytes(fragment.getBytes()) << " read and written.\n"
             << "void " << fragment.getSymName() << "(Context &ctx, Buffers &b) {\n";
  for (Operation &op : fragment.getBody().front())
    if (failed(printCall(printer, &op)))
      return failure();
  printer.os << "}\n\n";
  return success();
}

static LogicalResult printTimeline(Printer &printer, rt::TimelineOp timeline,
                                   StringRef function, StringRef comment) {
  printer.os << "// " << comment << "\nvoid " << function
             << "(Context &ctx, Buffers &b) {\n";
  for (Operation &op : timeline.getBody().front())
    if (failed(printCall(printer, &op)))
      return failure();
  printer.os << "}\n\n";
  return success();
}

LogicalResult dtc::emit::emitProgram(rt::ProgramOp program,
                                     llvm::raw_ostream &os) {
  if (!program.getArena())
    return program.emitOpError("has no memory plan: run dtc-plan-memory first");
  rt::TimelineOp train = timelineOf(program, "train");
  if (!train)
    return program.emitOpError("has no timeline of the phase 'train'");
  rt::TimelineOp evaluate = timelineOf(program, "evaluate");

  Printer printer(program, os);
  printHeader(printer);
  for (auto kernel : program.getOps<rt::KernelOp>())
    if (failed(printKernel(printer, kernel)))
      return failure();
  if (failed(printBuffers(printer)))
    return failure();
  for (auto fragment : program.getOps<rt::FragmentOp>())
    if (failed(printFragment(printer, fragment)))
      return failure();
  if (failed(printTimeline(printer, train, "step", "What one rank does in one step.")))
    return failure();
  if (evaluate &&
      failed(printTimeline(printer, evaluate, "evaluate",
                           "Loss and correct samples of one batch, for evaluation.")))
    return failure();
  printPlan(printer);
  printBinding(printer);
  os << "} // namespace\n\n"
     << "int main(int argc, char **argv) { return run<Buffers>(argc, argv, plan(), bind, step"
     << (evaluate ? ", evaluate" : "") << "); }\n";
  return success();
}

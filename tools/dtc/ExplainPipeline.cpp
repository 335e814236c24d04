// The explanation of a pipeline: its cut, and what each stage costs.
#include "Explain.h"
#include "Diagnostics.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dialects/RT/RT.h"
#include "dtc/Cost/Quantities.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc;
using llvm::raw_ostream;

static raw_ostream &line(raw_ostream &os, StringRef label) {
  os << "  " << label;
  return os.indent(label.size() < 14 ? 14 - label.size() : 1);
}

static std::string milliseconds(double seconds) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3f ms", seconds * 1e3);
  return text;
}

static rt::TimelineOp trainOf(rt::ProgramOp program) {
  for (auto timeline : program.getOps<rt::TimelineOp>())
    if (timeline.getPhase() == "train")
      return timeline;
  return {};
}

int64_t dtc::microbatchesOf(rt::ProgramOp program) {
  int64_t count = 1;
  for (auto run : trainOf(program).getOps<rt::RunOp>())
    count = std::max<int64_t>(count, run.getMicrobatch().value_or(0) + 1);
  return count;
}

/// The first rank at the role's place in the mesh.
static int64_t firstRankOf(rt::ProgramOp program) {
  int64_t rank = 0;
  for (auto [axis, size] : llvm::zip_equal(program.getAxes().getAsRange<StringAttr>(),
                                           program.getMesh())) {
    rank *= size;
    if (DictionaryAttr at = program.getAtAttr())
      if (auto place = at.getAs<IntegerAttr>(axis))
        rank += place.getInt();
  }
  return rank;
}

static void printCut(ModuleOp module, raw_ostream &os) {
  auto plan = module->getAttrOfType<DictionaryAttr>(dist::names::stagePlan);
  auto seconds = [&](StringRef name) {
    return cast<FloatAttr>(plan.get(name)).getValueAsDouble();
  };
  double slowest = seconds("slowest_seconds"), bound = seconds("lower_bound_seconds");
  line(os, "cut") << cast<StringAttr>(plan.get("found_by")).getValue() << '\n';
  line(os, "") << "slowest stage " << milliseconds(slowest) << " by the planner's prices; ";
  if (cast<BoolAttr>(plan.get("exact")).getValue())
    os << "no cut is faster\n";
  else
    os << "no cut is faster than " << milliseconds(bound) << " (a gap of "
       << llvm::format("%.1f", bound > 0 ? (slowest / bound - 1) * 100 : 0.0) << " %)\n";
}

/// Layers by name, so many to a line.
static void printLayers(rt::ProgramOp program, raw_ostream &os) {
  constexpr size_t most = 10;
  SmallVector<StringRef> layers;
  llvm::SetVector<StringRef> run;
  for (auto op : trainOf(program).getOps<rt::RunOp>())
    run.insert(op.getFragment());
  for (StringRef name : run) {
    auto fragment = program.lookupSymbol<rt::FragmentOp>(name);
    if (fragment.getKind() == "forward" && fragment.getLayers())
      llvm::append_range(layers, fragment.getLayersAttr().getAsValueRange<StringAttr>());
  }
  llvm::interleaveComma(ArrayRef(layers).take_front(most), os, [&](StringRef layer) { os << dtc::onOneLine(layer); });
  if (layers.size() > most)
    os << ", and " << layers.size() - most << " more";
}

static void printStage(rt::ProgramOp program, const Timetable &predicted, raw_ostream &os) {
  int64_t parameters = 0, parameterBytes = 0, state = 0, kept = 0, slots = 0;
  for (auto buffer : program.getOps<rt::BufferOp>()) {
    if (buffer.getKind() == rt::BufferKind::Parameter) {
      parameters += buffer.getMemory().getType().getNumElements();
      parameterBytes += rt::bytesOf(buffer);
    } else if (buffer.getKind() == rt::BufferKind::State ||
               buffer.getKind() == rt::BufferKind::Statistic) {
      state += rt::bytesOf(buffer);
    } else if (buffer.getSlots()) {
      kept += rt::bytesOf(buffer);
      slots = std::max<int64_t>(slots, *buffer.getSlots());
    }
  }
  rt::TimelineOp train = trainOf(program);
  rt::Volume sent = rt::volumeOf(train, CommunicationKind::Send);
  line(os, program.getSymName());
  printLayers(program, os);
  os << '\n';
  line(os, "") << formatFlops(train.getFlops()) << "; parameters " << parameters << ", "
               << formatBytes(parameterBytes) << "; optimizer state " << formatBytes(state)
               << '\n';
  line(os, "") << "peak memory " << formatBytes(program.getArena().value_or(0));
  if (slots)
    os << "; kept for up to " << slots << (slots == 1 ? " microbatch: " : " microbatches: ")
       << formatBytes(kept) << " (before what never lives together shares memory)";
  os << '\n';
  line(os, "") << "sends " << formatBytes(sent.bytes) << " in " << sent.count
               << (sent.count == 1 ? " message" : " messages");
  for (const CommunicationRow &row : communicationKinds())
    if (rt::Volume volume = rt::volumeOf(train, row.kind); row.isCollective && volume.count)
      os << "; " << row.word << " of " << formatBytes(volume.bytes);
  os << "; busy " << milliseconds(predicted.busySeconds(firstRankOf(program)))
     << " of the predicted step";
  os << '\n';
}

void dtc::printPipeline(ModuleOp module, const Timetable &predicted, raw_ostream &os) {
  SmallVector<rt::ProgramOp> programs(module.getOps<rt::ProgramOp>());
  rt::ProgramOp first = programs.front();
  os << dtc::onOneLine(first.getModel()) << " on " << first.getDevices() << (first.getDevices() == 1 ? " device" : " devices") << ", mesh ";
  llvm::interleaveComma(
      llvm::zip_equal(first.getAxes().getAsValueRange<StringAttr>(), first.getMesh()), os,
      [&](auto axis) { os << std::get<0>(axis) << ':' << std::get<1>(axis); });
  int64_t microbatches = microbatchesOf(first);
  os << "; batch of " << first.getBatch() << ", on each rank " << microbatches
     << (microbatches == 1 ? " microbatch" : " microbatches") << " of "
     << first.getLocalBatch() / microbatches << '\n';
  if (first.getPrecision())
    line(os, "precision") << *first.getPrecision() << '\n';
  printCut(module, os);
  line(os, "predicted") << milliseconds(predicted.stepSeconds) << " a step, bubble "
                          << llvm::format("%.1f", predicted.bubble() * 100) << " %\n";
  for (rt::ProgramOp program : programs)
    printStage(program, predicted, os);
}

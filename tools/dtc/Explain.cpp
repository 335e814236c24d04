// The explanation of a planned program, read off the rt level.
#include "Explain.h"
#include "Diagnostics.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"
#include "dialects/RT/RT.h"
#include "dtc/Cost/Quantities.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace rt = dtc::rt;
using dtc::formatBytes;
using dtc::formatFlops;
using llvm::raw_ostream;

/// `#nn.adam<lr = 1.000000e-03>` without the dialect's mark.
static std::string describe(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  StringRef name(text);
  name.consume_front("#nn.");
  return name.str();
}

static raw_ostream &line(raw_ostream &os, StringRef label) {
  os << "  " << label;
  return os.indent(label.size() < 14 ? 14 - label.size() : 1);
}

namespace {
/// Sums over the buffers of a program.
struct Memory {
  int64_t parameters = 0, elements = 0, state = 0, fixed = 0, temporaries = 0;

  explicit Memory(rt::ProgramOp program) {
    for (auto buffer : program.getOps<rt::BufferOp>()) {
      auto type = cast<MemRefType>(buffer.getMemory().getType());
      int64_t bytes = rt::bytesOf(type);
      switch (buffer.getKind()) {
      case rt::BufferKind::Parameter:
        parameters += bytes;
        elements += type.getNumElements();
        break;
      case rt::BufferKind::State:
      case rt::BufferKind::Statistic:
        state += bytes;
        break;
      case rt::BufferKind::Bucket:
      case rt::BufferKind::Output:
      case rt::BufferKind::Temporary:
        temporaries += bytes;
        break;
      default:
        fixed += bytes;
      }
    }
  }
};
} // namespace

static void printTimeline(rt::ProgramOp program, rt::TimelineOp timeline, raw_ostream &os) {
  line(os, timeline.getPhase()) << formatFlops(timeline.getFlops()) << '\n';
  for (Operation &op : timeline.getBody().front()) {
    os.indent(16);
    if (auto run = dyn_cast<rt::RunOp>(op)) {
      auto fragment = program.lookupSymbol<rt::FragmentOp>(run.getFragment());
      os << "run " << run.getFragment();
      if (auto microbatch = run.getMicrobatch())
        os << " on microbatch " << *microbatch;
      os << ": "
         << formatFlops(fragment.getFlops().convertToDouble()) << ", "
         << formatBytes(fragment.getBytes()) << " read and written\n";
    } else if (auto start = dyn_cast<dtc::CommunicationOpInterface>(op)) {
      os << (start.isStarted() ? "start " : "") << start.getRow().word << " of " << dtc::onOneLine(start.getLabel()) << ": "
         << formatBytes(start.getPayloadBytes());
      if (ArrayAttr contents = start.getContentNames()) {
        os << " (";
        llvm::interleaveComma(contents.getAsValueRange<StringAttr>(), os,
                              [&](StringRef name) { os << dtc::onOneLine(name); });
        os << ")";
      }
      os << '\n';
    } else if (auto wait = dyn_cast<rt::WaitOp>(op)) {
      os << "wait for " << dtc::onOneLine(wait.getStarted().getLabel()) << '\n';
    } else if (auto call = dyn_cast<rt::CallOp>(op)) {
      os << "call " << call.getCallee() << '\n';
    } else {
      os << op.getName().stripDialect() << '\n';
    }
  }
}

static void printProgram(rt::ProgramOp program, raw_ostream &os) {
  int64_t devices = program.getDevices();
  os << dtc::onOneLine(program.getModel()) << " on " << devices << (devices == 1 ? " device" : " devices");
  if (devices > 1) {
    os << ", mesh ";
    llvm::interleaveComma(
        llvm::zip_equal(program.getAxes().getAsValueRange<StringAttr>(), program.getMesh()), os,
        [&](auto axis) { os << std::get<0>(axis) << ':' << std::get<1>(axis); });
  }
  os << "; each rank:\n";
  line(os, "batch") << program.getLocalBatch() << " of " << program.getBatch() << " samples";
  if (int64_t microbatches = dtc::microbatchesOf(program); microbatches > 1)
    os << ", in " << microbatches << " microbatches of " << program.getLocalBatch() / microbatches;
  os << '\n';
  if (auto recipe = dyn_cast<dtc::nn::RecipeAttr>(program.getRecipe()))
    line(os, "recipe") << describe(recipe.getLoss()) << ", " << describe(recipe.getOptimizer())
                       << '\n';
  if (program.getPrecision())
    line(os, "precision") << *program.getPrecision() << '\n';
  Memory memory(program);
  line(os, "parameters") << memory.elements << ", " << formatBytes(memory.parameters)
                         << "; optimizer state " << formatBytes(memory.state) << '\n';
  int64_t arena = program.getArena().value_or(0);
  int64_t kept = memory.parameters + memory.state + memory.fixed;
  line(os, "memory") << formatBytes(arena) << " arena (" << arena << " bytes); "
                     << formatBytes(memory.temporaries) << " of gradients and activations share "
                     << formatBytes(arena - kept) << '\n';
  StringRef label = "kernels";
  for (auto kernel : program.getOps<rt::KernelOp>()) {
    line(os, label) << kernel.getSymName() << ": " << kernel.getFormula() << " at ";
    llvm::interleave(kernel.getGrid(), os, " x ");
    os << " points\n";
    label = "";
  }
  for (auto formula : program.getOps<rt::FormulaOp>())
    line(os, "formula") << formula.getSummary() << '\n';
  for (auto timeline : program.getOps<rt::TimelineOp>())
    for (const dtc::CommunicationRow &row : dtc::communicationKinds())
      if (rt::Volume buckets = rt::volumeOf(timeline, row.kind);
          timeline.getPhase() == "train" && row.isCollective && buckets.count)
        line(os, row.word) << formatBytes(buckets.bytes) << " a step in " << buckets.count
                           << (buckets.count == 1 ? " bucket\n" : " buckets\n");
  for (auto timeline : program.getOps<rt::TimelineOp>())
    printTimeline(program, timeline, os);
}

void dtc::printExplanation(ModuleOp module, const Timetable &predicted, raw_ostream &os) {
  if (module->hasAttr(dist::names::stagePlan))
    return printPipeline(module, predicted, os);
  for (auto program : module.getOps<rt::ProgramOp>())
    printProgram(program, os);
  line(os, "predicted") << llvm::format("%.3f", predicted.stepSeconds * 1e3)
                          << " ms a step\n";
}

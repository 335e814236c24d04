// One role's part of the translation unit: kernels, buffers, fragments, timelines.
#include "Literals.h"
#include "NameSeries.h"
#include "Printer.h"

#include "dtc/Cost/Quantities.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

ArrayRef<rt::LaunchOp> Printer::launchesOf(rt::KernelOp kernel) {
  if (launches.empty())
    program.walk([&](rt::LaunchOp launch) { launches[launch.getKernelAttr().getAttr()].push_back(launch); });
  return launches[kernel.getSymNameAttr()];
}

rt::TimelineOp dtc::emit::timelineOf(rt::ProgramOp program, StringRef phase) {
  for (auto timeline : program.getOps<rt::TimelineOp>())
    if (timeline.getPhase() == phase)
      return timeline;
  return {};
}

/// The layers whose ops stand in a fragment, for the comment above it.
static std::string describeLayers(rt::FragmentOp fragment) {
  SmallVector<StringRef> layers;
  if (fragment.getLayersAttr())
    llvm::append_range(layers, fragment.getLayersAttr().getAsValueRange<StringAttr>());
  return describeNames(layers);
}

/// Whether the fragment runs once for each microbatch.
static bool isPerMicrobatch(rt::FragmentOp fragment) {
  bool found = false;
  for (auto timeline : fragment->getParentOfType<rt::ProgramOp>().getOps<rt::TimelineOp>())
    timeline.walk([&](rt::RunOp run) { found |= run.getFragment() == fragment.getSymName() && run.getMicrobatch(); });
  return found;
}

static LogicalResult printFragment(Printer &printer, rt::FragmentOp fragment) {
  bool perMicrobatch = isPerMicrobatch(fragment);
  printer.slot = "microbatch";
  std::string layers = describeLayers(fragment);
  printer.beginFunction();
  printComment(printer.os, "", (layers.empty() ? "" : layers + ": ") + formatFlops(fragment.getFlops().convertToDouble()) + ", " +
                                   formatBytes(fragment.getBytes()) + " read and written.");
  printer.os << "void " << printer.names.of(fragment) << "(Context &ctx, Buffers &b"
             << (perMicrobatch ? ", index microbatch" : "") << ") {\n"
             << "  Span span(ctx, ";
  if (fragment.getKind()) {
    printer.os << "{" << quote(fragment.getSymName()) << ", " << quote(*fragment.getKind());
    if (fragment.getStage())
      printer.os << ", " << *fragment.getStage();
    printer.os << "}";
  } else {
    printer.os << quote(fragment.getSymName());
  }
  printer.os << (perMicrobatch ? ", microbatch" : "") << ");\n";
  if (failed(printStatements(printer, fragment.getBody().front())))
    return failure();
  printer.os << "}\n\n";
  return success();
}

static LogicalResult printTimeline(Printer &printer, rt::TimelineOp timeline,
                                   StringRef function, StringRef comment) {
  printer.beginTimeline();
  printer.beginFunction();
  printer.os << "// " << comment << "\nvoid " << function
             << "(Context &ctx, Buffers &b) {\n";
  if (failed(printStatements(printer, timeline.getBody().front())))
    return failure();
  printer.os << "}\n\n";
  return success();
}

LogicalResult dtc::emit::printRole(Printer &printer) {
  rt::ProgramOp program = printer.program;
  for (auto kernel : program.getOps<rt::KernelOp>())
    if (failed(printKernel(printer, kernel)))
      return failure();
  for (auto formula : program.getOps<rt::FormulaOp>())
    if (!printer.shared.contains(formula) && failed(printFormula(printer, formula)))
      return failure();
  if (failed(printBuffers(printer)))
    return failure();
  for (auto fragment : program.getOps<rt::FragmentOp>())
    if (failed(printFragment(printer, fragment)))
      return failure();
  if (failed(printTimeline(printer, timelineOf(program, "train"), "step",
                           "What one rank does in one step.")))
    return failure();
  rt::TimelineOp evaluate = timelineOf(program, "evaluate");
  if (evaluate &&
      failed(printTimeline(printer, evaluate, "evaluate",
                           "Loss and correct samples of one batch, for evaluation.")))
    return failure();
  rt::TimelineOp predict = timelineOf(program, "predict");
  if (predict && failed(printTimeline(printer, predict, "predict", "The model's output for the samples of one batch.")))
    return failure();
  return printBinding(printer);
}

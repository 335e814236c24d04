// One role's part of the translation unit: kernels, buffers, fragments, timelines.
#include "Literals.h"
#include "Printer.h"

#include "dtc/Cost/Quantities.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

rt::TimelineOp dtc::emit::timelineOf(rt::ProgramOp program, StringRef phase) {
  for (auto timeline : program.getOps<rt::TimelineOp>())
    if (timeline.getPhase() == phase)
      return timeline;
  return {};
}

/// The layers whose ops stand in a fragment, for the comment above it.
static std::string describeLayers(rt::FragmentOp fragment) {
  constexpr size_t most = 12;
  std::string text;
  ArrayRef<Attribute> layers = fragment.getLayersAttr() ? fragment.getLayersAttr().getValue() : ArrayRef<Attribute>();
  for (Attribute layer : layers.take_front(most))
    text += (text.empty() ? "" : ", ") + forComment(cast<StringAttr>(layer).getValue());
  if (layers.size() > most)
    text += ", and " + std::to_string(layers.size() - most) + " more";
  return text;
}

/// Whether the fragment runs once for each microbatch.
static bool isPerMicrobatch(rt::FragmentOp fragment) {
  auto program = fragment->getParentOfType<rt::ProgramOp>();
  for (auto timeline : program.getOps<rt::TimelineOp>())
    for (auto run : timeline.getOps<rt::RunOp>())
      if (run.getFragment() == fragment.getSymName())
        return run.getMicrobatch().has_value();
  return false;
}

static LogicalResult printFragment(Printer &printer, rt::FragmentOp fragment) {
  bool perMicrobatch = isPerMicrobatch(fragment);
  printer.slot = "microbatch";
  std::string layers = describeLayers(fragment);
  printer.os << "// " << (layers.empty() ? "" : layers + ": ")
             << formatFlops(fragment.getFlops().convertToDouble()) << ", "
             << formatBytes(fragment.getBytes()) << " read and written.\n"
             << "void " << printer.names.of(fragment) << "(Context &ctx, Buffers &b"
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
  for (Operation &op : fragment.getBody().front())
    if (failed(printCall(printer, &op)))
      return failure();
  printer.os << "}\n\n";
  return success();
}

static LogicalResult printTimeline(Printer &printer, rt::TimelineOp timeline,
                                   StringRef function, StringRef comment) {
  printer.beginTimeline();
  printer.os << "// " << comment << "\nvoid " << function
             << "(Context &ctx, Buffers &b) {\n";
  for (Operation &op : timeline.getBody().front())
    if (failed(printCall(printer, &op)))
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
    if (failed(printFormula(printer, formula)))
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
  return printBinding(printer);
}

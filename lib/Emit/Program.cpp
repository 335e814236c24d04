// The translation unit: header, roles, facts, main.
#include "Literals.h"
#include "Printer.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/Quantities.h"
#include "dtc/Emit/Emit.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

std::string dtc::emit::describeStrategy(rt::ProgramOp program) {
  std::string text;
  for (auto [axis, size] : llvm::zip_equal(
           program.getAxes().getAsValueRange<StringAttr>(), program.getMesh())) {
    if (size == 1)
      continue;
    text += text.empty() ? "" : ", ";
    if (axis == "pipe")
      text += "a pipeline on " + std::to_string(size) + " devices";
    else
      text += axis.str() + " parallel on " + std::to_string(size) + " devices";
  }
  return text.empty() ? "one device" : text;
}

/// `[head][bucket0 >][tail][bucket0 .]…`: the step at a glance.
static std::string sketch(rt::TimelineOp timeline) {
  std::string text;
  // A pipeline's step is longer than a line: its schedule is in the timelines.
  bool isPipeline = false;
  timeline.walk([&](rt::RunOp run) { isPipeline |= run.getMicrobatch().has_value(); });
  if (isPipeline)
    return "";
  for (Operation &op : timeline.getBody().front()) {
    if (auto run = dyn_cast<rt::RunOp>(op))
      text += (text.empty() ? "" : " -> ") + forComment(run.getFragment());
    if (auto start = dyn_cast<CommunicationOpInterface>(op))
      text += " -> (" + makeIdentifier(start.getLabel()) + (start.isStarted() ? " starts)" : ")");
    if (auto wait = dyn_cast<rt::WaitOp>(op))
      text += " -> (" + makeIdentifier(wait.getStarted().getLabel()) + " arrives)";
  }
  return text;
}

/// How much one rank computes, keeps and sends.
static void printAmounts(rt::ProgramOp program, llvm::raw_ostream &os) {
  rt::TimelineOp train = timelineOf(program, "train");
  os << formatFlops(train.getFlops()) << ", " << formatBytes(*program.getArena()) << " arena";
  if (rt::Volume sent = rt::volumeOf(train, CommunicationKind::Send); sent.count)
    os << ", sends " << formatBytes(sent.bytes);
  for (const CommunicationRow &row : communicationKinds())
    if (rt::Volume buckets = rt::volumeOf(train, row.kind); row.isCollective && buckets.count)
      os << ", " << row.word << " of " << formatBytes(buckets.bytes) << " in " << buckets.count
         << (buckets.count == 1 ? " bucket" : " buckets");
}

/// The runtime's header and the function of it that is the program's main.
static StringRef mainOf(EntryPoint entry) {
  return entry == EntryPoint::Run ? "run" : "measure";
}
static StringRef headerOf(EntryPoint entry) {
  return entry == EntryPoint::Run ? "dtcrt/program.h" : "dtcrt/measure.h";
}

static void printHeader(ArrayRef<rt::ProgramOp> programs, EntryPoint entry,
                        const Target &target, llvm::raw_ostream &os) {
  rt::ProgramOp program = programs.front();
  os << "// " << forComment(program.getModel()) << ", " << describeStrategy(program)
     << (&target == &Target::cpu() ? "" : ", for " + target.devices)
     << ". Made by dtc; yours to read and to change.\n"
     << "//\n"
     << "//   global batch        " << program.getBatch() << " samples, ";
  int64_t fewest = program.getLocalBatch(), most = fewest;
  for (rt::ProgramOp role : programs) {
    fewest = std::min<int64_t>(fewest, role.getLocalBatch());
    most = std::max<int64_t>(most, role.getLocalBatch());
  }
  os << fewest;
  if (most > fewest)
    os << " to " << most;
  os << " on each rank\n";
  if (program.getPrecision() == "bf16")
    os << "//   precision           bf16: products, activations and their gradients; f32: parameters, sums, losses\n";
  else if (program.getPrecision())
    os << "//   precision           " << *program.getPrecision() << ": products, on devices that have it; f32: all else\n";
  for (rt::ProgramOp role : programs) {
    std::string label = programs.size() == 1 ? "per rank and step"
                                             : forComment(role.getSymName()) + ", a step";
    os << "//   " << llvm::left_justify(label, 19) << " ";
    printAmounts(role, os);
    os << "\n";
  }
  // Of a pipeline each role has its own.
  if (std::string text = sketch(timelineOf(program, "train"));
      programs.size() == 1 && !text.empty())
    os << "//   a step              " << text << "\n";
  os << "#include <" << headerOf(entry) << ">\n"
     << "using namespace dtcrt;\n\n"
     << "namespace {\n\n";
}

/// `, evaluate, predict`: the functions that a program may lack.
static std::string printOptional(rt::ProgramOp program, const std::string &scope) {
  std::string text;
  if (timelineOf(program, "evaluate"))
    text = ", " + scope + "evaluate";
  if (timelineOf(program, "predict"))
    text = (text.empty() ? ", nullptr" : text) + ", " + scope + "predict";
  return text;
}

/// `role<stage0::Buffers>({.name = "stage0", .at = {{"pipe", 0}}, …}, …)`.
static void printRoleEntry(rt::ProgramOp program, llvm::raw_ostream &os) {
  std::string name = roleIdentifier(program);
  os << "      role<" << name << "::Buffers>({.name = " << quoteWhole(program.getSymName()) << ", .at = {";
  std::string separator;
  if (DictionaryAttr at = program.getAtAttr())
    for (NamedAttribute place : at) {
      os << separator << "{" << quote(place.getName()) << ", "
         << cast<IntegerAttr>(place.getValue()).getInt() << "}";
      separator = ", ";
    }
  os << "}, .arena_bytes = " << *program.getArena()
     << ", .shared_bytes = " << program.getShared().value_or(*program.getArena())
     << ", .flops = " << formatReal(timelineOf(program, "train").getFlops(), false)
     << ", .local_batch = " << program.getLocalBatch();
  if (program.getFirstRow())
    os << ", .first_row = " << *program.getFirstRow();
  os << "},\n"
     << "          " << name << "::bind, " << name << "::step"
     << printOptional(program, name + "::") << "),\n";
}

/// Formulas that several roles have, word for word and of one name, stand before them, once: they are read once, and compiled
/// once. Of several texts of one name the first is it; the others stand in their roles. `text` is what the printers print to.
static LogicalResult shareFormulas(MutableArrayRef<Printer> printers, std::string &text) {
  struct Formula {
    Printer *printer;
    Operation *op;
  };
  llvm::MapVector<std::string, SmallVector<Formula>, llvm::StringMap<unsigned>> formulas;
  for (Printer &printer : printers)
    for (auto formula : printer.program.getOps<rt::FormulaOp>()) {
      size_t begin = text.size();
      if (failed(printFormula(printer, formula)))
        return failure();
      formulas[text.substr(begin)].push_back({&printer, formula});
      text.resize(begin);
    }
  llvm::StringSet<> names;
  for (const auto &[of, roles] : formulas) {
    if (roles.size() == 1 || !names.insert(roles.front().printer->names.of(roles.front().op)).second)
      continue;
    text += of;
    for (const Formula &formula : roles)
      formula.printer->shared.insert(formula.op);
  }
  return success();
}

LogicalResult dtc::emit::emitProgram(ArrayRef<rt::ProgramOp> programs,
                                     llvm::raw_ostream &os, EntryPoint entry,
                                     const Target &target) {
  for (rt::ProgramOp program : programs)
    if (!program.getArena())
      return program.emitOpError("has no memory plan: run dtc-plan-memory first");
    else if (!timelineOf(program, "train"))
      return program.emitOpError("has no timeline of the phase 'train'");
  std::string text;
  llvm::raw_string_ostream body(text);
  printHeader(programs, entry, target, body);
  bool alike = programs.size() == 1;
  std::vector<Printer> printers;
  printers.reserve(programs.size());
  for (rt::ProgramOp program : programs)
    printers.emplace_back(program, body, target);
  if (!alike && failed(shareFormulas(printers, text)))
    return failure();
  for (Printer &printer : printers) {
    std::string name = alike ? "" : roleIdentifier(printer.program);
    if (!alike)
      body << "namespace " << name << " {\n\n";
    if (failed(printRole(printer)))
      return failure();
    if (!alike)
      body << "} // namespace " << name << "\n\n";
  }
  os << text;
  // The learning rate is a fact for the runtime alone, but another one makes another program.
  rt::ProgramOp first = programs.front();
  std::string identified = text + formatReal(cast<nn::RecipeAttr>(first.getRecipe()).getLearningRate(), false);
  printPlan(programs, target, llvm::utohexstr(llvm::xxh3_64bits(identified), /*LowerCase=*/true, 16), os);
  os << "} // namespace\n\n";
  if (alike) {
    os << "int main(int argc, char **argv) { return " << mainOf(entry)
       << "<Buffers>(argc, argv, plan(), bind, step"
       << printOptional(programs.front(), "") << "); }\n";
    return success();
  }
  os << "int main(int argc, char **argv) {\n  return " << mainOf(entry)
     << "(argc, argv, plan(), {\n";
  for (rt::ProgramOp program : programs)
    printRoleEntry(program, os);
  os << "  });\n}\n";
  return success();
}

// Diagnostics as lines.
#include "Diagnostics.h"

#include "dtc/Import/PrintableText.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

using namespace mlir;

/// A name from a model may hold anything; a diagnostic stays one line of text.
std::string dtc::onOneLine(StringRef text) { return printable(text); }

namespace {
/// What is known of a place: a position in a file, and a node's name.
struct Place {
  FileLineColLoc file;
  StringAttr node;

  explicit Place(Location location) { add(location); }

private:
  void add(Location location) {
    if (auto position = dyn_cast<FileLineColLoc>(location)) {
      if (!file)
        file = position;
    } else if (auto named = dyn_cast<NameLoc>(location)) {
      if (!node)
        node = named.getName();
      add(named.getChildLoc());
    } else if (auto fused = dyn_cast<FusedLoc>(location)) {
      for (Location part : fused.getLocations())
        add(part);
    } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
      add(call.getCallee());
    }
  }
};
} // namespace

static void printPlace(Location location, StringRef model, llvm::raw_ostream &os) {
  Place place(location);
  if (!place.file && !place.node)
    return;
  os << dtc::onOneLine(place.file ? place.file.getFilename().getValue() : model);
  // Binary files have no lines.
  if (place.file && place.file.getLine() > 0)
    os << ':' << place.file.getLine() << ':' << place.file.getColumn();
  os << ": ";
  constexpr size_t most = 200; // of a name that may be a book
  if (place.node && !place.node.empty())
    os << dtc::onOneLine(place.node.getValue().take_front(most)) << (place.node.size() > most ? "…: " : ": ");
}

static StringRef getKind(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("every severity is covered");
}

static std::string lineOf(const Diagnostic &diagnostic, StringRef model) {
  std::string line;
  llvm::raw_string_ostream os(line);
  os << "dtc: " << getKind(diagnostic.getSeverity()) << ": ";
  printPlace(diagnostic.getLocation(), model, os);
  os << dtc::onOneLine(diagnostic.str()) << '\n';
  return line;
}

dtc::DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, StringRef model)
    : ScopedDiagnosticHandler(&context) {
  setHandler([model = model.str(), warnings = std::make_shared<llvm::StringSet<>>()](Diagnostic &diagnostic) {
    std::string line = lineOf(diagnostic, model);
    // --explain compiles the model more than once.
    if (diagnostic.getSeverity() == DiagnosticSeverity::Warning && !warnings->insert(line).second)
      return;
    llvm::errs() << line;
    for (const Diagnostic &note : diagnostic.getNotes())
      llvm::errs() << lineOf(note, model);
  });
}

void dtc::printError(const llvm::Twine &message) { printDone("error: " + message); }

void dtc::printDone(const llvm::Twine &message) {
  llvm::errs() << "dtc: " << onOneLine(message.str()) << '\n';
}

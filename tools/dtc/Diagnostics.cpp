// Diagnostics as lines.
#include "Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

using namespace mlir;

/// A name from a model may hold anything; a diagnostic stays one line of text.
static void printEscaped(StringRef text, llvm::raw_ostream &os) {
  for (unsigned char c : text)
    if (c < 0x20 || c == 0x7f)
      os << "\\x" << llvm::hexdigit(c >> 4) << llvm::hexdigit(c & 15);
    else
      os << c;
}

std::string dtc::onOneLine(StringRef text) {
  std::string line;
  llvm::raw_string_ostream os(line);
  printEscaped(text, os);
  return line;
}

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
  printEscaped(place.file ? place.file.getFilename().getValue() : model, os);
  // Binary files have no lines.
  if (place.file && place.file.getLine() > 0)
    os << ':' << place.file.getLine() << ':' << place.file.getColumn();
  os << ": ";
  if (place.node && !place.node.empty()) {
    printEscaped(place.node.getValue(), os);
    os << ": ";
  }
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
  printEscaped(diagnostic.str(), os);
  os << '\n';
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

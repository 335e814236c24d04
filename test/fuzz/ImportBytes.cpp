// One import of bytes that nobody has checked.
#include "ImportBytes.h"

#include "dtc/Import/DSL.h"
#include "dtc/Import/ONNX.h"
#include "dtc/Import/PrintableText.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>
#include <fstream>

using namespace mlir;
using namespace dtc;

/// A folder of this process alone, so that external data find nothing.
static const std::string &folder() {
  struct Folder {
    std::string path;
    Folder() {
      llvm::SmallString<128> created;
      if (llvm::sys::fs::createUniqueDirectory("dtc-fuzz", created))
        abort();
      path = created.str().str();
    }
    ~Folder() { llvm::sys::fs::remove_directories(path); }
  };
  static const Folder folder;
  return folder.path;
}

std::string dtc::fuzz::importBytes(Format format, llvm::StringRef bytes) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  unsigned errors = 0;
  std::string wrong;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (format != Format::Language && printable(text) != text)
      wrong = "a message holds what a terminal acts on: " + printable(text);
    return success();
  });
  ImportOptions options;
  options.batch = 2;
  OwningOpRef<ModuleOp> module;
  if (format == Format::Language) {
    module = importDSLText(bytes, "fuzzed.dt", options, context);
  } else {
    std::string path = folder() + (format == Format::OnnxText ? "/model.onnxtxt" : "/model.onnx");
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    module = importONNX(path, options, context);
  }
  if (!wrong.empty())
    return wrong;
  if (module && errors)
    return "a module, and errors";
  if (!module && (format == Format::Language ? errors == 0 : errors != 1))
    return "no module, and " + std::to_string(errors) + " errors";
  if (module && failed(verify(*module)))
    return "a module that is not valid";
  return "";
}

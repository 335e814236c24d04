// dtc-import-test: what an importer makes of a model file, for the lit tests.
#include "dtc/Import/DSL.h"
#include "dtc/Import/ONNX.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

static void listOperators() {
  for (const dtc::ONNXOperator &op : dtc::supportedONNXOperators())
    llvm::outs() << "| " << op.name << " | "
                 << llvm::join(llvm::map_range(op.versions,
                                               [](int64_t version) {
                                                 return std::to_string(version);
                                               }),
                               ", ")
                 << " | " << op.becomes << " |\n";
}

/// `file:line:column: error: message`, without the parts that are unknown.
static llvm::LogicalResult print(mlir::Diagnostic &diagnostic) {
  if (auto place =
          diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>()) {
    llvm::errs() << llvm::sys::path::filename(place.getFilename().getValue());
    if (place.getLine())
      llvm::errs() << ":" << place.getLine() << ":" << place.getColumn();
    llvm::errs() << ": ";
  }
  bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
  bool isRemark = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark;
  llvm::errs() << (isError ? "error: " : isRemark ? "remark: " : "warning: ") << diagnostic << "\n";
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    llvm::errs() << "note: " << note << "\n";
  return llvm::success();
}

/// Prints the module; false after an error.
static bool importAndPrint(llvm::StringRef path, int64_t batch,
                           bool locations) {
  mlir::MLIRContext context;
  context.getDiagEngine().registerHandler(print);
  bool isDSL = llvm::sys::path::extension(path) == ".dt";
  mlir::OwningOpRef<mlir::ModuleOp> module =
      isDSL ? dtc::importDSL(path, {batch}, context)
            : dtc::importONNX(path, {batch}, context);
  if (!module)
    return false;
  mlir::OpPrintingFlags flags;
  if (locations)
    flags.enableDebugInfo(true, /*prettyForm=*/false);
  module->print(llvm::outs(), flags);
  llvm::outs() << "\n";
  return true;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::list<std::string> paths(cl::Positional, cl::desc("MODEL..."));
  cl::opt<int64_t> batch("batch", cl::desc("the global batch"), cl::init(0));
  cl::opt<bool> locations("locations", cl::desc("print locations"));
  cl::opt<bool> list("list-operators", cl::desc("print the operator table"));
  cl::ParseCommandLineOptions(argc, argv);
  if (list)
    listOperators();
  bool allImported = true;
  for (const std::string &path : paths)
    allImported &= importAndPrint(path, batch, locations);
  return allImported ? 0 : 1;
}

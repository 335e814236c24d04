// How dtc tells mistakes: one line each.
#ifndef DTC_TOOLS_DTC_DIAGNOSTICS_H
#define DTC_TOOLS_DTC_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

namespace dtc {

/// While it lives, diagnostics of the context are printed on stderr as
/// `dtc: error: WHERE: MESSAGE`, where WHERE is file, line and column, or the
/// model file with the name of the node, as far as they are known. What a
/// terminal would act on is printed as escapes (PrintableText.h).
class DiagnosticPrinter : public mlir::ScopedDiagnosticHandler {
public:
  DiagnosticPrinter(mlir::MLIRContext &context, llvm::StringRef model);
};

/// A name of the model or a path as part of a line (PrintableText.h).
std::string onOneLine(llvm::StringRef text);

/// The same line for a mistake without a location.
void printError(const llvm::Twine &message);

/// `dtc: MESSAGE`: what has been done. One line too, whatever paths hold.
void printDone(const llvm::Twine &message);

} // namespace dtc

#endif // DTC_TOOLS_DTC_DIAGNOSTICS_H

// Import of the model language (.dt) to the nn dialect.
#ifndef DTC_IMPORT_DSL_H
#define DTC_IMPORT_DSL_H

#include "dtc/Import/ImportOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dtc {

/// Reads the model file at `path`: a module with one `func.func` that carries
/// `nn.model` and, where the file has a `train` block, `nn.recipe`. The
/// language is described in lib/Import/DSL/Rationale.md.
///
/// Every problem is printed on standard error as `path:line:column: error: …`
/// with the source line and a caret; the result is then null. `context` must
/// have the nn and func dialects registered or loaded.
mlir::OwningOpRef<mlir::ModuleOp> importDSL(llvm::StringRef path,
                                            const ImportOptions &options,
                                            mlir::MLIRContext &context);

/// The same for text in memory. `name` stands for the file in locations.
/// Problems go to the context's own diagnostic handlers.
mlir::OwningOpRef<mlir::ModuleOp> importDSLText(llvm::StringRef text,
                                                llvm::StringRef name,
                                                const ImportOptions &options,
                                                mlir::MLIRContext &context);

} // namespace dtc

#endif // DTC_IMPORT_DSL_H

// How files, names and types appear in the importer's messages.
#ifndef DTC_LIB_IMPORT_ONNX_MESSAGES_H
#define DTC_LIB_IMPORT_ONNX_MESSAGES_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

#include <string>

namespace dtc::onnximport {

/// Begins an error; whoever calls it appends what is wrong.
using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// `'name'`, on one line and of bounded length whatever the name holds.
std::string quoted(llvm::StringRef name);

/// `text` on one line, as a terminal may show it (PrintableText.h).
std::string onOneLine(llvm::StringRef text);

/// "float16", for a value of onnx::TensorProto::DataType.
std::string elementTypeName(int32_t dataType);

/// The file as a whole.
mlir::Location fileLocation(llvm::StringRef path, mlir::MLIRContext &context);

/// A named thing in the file.
mlir::Location namedLocation(llvm::StringRef name, llvm::StringRef path,
                             mlir::MLIRContext &context);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_MESSAGES_H

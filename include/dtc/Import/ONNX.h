// ONNX files to nn.
#ifndef DTC_IMPORT_ONNX_H
#define DTC_IMPORT_ONNX_H

#include "dtc/Import/ImportOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace dtc {

/// Reads an ONNX model: the binary form, or ONNX's own text form if the name
/// ends in ".onnxtxt". Opsets 13 to 23 of the default domain.
///
/// The result is a verified module with one `func.func`, named after the graph,
/// that carries `nn.model`; its arguments are the inputs (`nn.input`) and then
/// the float initializers (`nn.parameter`, `nn.init`; `nn.frozen` for large
/// buffers), in the file's order.
/// Every op's location is a NameLoc with its node's name over the file.
///
/// Null after one error through the context's diagnostic engine. Never throws,
/// whatever the file holds. Source of the semantics: ONNX's Operators.md.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path,
                                             const ImportOptions &options,
                                             mlir::MLIRContext &context);

/// One operator that the importer knows.
struct ONNXOperator {
  std::string name;
  /// Versions of its ONNX definition that are told apart, ascending.
  std::vector<int64_t> versions;
  /// What it becomes, in words for documentation.
  std::string becomes;
};

/// All operators that the importer knows, by name.
std::vector<ONNXOperator> supportedONNXOperators();

} // namespace dtc

#endif // DTC_IMPORT_ONNX_H

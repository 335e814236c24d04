// What in an ONNX file makes training from it something else than training the model that was exported.
#ifndef DTC_IMPORT_CHECKONNX_H
#define DTC_IMPORT_CHECKONNX_H

#include "dtc/Import/ImportOptions.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace dtc {

/// One place in a file that a check found.
struct ModelFinding {
  /// "node 'conv1' (Conv)" or "initializer 'onnx::MatMul_12'": names as a terminal may show them.
  std::string place;
  /// What is found there, a sentence without a subject: "is called 'encoder.weight' again".
  std::string what;
  /// Whether what is trained differs from the exported model. Else it is good to know: the importer mends it, or it is a matter of names.
  bool changesTraining;
};

/// A check and what it found in a file, in the graph's order.
struct ModelCheck {
  /// Its name, and what the findings are, what they do to training, and what to export instead, each a sentence.
  llvm::StringRef name, summary, effect, instead;
  std::vector<ModelFinding> findings;
};

/// Runs all checks on an ONNX model. Inputs get their sizes from the options; a symbolic batch that these do not bind gets one. What
/// importONNX refuses is a finding, and no error.
///
/// Fails after one error through the context's diagnostic engine where the file is no ONNX model that can be read. Never throws.
llvm::FailureOr<std::vector<ModelCheck>> checkONNX(llvm::StringRef path, const ImportOptions &options, mlir::MLIRContext &context);

} // namespace dtc

#endif // DTC_IMPORT_CHECKONNX_H

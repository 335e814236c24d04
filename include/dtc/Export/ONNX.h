// Trained models to ONNX files.
#ifndef DTC_EXPORT_ONNX_H
#define DTC_EXPORT_ONNX_H

#include "dtc/Export/Checkpoint.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace dtc {

/// The bytes of the ONNX model at `path` with a checkpoint's values in its initializers. Everything else stays as the file says it
/// (symbolic dimensions, names, metadata), but for three things: what normalises or drops in training mode is written as it is evaluated,
/// functions of the model are written where they are called, and data of other files is taken in.
///
/// With `tie`, the program was compiled with ImportOptions::tie: copies of a parameter, which the checkpoint does not have, receive its values.
///
/// Fails after one error through the context's diagnostic engine, also for more than 1.5 GB, which protobuf could hold hardly.
/// `dataFiles` receives the files that were read besides the model's own.
llvm::FailureOr<std::string> writeBackONNX(llvm::StringRef path, const Checkpoint &checkpoint, bool tie, mlir::MLIRContext &context,
                                           std::vector<std::string> &dataFiles);

/// The bytes of an ONNX model (opset 21) that computes what the model of a module computes in an evaluation, with a checkpoint's values as
/// initializers under the model's names. `other` is the same model of another batch, or null: what differs between both is the batch, and its
/// size is left open.
///
/// Fails after one error, at the op that has no form in ONNX.
llvm::FailureOr<std::string> exportONNX(mlir::ModuleOp module, mlir::ModuleOp other, const Checkpoint &checkpoint);

} // namespace dtc

#endif // DTC_EXPORT_ONNX_H

// Functions of a model, put where they are called.
#ifndef DTC_LIB_IMPORT_ONNX_INLINEFUNCTIONS_H
#define DTC_LIB_IMPORT_ONNX_INLINEFUNCTIONS_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"

#include "onnx/onnx_pb.h"

namespace dtc::onnximport {

/// Replaces each node that calls a function of the model (FunctionProto) by the function's nodes, whose names and values get the call's name
/// in front. Fails with one error where functions are defined twice, call each other in a circle, are nested more than 64 deep, are called
/// more than 2^20 times, make more than 2^20 nodes or 1 GiB, or follow another opset than the model.
llvm::LogicalResult inlineFunctions(::onnx::ModelProto &model, llvm::StringRef path, mlir::MLIRContext &context);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_INLINEFUNCTIONS_H

// A file to ONNX's protobuf message.
#ifndef DTC_LIB_IMPORT_ONNX_READMODEL_H
#define DTC_LIB_IMPORT_ONNX_READMODEL_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"

#include "onnx/onnx_pb.h"

#include <memory>

namespace dtc::onnximport {

/// Reads a binary model, or a text one if the path ends in ".onnxtxt". Null
/// after one error. The message is what the file says, unchecked.
std::unique_ptr<::onnx::ModelProto> readModel(llvm::StringRef path,
                                              mlir::MLIRContext &context);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_READMODEL_H

// The modules that PyTorch's exporters say around a node.
#ifndef DTC_LIB_IMPORT_ONNX_SCOPES_H
#define DTC_LIB_IMPORT_ONNX_SCOPES_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "onnx/onnx_pb.h"

#include <string>

namespace dtc::onnximport {

/// What torch.onnx.export(dynamo=True) says of a node: the paths of the modules around it, outermost first (the model's own is ""), and
/// last the name of what it made the node from: {"", "features", "features.0", "layer_norm"}. Empty where nothing is said.
llvm::SmallVector<std::string> nameScopes(const ::onnx::NodeProto &node);

/// The path of the module that holds a node, as the model's source has it: `encoder.layer.0.query` of the node
/// '/encoder/layer.0/query/MatMul' (torch.onnx.export(dynamo=False)), or the last of nameScopes. Empty where the file does not say it, or
/// for the model itself.
std::string modulePath(const ::onnx::NodeProto &node);

/// Whether an exporter has made this name up, of an initializer that it computed from the model's: `onnx::MatMul_1430`, `1430`, `val_43`.
bool isMadeUp(llvm::StringRef initializer);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_SCOPES_H

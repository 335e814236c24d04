// Constants of which all samples of a batch have the same.
#ifndef DTC_LIB_IMPORT_ONNX_SPREADCONSTANTS_H
#define DTC_LIB_IMPORT_ONNX_SPREADCONSTANTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::onnximport {

/// Replaces each constant whose first dimension is the batch of the model's inputs, and whose rows along it are equal, by one row and an
/// `nn.broadcast`.
void spreadConstants(mlir::func::FuncOp model);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_SPREADCONSTANTS_H

// Which initializers a file uses as constants.
#ifndef DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H
#define DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H

#include "onnx/onnx_pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::onnximport {

/// Marks the parameters of `model`, the function made of `graph`, that look like constants with `nn.constant_use`: those that
/// PyTorch's exporter calls buffers or constants, exponents, what is added under a root, what an input is normalised with, and
/// single numbers that are spread over the features of a tensor.
void markConstantUses(const ::onnx::GraphProto &graph, mlir::func::FuncOp model);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H

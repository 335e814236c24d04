// Which initializers a file uses as constants.
#ifndef DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H
#define DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H

#include "onnx/onnx_pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

namespace dtc::onnximport {

/// The initializers that PyTorch's exporter says are buffers or constants, not parameters, and single numbers of which it says nothing where it
/// says what its parameters are; those that batch normalisation keeps up to date are not among them. Of tf2onnx, which writes TensorFlow's
/// constants as it writes variables, the numbers without dimensions that were not read from a variable.
llvm::StringSet<> findBuffers(const ::onnx::ModelProto &model);

/// Names of biases of LSTMs in a file of tf2onnx. TensorFlow's have one bias, ONNX's one of the input and one of the recurrence: where the latter
/// half is 0 (`hasNoRecurrentBias`), tf2onnx has put it there.
llvm::StringSet<> findTensorFlowBiases(const ::onnx::ModelProto &model);
/// Whether the second half of each row of `bias` [directions, 8 * hidden] is 0.
bool hasNoRecurrentBias(mlir::ElementsAttr bias);

/// Marks the parameters of `model` that look like constants with `nn.constant_use`: exponents, what is added under a root, what an input is
/// normalised with, and single numbers that are spread over the features of a tensor.
void markConstantUses(mlir::func::FuncOp model);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_CONSTANTUSES_H

// Graphs that were exported in training mode, as they are evaluated.
#ifndef DTC_LIB_EXPORT_ONNX_EVALUATIONFORM_H
#define DTC_LIB_EXPORT_ONNX_EVALUATIONFORM_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"

#include "onnx/onnx_pb.h"

namespace dtc {

/// BatchNormalization normalises by the running statistics, and Dropout drops nothing. Fails with one error for a node that draws random
/// values otherwise, or that gives what evaluation has not (the moved statistics) to other nodes.
llvm::LogicalResult makeEvaluationForm(::onnx::GraphProto &graph, llvm::StringRef path, mlir::MLIRContext &context);

} // namespace dtc

#endif // DTC_LIB_EXPORT_ONNX_EVALUATIONFORM_H

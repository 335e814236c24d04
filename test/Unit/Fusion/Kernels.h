// Runs what the Fusion stage makes: linalg.generic with arith and math bodies.
#ifndef DTC_TEST_UNIT_FUSION_KERNELS_H
#define DTC_TEST_UNIT_FUSION_KERNELS_H

#include "test/Reference/Reference.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace dtc::test {

/// A context that knows what the Fusion stage reads and makes.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Parses a module with one function `@f`.
mlir::OwningOpRef<mlir::ModuleOp> parse(mlir::MLIRContext &context,
                                        llvm::StringRef text);

/// The function `@f` of a module.
mlir::func::FuncOp getFunction(mlir::ModuleOp module);

/// Runs the pipeline of the Fusion stage.
llvm::LogicalResult fuse(mlir::ModuleOp module);

/// Evaluates a function of `linalg.generic`, `tensor.empty` and `nn.constant`
/// on doubles, op by op and element by element; fails with a diagnostic at
/// anything else.
llvm::FailureOr<llvm::SmallVector<reference::Tensor>>
evaluateKernels(mlir::func::FuncOp function,
                llvm::ArrayRef<reference::Tensor> arguments);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_FUSION_KERNELS_H

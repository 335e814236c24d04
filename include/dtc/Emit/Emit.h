// rt to source: a program as a folder that a person can read and build.
#ifndef DTC_EMIT_EMIT_H
#define DTC_EMIT_EMIT_H

#include "dialects/RT/RT.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir {
class DialectRegistry;
class ModuleOp;
} // namespace mlir

namespace dtc::emit {

/// Prints the translation unit of a planned program (`train.cpp`). Names of the
/// model occur in it only as identifiers made from them and as escaped strings.
/// Fails, after a diagnostic, on a scalar op without an expression.
llvm::LogicalResult emitProgram(rt::ProgramOp program, llvm::raw_ostream &os);

/// Prints the plan as JSON: buffers with offsets and lifetimes, fragments, buckets.
void emitPlan(rt::ProgramOp program, llvm::raw_ostream &os);

/// Prints the CMakeLists.txt that builds the folder against the runtime.
void emitBuildFile(rt::ProgramOp program, llvm::raw_ostream &os);

/// Whether the model brings initial values of its own.
bool hasStoredParameters(rt::ProgramOp program);

/// Prints those values as safetensors. Format: https://github.com/huggingface/safetensors#format
void emitParameters(rt::ProgramOp program, llvm::raw_ostream &os);

/// Writes the folder of the module's program: train.cpp, CMakeLists.txt,
/// plan.json and, where the model stores initial values,
/// parameters.safetensors. The folder appears whole or not at all; an existing
/// one is replaced only if it holds a plan.json.
llvm::LogicalResult emitSource(mlir::ModuleOp module, llvm::StringRef folder);

/// Attaches ExpressionOpInterface to the scalar ops of kernels.
void registerEmitModels(mlir::DialectRegistry &registry);

} // namespace dtc::emit

#endif // DTC_EMIT_EMIT_H

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

/// The programs of all roles: at least one, all of one model.
using Programs = llvm::ArrayRef<rt::ProgramOp>;

/// What the main of an emitted program does.
enum class EntryPoint {
  /// Trains (dtcrt/program.h).
  Run,
  /// Times the fragments (dtcrt/measure.h).
  Measure,
};

/// Prints the translation unit of planned programs (`train.cpp`); with several
/// roles, each in a namespace of its own. Names of the model occur in it only as
/// identifiers made from them and as escaped strings.
/// Fails, after a diagnostic, on a scalar op without an expression.
llvm::LogicalResult emitProgram(Programs programs, llvm::raw_ostream &os,
                                EntryPoint entry = EntryPoint::Run);

/// Prints the plan as JSON: for each role its buffers with offsets, and its timelines.
void emitPlan(Programs programs, llvm::raw_ostream &os);

/// Prints the CMakeLists.txt that builds the folder against the runtime.
void emitBuildFile(Programs programs, llvm::raw_ostream &os);

/// Whether the model brings initial values of its own.
bool hasStoredParameters(Programs programs);

/// Prints those values as safetensors. Format: https://github.com/huggingface/safetensors#format
void emitParameters(Programs programs, llvm::raw_ostream &os);

/// Writes the folder of the module's programs: train.cpp, CMakeLists.txt,
/// plan.json and, where the model stores initial values,
/// parameters.safetensors. The folder appears whole or not at all; an existing
/// one is replaced only if it holds a plan.json.
llvm::LogicalResult emitSource(mlir::ModuleOp module, llvm::StringRef folder);

/// Attaches ExpressionOpInterface to the scalar ops of kernels.
void registerEmitModels(mlir::DialectRegistry &registry);

} // namespace dtc::emit

#endif // DTC_EMIT_EMIT_H

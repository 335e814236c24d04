// rt to source: a program as a folder that a person can read and build.
#ifndef DTC_EMIT_EMIT_H
#define DTC_EMIT_EMIT_H

#include "dialects/RT/RT.h"
#include "dtc/Target/Target.h"

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

/// Prints the translation unit of planned programs (the target's `sourceFile`); with
/// several roles, each in a namespace of its own. Names of the model occur in it only as
/// identifiers made from them and as escaped strings.
/// Fails, after a diagnostic, on a scalar op without an expression.
llvm::LogicalResult emitProgram(Programs programs, llvm::raw_ostream &os,
                                EntryPoint entry = EntryPoint::Run,
                                const Target &target = Target::cpu());

/// Prints the plan as JSON: for each role its buffers with offsets, and its timelines.
void emitPlan(Programs programs, llvm::raw_ostream &os);

/// What a source folder is for.
struct SourceOptions {
  const Target *target = &Target::cpu();
  /// GPUs that are built for, by compute capability without its point: "80", "90".
  llvm::SmallVector<std::string> architectures;
  /// The folder of the runtime's sources, where the target brings them: the program gets a copy.
  std::string runtimeSources;
};

/// Prints the CMakeLists.txt that builds the folder: against an installed runtime, or
/// for GPUs with the copy of its sources.
void emitBuildFile(Programs programs, const SourceOptions &options, llvm::raw_ostream &os);

/// Copies what dtcrt_cuda is built from. The first failure as an error.
llvm::Error copyRuntime(llvm::StringRef from, llvm::StringRef to);

/// Whether the model brings initial values of its own.
bool hasStoredParameters(Programs programs);

/// Prints those values as safetensors. Format: https://github.com/huggingface/safetensors#format
void emitParameters(Programs programs, llvm::raw_ostream &os);

/// Writes the folder of the module's programs: the translation unit, CMakeLists.txt,
/// plan.json, where the model stores initial values parameters.safetensors, and where the
/// target brings them the runtime's sources, so that it can be carried to another machine. The folder appears whole or not at all; an existing
/// one is replaced only if it holds a plan.json.
llvm::LogicalResult emitSource(mlir::ModuleOp module, llvm::StringRef folder,
                               const SourceOptions &options = {});

/// A path in the folder of `path` at which nothing stands, for what is renamed to it once it is whole. `path` is any, also one
/// with percent signs or with a name of the greatest length.
std::string unusedPathBeside(llvm::StringRef path);

} // namespace dtc::emit

namespace dtc {

/// Attaches ExpressionOpInterface to the scalar ops of kernels.
void registerEmitExternalModels(mlir::DialectRegistry &registry);

} // namespace dtc

#endif // DTC_EMIT_EMIT_H

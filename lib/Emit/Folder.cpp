// The emitted folder: written beside its place, then moved there as a whole.
#include "dtc/Emit/Emit.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

/// Writes one file; a full disk is an error like any other.
static LogicalResult writeFile(Operation *op, const Twine &folder, StringRef name,
                               llvm::function_ref<LogicalResult(llvm::raw_ostream &)> write) {
  llvm::SmallString<256> path;
  llvm::sys::path::append(path, folder, name);
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error && succeeded(write(file))) {
    file.close();
    error = file.error();
    file.clear_error();
    if (!error)
      return success();
  } else if (!error) {
    return failure();
  }
  return op->emitError("cannot write '") << path << "': " << error.message();
}

/// LLVM's makers of unique names take each percent sign for a place of theirs, also one in the path itself.
std::string dtc::emit::unusedPathBeside(StringRef path) {
  constexpr size_t longest = 200; // of the 255 bytes of a name
  StringRef name = llvm::sys::path::filename(path);
  std::string unused;
  do {
    llvm::SmallString<32> random;
    llvm::sys::fs::createUniquePath("%%%%%%%%", random, /*MakeAbsolute=*/false);
    llvm::SmallString<256> beside = llvm::sys::path::parent_path(path);
    llvm::sys::path::append(beside, (name.size() <= longest ? name : "output") + ".dtc-" + random);
    unused = beside.str().str();
  } while (llvm::sys::fs::access(unused, llvm::sys::fs::AccessMode::Exist) == std::error_code());
  return unused;
}

LogicalResult dtc::emit::emitSource(ModuleOp module, StringRef folder,
                                    const SourceOptions &options) {
  SmallVector<rt::ProgramOp> programs(module.getOps<rt::ProgramOp>());
  if (programs.empty())
    return module.emitError("has no program; a source folder holds those of all roles");

  while (folder.size() > 1 && folder.ends_with("/"))
    folder = folder.drop_back();
  llvm::SmallString<256> marker(folder);
  llvm::sys::path::append(marker, "plan.json");
  bool exists = llvm::sys::fs::exists(folder);
  if (exists && !llvm::sys::fs::exists(marker))
    return module.emitError("'")
           << folder << "' exists and is no folder that dtc wrote (it has no "
           << "plan.json); remove it or choose another name";

  std::string temporary = unusedPathBeside(folder);
  if (std::error_code error =
          llvm::sys::fs::create_directory(temporary, /*IgnoreExisting=*/false, llvm::sys::fs::owner_all))
    return module.emitError("cannot create a folder beside '")
           << folder << "': " << error.message();
  llvm::scope_exit remove([&] {
    if (!temporary.empty())
      llvm::sys::fs::remove_directories(temporary);
  });
  if (failed(writeFile(module, temporary, options.target->sourceFile, [&](llvm::raw_ostream &os) {
        return emitProgram(programs, os, EntryPoint::Run, *options.target);
      })) ||
      failed(writeFile(module, temporary, "CMakeLists.txt", [&](llvm::raw_ostream &os) {
        return emitBuildFile(programs, options, os), success();
      })) ||
      failed(writeFile(module, temporary, "plan.json", [&](llvm::raw_ostream &os) {
        return emitPlan(programs, os), success();
      })))
    return failure();
  if (hasStoredParameters(programs) &&
      failed(writeFile(module, temporary, "parameters.safetensors",
                       [&](llvm::raw_ostream &os) {
                         return emitParameters(programs, os), success();
                       })))
    return failure();

  if (options.target->bringsRuntime)
    if (llvm::Error error = copyRuntime(options.runtimeSources, temporary + "/runtime"))
      return module.emitError(llvm::toString(std::move(error)));

  if (exists)
    llvm::sys::fs::remove_directories(folder);
  if (std::error_code error = llvm::sys::fs::rename(temporary, folder))
    return module.emitError("cannot move the program to '")
           << folder << "': " << error.message();
  temporary.clear();
  return success();
}

// Looking for the runtime's libraries and sources.
#include "Runtime.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace llvm;
namespace fs = llvm::sys::fs;

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// The folder of dtc's bin, include and lib.
static std::string getPrefix(const char *argv0) {
  static int anchor;
  std::string self = fs::getMainExecutable(argv0, &anchor);
  return sys::path::parent_path(sys::path::parent_path(self)).str();
}

static std::optional<dtc::RuntimeLibrary> findIn(StringRef prefix, StringRef name) {
  for (StringRef libraries : {"lib", DTC_LIBDIR}) {
    dtc::RuntimeLibrary runtime;
    runtime.include = prefix;
    sys::path::append(runtime.include, "include");
    for (auto [path, ending] : {std::pair(&runtime.library, ".a"), std::pair(&runtime.arguments, ".args")}) {
      *path = prefix;
      sys::path::append(*path, libraries, "lib" + name + ending);
    }
    if (fs::exists(runtime.include + "/dtcrt/program.h") && fs::exists(runtime.library) &&
        fs::exists(runtime.arguments))
      return runtime;
  }
  return std::nullopt;
}

Expected<dtc::RuntimeLibrary> dtc::findRuntimeLibrary(StringRef name, const char *argv0) {
  if (std::optional<std::string> prefix = sys::Process::GetEnv("DTC_RUNTIME_DIR")) {
    if (std::optional<RuntimeLibrary> runtime = findIn(*prefix, name))
      return *runtime;
    return makeError("DTC_RUNTIME_DIR is '" + *prefix + "', but include/dtcrt and lib/lib" + name +
                     ".a are not there");
  }
  std::string prefix = getPrefix(argv0);
  if (std::optional<RuntimeLibrary> runtime = findIn(prefix, name))
    return *runtime;
  if (name == "dtcrt_cuda" && findIn(prefix, "dtcrt_cpu"))
    return makeError("this dtc was built without CUDA: there is no lib" + name + ".a beside it");
  return makeError("no runtime beside dtc, in '" + prefix +
                   "'; DTC_RUNTIME_DIR can name the folder that holds its include and lib");
}

Expected<std::string> dtc::findRuntimeSources(const char *argv0) {
  std::optional<std::string> chosen = sys::Process::GetEnv("DTC_RUNTIME_DIR");
  SmallString<128> folder(chosen ? *chosen : getPrefix(argv0));
  sys::path::append(folder, "share", "dtc", "runtime");
  if (fs::exists(folder + "/CMakeLists.txt"))
    return folder.str().str();
  return makeError("no sources of the runtime in '" + folder +
                   "', which a program for GPUs gets a copy of; DTC_RUNTIME_DIR can name the folder "
                   "that holds share/dtc/runtime");
}

// Finds the compiler and the runtime, and runs the one on the other.
#include "HostCompiler.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace llvm;
namespace fs = llvm::sys::fs;

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

namespace {
/// Where the runtime lies: its headers, and its library with the file of
/// compiler arguments beside it that says how to use both.
struct Runtime {
  SmallString<128> include, library, arguments;
};
} // namespace

static std::optional<Runtime> findIn(StringRef prefix) {
  for (StringRef libraries : {"lib", DTC_LIBDIR}) {
    Runtime runtime;
    for (auto [path, rest] : {std::pair(&runtime.include, "include"),
                              std::pair(&runtime.library, "libdtcrt_cpu.a"),
                              std::pair(&runtime.arguments, "libdtcrt_cpu.args")}) {
      *path = prefix;
      if (path != &runtime.include)
        sys::path::append(*path, libraries);
      sys::path::append(*path, rest);
    }
    if (fs::exists(runtime.include + "/dtcrt/program.h") && fs::exists(runtime.library) &&
        fs::exists(runtime.arguments))
      return runtime;
  }
  return std::nullopt;
}

static Expected<Runtime> findRuntime(const char *argv0) {
  if (std::optional<std::string> prefix = sys::Process::GetEnv("DTC_RUNTIME_DIR")) {
    if (std::optional<Runtime> runtime = findIn(*prefix))
      return *runtime;
    return makeError("DTC_RUNTIME_DIR is '" + *prefix +
                     "', but include/dtcrt and lib/libdtcrt_cpu.a are not there");
  }
  static int anchor;
  std::string self = fs::getMainExecutable(argv0, &anchor);
  StringRef prefix = sys::path::parent_path(sys::path::parent_path(self));
  if (std::optional<Runtime> runtime = findIn(prefix))
    return *runtime;
  return makeError("no runtime beside dtc, in '" + prefix +
                   "'; DTC_RUNTIME_DIR can name the folder that holds its include and lib");
}

static Expected<std::string> findCompiler() {
  SmallVector<std::string> candidates;
  if (std::optional<std::string> chosen = sys::Process::GetEnv("CXX"); chosen && !chosen->empty())
    candidates = {*chosen};
  else
    candidates = {DTC_HOST_COMPILER, "c++", "g++", "clang++"};
  for (const std::string &name : candidates)
    if (ErrorOr<std::string> path = sys::findProgramByName(name); path && fs::can_execute(*path))
      return *path;
  return makeError(candidates.size() == 1 ? "CXX is '" + candidates[0] + "', which is no program"
                                          : "no C++ compiler; install g++, or let CXX name one");
}

Error dtc::compileProgram(StringRef source, StringRef out, const char *argv0) {
  Expected<Runtime> runtime = findRuntime(argv0);
  if (!runtime)
    return runtime.takeError();
  Expected<std::string> compiler = findCompiler();
  if (!compiler)
    return compiler.takeError();
  std::string arguments = ("@" + Twine(runtime->arguments)).str();
  // Relative paths may begin with a dash; "./-x.cpp" is no option.
  SmallString<128> from(source), to(out);
  fs::make_absolute(from);
  fs::make_absolute(to);
  StringRef command[] = {*compiler,  "-I", runtime->include, from,
                         "-o",       to,   runtime->library, arguments};
  std::string message;
  int status = sys::ExecuteAndWait(*compiler, command, /*Env=*/std::nullopt, /*Redirects=*/{},
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  return makeError("the host compiler '" + *compiler + "' failed on the emitted source" +
                   (message.empty() ? "" : " (" + message + ")") +
                   "; --emit=source writes it without compiling");
}

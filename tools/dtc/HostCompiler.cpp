// Finds the compiler, and runs it on a program and the runtime.
#include "HostCompiler.h"
#include "Runtime.h"

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
  Expected<RuntimeLibrary> runtime = findRuntimeLibrary("dtcrt_cpu", argv0);
  if (!runtime)
    return runtime.takeError();
  Expected<std::string> compiler = findCompiler();
  if (!compiler)
    return compiler.takeError();
  std::string arguments = ("@" + Twine(runtime->arguments)).str();
  // Relative paths may begin with a dash or an at sign; "./-x.cpp" is no option.
  SmallString<128> from(source), to(out), library(runtime->library);
  for (SmallString<128> *path : {&from, &to, &library})
    fs::make_absolute(*path);
  SmallVector<StringRef> command = {*compiler};
  // Where the runtime was built, its header is there precompiled.
  SmallString<128> precompiled(library);
  sys::path::replace_extension(precompiled, ".pch");
  if (fs::is_directory(precompiled))
    command.append({"-I", precompiled});
  command.append({"-I", runtime->include, from, "-o", to, library, arguments});
  std::string message;
  int status = sys::ExecuteAndWait(*compiler, command, /*Env=*/std::nullopt, /*Redirects=*/{},
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  return makeError("the host compiler '" + *compiler + "' failed on the emitted source" +
                   (message.empty() ? "" : " (" + message + ")") +
                   "; --emit=source writes it without compiling");
}

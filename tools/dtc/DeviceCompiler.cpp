// Finds nvcc and dtcrt_cuda, and runs the one on the other.
#include "DeviceCompiler.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace llvm;
namespace fs = llvm::sys::fs;

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static Expected<std::string> findNvcc() {
  for (const char *variable : {"NVCC", "CUDACXX"})
    if (std::optional<std::string> chosen = sys::Process::GetEnv(variable); chosen && !chosen->empty()) {
      if (ErrorOr<std::string> path = sys::findProgramByName(*chosen); path && fs::can_execute(*path))
        return *path;
      return makeError(Twine(variable) + " is '" + *chosen + "', which is no program");
    }
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (std::optional<std::string> home = sys::Process::GetEnv(variable); home && !home->empty())
      if (std::string path = *home + "/bin/nvcc"; fs::can_execute(path))
        return path;
  if (ErrorOr<std::string> path = sys::findProgramByName("nvcc"))
    return *path;
  if (std::string path = "/usr/local/cuda/bin/nvcc"; fs::can_execute(path))
    return path;
  return makeError("no nvcc: install the CUDA toolkit, or let CUDA_HOME name its folder");
}

/// What to do with the source that is there.
static Error makeErrorAbout(StringRef source, Error error) {
  return makeError(toString(std::move(error)) + "; the source is in '" + sys::path::parent_path(source) +
                   "', which builds with CMake on any machine with the CUDA toolkit and cuDNN");
}

Error dtc::compileForGPUs(StringRef source, StringRef out, ArrayRef<std::string> architectures,
                          const char *argv0) {
  Expected<std::string> nvcc = findNvcc();
  if (!nvcc)
    return makeErrorAbout(source, nvcc.takeError());
  Expected<RuntimeLibrary> runtime = findRuntimeLibrary("dtcrt_cuda", argv0);
  if (!runtime)
    return makeErrorAbout(source, runtime.takeError());
  // Relative paths may begin with a dash; "./-x.cu" is no option.
  SmallString<128> from(source), to(out);
  fs::make_absolute(from);
  fs::make_absolute(to);
  std::vector<std::string> words = {*nvcc};
  for (const std::string &architecture : architectures)
    words.push_back("-gencode=arch=compute_" + architecture + ",code=sm_" + architecture);
  for (StringRef word : {StringRef("-I"), StringRef(runtime->include), StringRef(from), StringRef("-o"), StringRef(to),
                         StringRef(runtime->library), StringRef("-optf"), StringRef(runtime->arguments)})
    words.push_back(word.str());
  SmallVector<StringRef> command(words.begin(), words.end());
  std::string message;
  int status = sys::ExecuteAndWait(*nvcc, command, /*Env=*/std::nullopt, /*Redirects=*/{},
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status == 0)
    return Error::success();
  return makeErrorAbout(source, makeError("'" + *nvcc + "' failed on the emitted source" +
                                          (message.empty() ? "" : " (" + message + ")")));
}

// Finds nvcc and dtcrt_cuda, and runs the one on the other.
#include "DeviceCompiler.h"

#include "dtc/Emit/Emit.h"

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

namespace {

/// nvcc builds lines for a shell, in which a path with `$` or a backquote would be a command. Such files are called by links in
/// a folder of another name; it goes with the object.
class PathsForNvcc {
public:
  ~PathsForNvcc() {
    if (!folder.empty())
      fs::remove_directories(folder);
  }
  /// The path of an existing file or folder, absolute, as nvcc may get it.
  Expected<std::string> input(StringRef path) {
    SmallString<128> absolute(path);
    fs::make_absolute(absolute);
    if (isPlain(absolute))
      return absolute.str().str();
    Expected<std::string> link = makeName(sys::path::extension(absolute));
    if (link)
      if (std::error_code code = fs::create_link(absolute, *link))
        return makeError("cannot link '" + *link + "' to '" + absolute + "': " + code.message());
    return link;
  }
  /// Where nvcc may write what is to be `path`.
  Expected<std::string> output(StringRef path) {
    SmallString<128> absolute(path);
    fs::make_absolute(absolute);
    if (isPlain(absolute))
      return absolute.str().str();
    return makeName("");
  }

private:
  static bool isPlain(StringRef path) { return path.find_first_of("$`") == StringRef::npos; }

  Expected<std::string> makeName(StringRef extension) {
    if (folder.empty()) {
      SmallString<128> place;
      sys::path::system_temp_directory(/*ErasedOnReboot=*/true, place);
      sys::path::append(place, "dtc-nvcc");
      if (!isPlain(place))
        return makeError("nvcc takes '$' and '`' in paths for commands, and the folder for temporary files is '" + place + "'");
      std::string made = dtc::emit::unusedPathBeside(place);
      if (std::error_code code = fs::create_directory(made, /*IgnoreExisting=*/false, fs::owner_all))
        return makeError("cannot make the folder '" + made + "': " + code.message());
      folder = made;
    }
    return (folder + "/" + Twine(names++) + extension).str();
  }

  std::string folder;
  int names = 0;
};

} // namespace

Error dtc::compileForGPUs(StringRef source, StringRef out, ArrayRef<std::string> architectures,
                          const char *argv0) {
  Expected<std::string> nvcc = findNvcc();
  if (!nvcc)
    return makeErrorAbout(source, nvcc.takeError());
  Expected<RuntimeLibrary> runtime = findRuntimeLibrary("dtcrt_cuda", argv0);
  if (!runtime)
    return makeErrorAbout(source, runtime.takeError());
  PathsForNvcc paths;
  std::vector<std::string> words = {*nvcc};
  for (const std::string &architecture : architectures)
    words.push_back("-gencode=arch=compute_" + architecture + ",code=sm_" + architecture);
  Expected<std::string> to = paths.output(out);
  if (!to)
    return makeErrorAbout(source, to.takeError());
  words.insert(words.end(), {"-o", *to});
  for (auto [option, path] : {std::pair<StringRef, StringRef>("-I", runtime->include), {"", source},
                              {"", runtime->library}, {"-optf", runtime->arguments}}) {
    Expected<std::string> from = paths.input(path);
    if (!from)
      return makeErrorAbout(source, from.takeError());
    if (!option.empty())
      words.push_back(option.str());
    words.push_back(*from);
  }
  SmallVector<StringRef> command(words.begin(), words.end());
  std::string message;
  int status = sys::ExecuteAndWait(*nvcc, command, /*Env=*/std::nullopt, /*Redirects=*/{},
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (status != 0)
    return makeErrorAbout(source, makeError("'" + *nvcc + "' failed on the emitted source" +
                                            (message.empty() ? "" : " (" + message + ")")));
  SmallString<128> final(out);
  fs::make_absolute(final);
  if (final == StringRef(*to))
    return Error::success();
  std::error_code code = fs::copy_file(*to, final);
  if (!code)
    code = fs::setPermissions(final, static_cast<fs::perms>(fs::all_all & ~fs::getUmask()));
  return code ? makeError("cannot write '" + out + "': " + code.message()) : Error::success();
}

// Temporary beside the result, renamed when it is whole.
#include "Output.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
namespace fs = llvm::sys::fs;

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// Whether dtc wrote the folder (every one of its folders holds a plan), or
/// nothing is in it.
static bool isOurs(StringRef folder) {
  if (fs::exists(folder + "/plan.json"))
    return true;
  std::error_code code;
  return fs::directory_iterator(folder, code) == fs::directory_iterator() && !code;
}

Expected<dtc::PendingOutput> dtc::PendingOutput::create(StringRef path, Kind kind) {
  // "out/" is "out".
  path = path.size() > 1 ? path.rtrim('/') : path;
  StringRef parent = sys::path::parent_path(path);
  if (parent.empty())
    parent = ".";
  if (!fs::is_directory(parent))
    return makeError("cannot write '" + path + "': there is no folder '" + parent + "'");
  fs::file_status status;
  fs::status(path, status);
  if (fs::exists(status)) {
    if (kind == Kind::File && !fs::is_regular_file(status))
      return makeError("cannot write '" + path + "': it is a folder or no ordinary file");
    if (kind == Kind::Folder && !fs::is_directory(status))
      return makeError("cannot make the folder '" + path + "': there is a file of that name");
    if (kind == Kind::Folder && !isOurs(path))
      return makeError("'" + path + "' is a folder that dtc has not made; it stays as it is");
  }
  PendingOutput output(path, kind);
  Twine model = path + ".dtc-%%%%%%%%";
  std::error_code code;
  if (kind == Kind::File) {
    int descriptor;
    code = fs::createUniqueFile(model, descriptor, output.temporary);
    if (!code) {
      raw_fd_ostream(descriptor, /*shouldClose=*/true);
      sys::RemoveFileOnSignal(output.temporary);
    }
  } else {
    // A name alone: who fills the folder makes it.
    fs::createUniquePath(model, output.temporary, /*MakeAbsolute=*/false);
    fs::make_absolute(output.temporary);
    if (!fs::can_write(parent))
      code = std::make_error_code(std::errc::permission_denied);
  }
  if (code) {
    output.temporary.clear();
    return makeError("cannot write '" + path + "': " + code.message());
  }
  return output;
}

dtc::PendingOutput::PendingOutput(PendingOutput &&other)
    : path(std::move(other.path)), temporary(std::move(other.temporary)), kind(other.kind) {
  other.temporary.clear();
}

dtc::PendingOutput::~PendingOutput() {
  if (temporary.empty())
    return;
  if (kind == Kind::Folder) {
    fs::remove_directories(temporary);
    return;
  }
  fs::remove(temporary);
  sys::DontRemoveFileOnSignal(temporary);
}

Error dtc::PendingOutput::keep() {
  SmallString<128> old;
  // Folders for temporaries are closed to others; a result is as open as any.
  if (kind == Kind::Folder)
    fs::setPermissions(temporary, static_cast<fs::perms>(fs::all_all & ~fs::getUmask()));
  // rename() replaces a file, but no folder that holds something.
  if (kind == Kind::Folder && fs::exists(path)) {
    fs::createUniquePath(path + ".dtc-old-%%%%%%%%", old, /*MakeAbsolute=*/false);
    if (std::error_code code = fs::rename(path, old))
      return makeError("cannot replace '" + path + "': " + code.message());
  }
  if (std::error_code code = fs::rename(temporary, path)) {
    if (!old.empty())
      fs::rename(old, path);
    return makeError("cannot write '" + path + "': " + code.message());
  }
  if (kind == Kind::File)
    sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  if (!old.empty())
    fs::remove_directories(old);
  return Error::success();
}

Error dtc::writeText(StringRef path, function_ref<void(raw_ostream &)> print) {
  if (path == "-") {
    print(outs());
    outs().flush();
    if (!outs().has_error())
      return Error::success();
    std::error_code code = outs().error();
    outs().clear_error();
    return makeError("cannot write to standard output: " + code.message());
  }
  // A device or a pipe takes the text as it comes.
  fs::file_status status;
  fs::status(path, status);
  bool isStream = fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
  std::optional<PendingOutput> pending;
  if (!isStream) {
    Expected<PendingOutput> created = PendingOutput::create(path, PendingOutput::Kind::File);
    if (!created)
      return created.takeError();
    pending.emplace(std::move(*created));
  }
  std::error_code code;
  raw_fd_ostream os(pending ? pending->getTemporaryPath() : path, code);
  if (!code)
    print(os);
  os.close();
  if (!code)
    code = os.error();
  os.clear_error();
  if (code)
    return makeError("cannot write '" + path + "': " + code.message());
  return pending ? pending->keep() : Error::success();
}

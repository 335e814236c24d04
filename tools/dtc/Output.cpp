// Temporary beside the result, renamed when it is whole.
#include "Output.h"
#include "FilePlace.h"

#include "dtc/Emit/Emit.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

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

static StringRef folderOf(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent;
}

Error dtc::checkOutput(StringRef path, OutputKind kind) {
  FilePlace place(path);
  using Place = FilePlace::Kind;
  if (place.getKind() == Place::Stream) {
    if (kind == OutputKind::Text)
      return Error::success();
    return makeError("cannot write '" + path + "': it is no ordinary file, which " +
                     (kind == OutputKind::File ? "a program" : "a folder") + " could take the place of");
  }
  if (!fs::is_directory(folderOf(place.getPath())))
    return makeError("cannot write '" + path + "': there is no folder '" + folderOf(path) + "'");
  if (kind == OutputKind::Folder) {
    if (place.getKind() == Place::File)
      return makeError("cannot make the folder '" + path + "': there is a file of that name");
    if (place.getKind() == Place::Folder && !isOurs(place.getPath()))
      return makeError("'" + path + "' is a folder that dtc has not made; it stays as it is");
  } else if (place.getKind() == Place::Folder) {
    return makeError("cannot write '" + path + "': it is a folder");
  }
  if (!fs::can_write(folderOf(place.getPath())))
    return makeError("cannot write '" + path + "': " +
                     std::make_error_code(std::errc::permission_denied).message());
  return Error::success();
}

/// An empty file of a new name. A race for the name is an error like any other.
static std::error_code createFile(StringRef path) {
  int descriptor;
  std::error_code code = fs::openFileForWrite(path, descriptor, fs::CD_CreateNew);
  if (!code)
    raw_fd_ostream(descriptor, /*shouldClose=*/true);
  return code;
}

Expected<dtc::PendingOutput> dtc::PendingOutput::create(StringRef path, Kind kind) {
  if (Error error = checkOutput(path, kind))
    return error;
  PendingOutput output(path, FilePlace(path).getPath(), kind);
  std::string temporary = emit::unusedPathBeside(output.target);
  // Who fills a folder makes it.
  if (kind != Kind::Folder) {
    if (std::error_code code = createFile(temporary))
      return makeError("cannot write '" + path + "': " + code.message());
    sys::RemoveFileOnSignal(temporary);
  }
  output.temporary = std::move(temporary);
  return output;
}

dtc::PendingOutput::PendingOutput(PendingOutput &&other)
    : path(std::move(other.path)), target(std::move(other.target)), temporary(std::move(other.temporary)),
      kind(other.kind) {
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
  std::string old;
  // Folders for temporaries are closed to others; a result is as open as any.
  if (kind == Kind::Folder)
    fs::setPermissions(temporary, static_cast<fs::perms>(fs::all_all & ~fs::getUmask()));
  // rename() replaces a file, but no folder that holds something.
  if (kind == Kind::Folder && fs::exists(target)) {
    old = emit::unusedPathBeside(target);
    if (std::error_code code = fs::rename(target, old))
      return makeError("cannot replace '" + path + "': " + code.message());
  }
  if (std::error_code code = fs::rename(temporary, target)) {
    if (!old.empty())
      fs::rename(old, target);
    return makeError("cannot write '" + path + "': " + code.message());
  }
  if (kind != Kind::Folder)
    sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  if (!old.empty())
    fs::remove_directories(old);
  return Error::success();
}

/// Prints to `os` and closes it. Fails in one line that names `where`.
static Error printTo(raw_fd_ostream &os, const Twine &where, function_ref<void(raw_ostream &)> print) {
  print(os);
  os.flush();
  std::error_code code = os.error();
  os.clear_error();
  return code ? makeError("cannot write " + where + ": " + code.message()) : Error::success();
}

/// Where it goes on from what has been written there.
static Error printToDescriptor(int descriptor, const Twine &where, function_ref<void(raw_ostream &)> print) {
  if (descriptor == STDOUT_FILENO)
    return printTo(outs(), where, print);
  raw_fd_ostream os(descriptor, /*shouldClose=*/false);
  return printTo(os, where, print);
}

Error dtc::writeText(StringRef path, function_ref<void(raw_ostream &)> print) {
  if (path == "-")
    return printToDescriptor(STDOUT_FILENO, "to standard output", print);
  FilePlace place(path);
  if (std::optional<int> descriptor = place.getDescriptor())
    return printToDescriptor(*descriptor, "'" + path + "'", print);
  std::optional<PendingOutput> pending;
  if (place.getKind() != FilePlace::Kind::Stream) {
    Expected<PendingOutput> created = PendingOutput::create(path, OutputKind::Text);
    if (!created)
      return created.takeError();
    pending.emplace(std::move(*created));
  }
  std::error_code code;
  raw_fd_ostream os(pending ? pending->getTemporaryPath() : place.getPath(), code);
  if (code)
    return makeError("cannot write '" + path + "': " + code.message());
  Error error = printTo(os, "'" + path + "'", print);
  os.close();
  if (!error && os.has_error())
    error = makeError("cannot write '" + path + "': " + os.error().message());
  os.clear_error();
  if (error)
    return error;
  return pending ? pending->keep() : Error::success();
}

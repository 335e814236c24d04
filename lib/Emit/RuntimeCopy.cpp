// The runtime's sources beside a program for GPUs.
#include "dtc/Emit/Emit.h"

#include <filesystem>

namespace fs = std::filesystem;

llvm::Error dtc::emit::copyRuntime(llvm::StringRef from, llvm::StringRef to) {
  // The CPU's mathematics, and what measures it, need libraries that a GPU's machine may lack.
  static const llvm::StringRef ofTheCPU[] = {"lib/cpu", "lib/measure", "cmake/CpuLibrary.cmake"};
  fs::path source = from.str(), target = to.str();
  try {
    fs::create_directories(target);
    for (llvm::StringRef file : {"CMakeLists.txt"})
      fs::copy_file(source / file.str(), target / file.str());
    for (llvm::StringRef folder : {"cmake", "include", "lib", "third_party"}) {
      fs::recursive_directory_iterator entries(source / folder.str(),
                                               fs::directory_options::follow_directory_symlink);
      for (auto entry = fs::begin(entries); entry != fs::end(entries); ++entry) {
        fs::path relative = entry->path().lexically_relative(source);
        if (llvm::is_contained(ofTheCPU, llvm::StringRef(relative.string()))) {
          if (entry->is_directory())
            entry.disable_recursion_pending();
          continue;
        }
        if (entry->is_directory())
          fs::create_directories(target / relative);
        else
          fs::create_directories((target / relative).parent_path()),
              fs::copy_file(entry->path(), target / relative);
      }
    }
  } catch (const fs::filesystem_error &error) {
    return llvm::createStringError(error.code(), "cannot copy the runtime's sources: " +
                                                     std::string(error.what()));
  }
  return llvm::Error::success();
}

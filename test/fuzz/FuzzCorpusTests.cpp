// What the fuzz targets found once, and a few seeds, through the same entry: campaigns/fuzz.py says how they are made.
#include "ImportBytes.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <vector>

using namespace dtc::fuzz;

static void replay(Format format, llvm::StringRef name) {
  std::vector<std::string> paths;
  std::error_code error;
  std::string folder = std::string(DTC_FUZZ_CORPUS) + "/" + name.str();
  for (llvm::sys::fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    paths.push_back(entry->path());
  ASSERT_FALSE(error) << folder << ": " << error.message();
  ASSERT_FALSE(paths.empty()) << folder;
  std::sort(paths.begin(), paths.end());
  for (const std::string &path : paths) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    ASSERT_TRUE(buffer) << path;
    EXPECT_EQ(importBytes(format, (*buffer)->getBuffer()), "") << path;
  }
}

TEST(FuzzCorpus, OnnxBinary) { replay(Format::OnnxBinary, "OnnxBinary"); }
TEST(FuzzCorpus, OnnxText) { replay(Format::OnnxText, "OnnxText"); }
TEST(FuzzCorpus, Language) { replay(Format::Language, "Language"); }

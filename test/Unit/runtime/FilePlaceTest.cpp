// Which file a path leads to, and what may be written there.
#include "Command.h"

#include "dtcrt/context.h"
#include "io/File.h"
#include "io/FilePlace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

namespace fs = std::filesystem;

void put(const std::string &path, const std::string &text) { std::ofstream(path) << text; }
void put_whole(const std::string &path, const std::string &text) {
  write_whole(path, [&](const auto &append) { append(text.data(), text.size()); });
}

std::string refusal(void (*check)(const std::string &), const std::string &path) {
  try {
    check(path);
    return "";
  } catch (const Error &error) {
    return error.what();
  }
}

/// A file under all the spellings that lead to it, and what is not it.
struct Spellings : Folder {
  Spellings() {
    fs::create_directory(*this / "sub");
    put(*this / "file", "text");
    put(*this / "copy", "text");
    fs::create_hard_link(*this / "file", *this / "hard");
    fs::create_symlink("file", *this / "soft");
    fs::create_symlink(*this / "soft", *this / "sub/farther");
    fs::create_symlink(path(), *this / "sub/up");
    fs::create_symlink("new", *this / "dangling");
  }
};

TEST(FilePlace, IsTheSameForAllSpellings) {
  const Spellings folder;
  const FilePlace file(folder / "file");
  for (const char *spelling : {"hard", "soft", "sub/farther", "sub/up/file", "sub/../file", "./file", "//file"})
    EXPECT_EQ(FilePlace(folder / spelling), file) << spelling;
  for (const char *other : {"copy", "new", "sub", "dangling", "none/file", "sub/file"})
    EXPECT_FALSE(FilePlace(folder / other) == file) << other;
  EXPECT_EQ(FilePlace(folder / "sub/farther").path(), fs::canonical(folder / "file"));
}

TEST(FilePlace, KnowsWhatIsNotThereByItsFolder) {
  const Spellings folder;
  for (const char *spelling : {"dangling", "sub/../new", "sub/up/new", "sub/up/dangling"})
    EXPECT_EQ(FilePlace(folder / spelling), FilePlace(folder / "new")) << spelling;
  EXPECT_FALSE(FilePlace(folder / "sub/new") == FilePlace(folder / "new"));
  EXPECT_EQ(FilePlace(folder / "new").kind(), FilePlace::Kind::nothing);
}

TEST(FilePlace, KnowsDescriptors) {
  const Spellings folder;
  fs::create_symlink("/dev/stdout", folder / "out");
  EXPECT_EQ(FilePlace("/dev/stdout").descriptor(), 1);
  EXPECT_EQ(FilePlace("/dev/fd/2").descriptor(), 2);
  EXPECT_EQ(FilePlace("/proc/self/fd/0").descriptor(), 0);
  EXPECT_EQ(FilePlace("/dev/../dev/stderr").descriptor(), 2);
  EXPECT_EQ(FilePlace(folder / "out").descriptor(), 1);
  EXPECT_EQ(FilePlace(folder / "file").descriptor(), -1);
  // Also where it is a file: what others wrote there stays.
  EXPECT_EQ(FilePlace("/dev/stdout").kind(), FilePlace::Kind::stream);
}

TEST(FilePlace, WhatMayBeWritten) {
  const Spellings folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  fs::create_symlink("fifo", folder / "to-fifo");
  fs::create_symlink("/dev/null", folder / "to-null");
  for (const char *good : {"file", "new", "soft", "hard", "dangling", "sub/up/new"}) {
    EXPECT_EQ(refusal(check_replaceable, folder / good), "");
    EXPECT_EQ(refusal(check_writable, folder / good), "");
  }
  for (const std::string &stream : {folder / "fifo", folder / "to-fifo", folder / "to-null", std::string("/dev/null"), std::string("/dev/stdout")}) {
    EXPECT_EQ(refusal(check_replaceable, stream), "cannot write " + stream + ": it is no ordinary file, which a new one could take the place of");
    EXPECT_EQ(refusal(check_writable, stream), "");
  }
  for (const auto check : {check_replaceable, check_writable}) {
    EXPECT_EQ(refusal(check, folder / "sub"), "cannot write " + (folder / "sub") + ": it is a folder");
    EXPECT_EQ(refusal(check, folder / "sub/up/"), "cannot write " + (folder / "sub/up/") + ": it is a folder");
    EXPECT_EQ(refusal(check, folder / "none/file"), "cannot write " + (folder / "none/file") + ": No such file or directory");
  }
}

TEST(WriteWhole, ReplacesWhatALinkLeadsTo) {
  const Spellings folder;
  put_whole(folder / "sub/farther", "new text");
  EXPECT_TRUE(fs::is_symlink(folder / "sub/farther"));
  EXPECT_EQ(contents(folder / "file"), "new text");
  EXPECT_EQ(contents(folder / "hard"), "text"); // another name of the old file
  put_whole(folder / "dangling", "made");
  EXPECT_TRUE(fs::is_symlink(folder / "dangling"));
  EXPECT_EQ(contents(folder / "new"), "made");
}

TEST(WriteWhole, LeavesDevicesAndFoldersAlone) {
  const Spellings folder;
  const bool is_root = geteuid() == 0;
  const std::string device = folder / "null"; // which root could replace
  ASSERT_TRUE(!is_root || mknod(device.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  for (const std::string &path : {folder / "fifo", folder / "sub", is_root ? device : std::string("/dev/null")})
    EXPECT_THROW(put_whole(path, "text"), Error) << path;
  EXPECT_TRUE(fs::is_fifo(folder / "fifo"));
  EXPECT_TRUE(!is_root || fs::is_character_file(device));
}

TEST(WriteWhole, TakesAnyPath) {
  Folder folder;
  const std::string names[] = {"50%off", "%%%%%%%%", "a b", "a,b=c", "-x", "'\"`$(touch pwned)", "back\\slash", "new\nline", "\xc3\xbc", ";#&|", "XXXXXX",
                               std::string(255, 'n')};
  for (const std::string &name : names) {
    fs::create_directory(folder / name);
    const std::string file = (folder / name) + "/" + name;
    put_whole(file, name);
    EXPECT_EQ(contents(file), name);
    // Nothing else is left.
    EXPECT_EQ(std::distance(fs::directory_iterator(folder / name), fs::directory_iterator()), 1);
  }
  EXPECT_THROW(put_whole(folder / std::string(256, 'n'), ""), Error);
}

} // namespace

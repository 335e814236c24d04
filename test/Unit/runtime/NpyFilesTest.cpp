// How --data=npy: spells names and paths.
#include "data/NpyFiles.h"
#include "dtcrt/context.h"

#include <gtest/gtest.h>

#include <random>

using namespace dtcrt;

namespace {

using Files = std::map<NpyName, std::string>;
const NpyName label{false, std::nullopt}, eval_label{true, std::nullopt};
NpyName input(const std::string &name) { return {false, name}; }
NpyName eval_input(const std::string &name) { return {true, name}; }

TEST(NpyFiles, ReadsNamesAndPaths) {
  const std::pair<const char *, Files> cases[] = {
      {"x=a.npy,label=b.npy", {{input("x"), "a.npy"}, {label, "b.npy"}}},
      {"x=a,label=b,eval-x=c,eval-label=d", {{input("x"), "a"}, {label, "b"}, {eval_input("x"), "c"}, {eval_label, "d"}}},
      // An equals sign of a path needs nothing, one of a name does.
      {"x=a=b", {{input("x"), "a=b"}}},
      {"x=a\\=b", {{input("x"), "a=b"}}},
      {"x\\=y=a", {{input("x=y"), "a"}}},
      {"x=a\\,b.npy,y\\,z=c", {{input("x"), "a,b.npy"}, {input("y,z"), "c"}}},
      {"x=C:\\\\a", {{input("x"), "C:\\a"}}},
      {"\\x00\\xe4=\\x0A", {{input(std::string("\0\xe4", 2)), "\n"}}},
      // Inputs that are called as other things are.
      {"input:label=a,label=b", {{input("label"), "a"}, {label, "b"}}},
      {"input:eval-x=a,eval-x=b", {{input("eval-x"), "a"}, {eval_input("x"), "b"}}},
      {"eval-input:label=a", {{eval_input("label"), "a"}}},
      {"eval-input:eval-x=a", {{eval_input("eval-x"), "a"}}},
      {"input:input:x=a,input:y=b", {{input("input:x"), "a"}, {input("y"), "b"}}},
      {"x:0=a", {{input("x:0"), "a"}}},
  };
  for (const auto &[list, files] : cases)
    EXPECT_EQ(parse_npy_files(list), files) << list;
}

TEST(NpyFiles, RefusesWhatIsNoList) {
  const std::pair<const char *, const char *> cases[] = {
      {"x", "'x' is not NAME=FILE"},
      {"=a", "'=a' is not NAME=FILE"},
      {"x=", "'x=' is not NAME=FILE"},
      {"x=a,", "'' is not NAME=FILE"},
      {"x=a,,y=b", "'' is not NAME=FILE"},
      {"x\\=a", "'x\\=a' is not NAME=FILE"},
      {"x=a,x=b", "'x' is given twice"},
      {"x\\,=a,x\\x2c=b", "'x\\,' is given twice"},
      {"label=a,label=b", "'label' is given twice"},
      {"x=a\\b", "a backslash of a path is \\\\"},
      {"x=a\\", "a backslash of a path is \\\\"},
      {"x=a\\x0", "a backslash of a path is \\\\"},
      {"x=a\\xg0", "a backslash of a path is \\\\"},
      {"x=a\\x-1", "a backslash of a path is \\\\"},
  };
  for (const auto &[list, part] : cases)
    try {
      parse_npy_files(list);
      ADD_FAILURE() << list << " was read";
    } catch (const Error &error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << list << ": " << error.what();
    }
}

/// Names of bytes that mean something somewhere, and of what prefixes are made of.
TEST(NpyFiles, EveryNameCanBeSpelled) {
  std::mt19937 random(7);
  const std::string parts[] = {"eval-", "input:", "label", ",", "=", "\\", "\\x", std::string(1, '\0'), "\n", "\x7f", "\xff", "\"", "a", "00"};
  for (int i = 0; i < 2000; ++i) {
    Files files;
    std::string list;
    for (int count = 1 + random() % 3; count > 0; --count) {
      NpyName name{random() % 2 == 0, std::string()};
      for (int length = 1 + random() % 4; length > 0; --length)
        *name.input += parts[random() % std::size(parts)];
      if (random() % 4 == 0)
        name.input.reset();
      if (files.emplace(name, "f").second)
        list += (list.empty() ? "" : ",") + spelled(name) + "=f";
    }
    EXPECT_EQ(parse_npy_files(list), files) << list;
  }
}

} // namespace

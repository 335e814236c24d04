// Ranks that were started differently, or find different files: one line says in what and where.
#include "Command.h"
#include "comm/Compare.h"
#include "io/Hash.h"

#include <gtest/gtest.h>

using namespace dtcrt::test;
using dtcrt::Fact;

namespace {

TEST(Differences, NameWhatDiffersAndWhere) {
  using Facts = std::vector<Fact>;
  EXPECT_EQ(dtcrt::differences({}), "");
  EXPECT_EQ(dtcrt::differences({Facts{{"a", "1"}}, Facts{{"a", "1"}}}), "");
  EXPECT_EQ(dtcrt::differences({Facts{{"a", "1"}}, Facts{{"b", "2"}}, Facts{}}), "");
  EXPECT_EQ(dtcrt::differences({Facts{{"a", "1"}, {"b", "3"}}, Facts{{"a", ""}, {"b", "4"}}}),
            "a is 1 on rank 0, not given on rank 1; b is 3 on rank 0, 4 on rank 1");
  const Facts x{{"a", "x"}}, y{{"a", "y"}};
  const std::string zero("a\0b\n", 4);
  EXPECT_EQ(dtcrt::differences({Facts{{zero, zero}}, Facts{{zero, "c"}}}), "a\\x00b\\x0a is a\\x00b\\x0a on rank 0, c on rank 1");
  EXPECT_EQ(dtcrt::differences({x, x, x, y, x, x, y}), "a is x on ranks 0 to 2, 4 and 5, y on ranks 3 and 6");
  Facts many, others;
  for (int i = 0; i < 20; ++i) {
    many.push_back({std::to_string(i), "a"});
    others.push_back({std::to_string(i), "b"});
  }
  EXPECT_TRUE(dtcrt::differences({many, others}).ends_with("; 7 is a on rank 0, b on rank 1; and 12 more")) << dtcrt::differences({many, others});
}

// The values are those of the xxHash project's own implementation.
TEST(Hash, IsXXH64) {
  EXPECT_EQ(dtcrt::hash_of(""), 0xEF46DB3751D8E999u);
  EXPECT_EQ(dtcrt::hash_of("a"), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(dtcrt::hash_of("abc"), 0x44BC2CF5AD770999u);
  EXPECT_EQ(dtcrt::hash_of("The quick brown fox jumps over the lazy dog"), 0x0B242D361FDA71BCu);
}

/// Rank 0 with `first`, rank 1 with `second`: each is a command line with its environment.
void expect_differ(const std::string &first, const std::string &second, const std::string &part) {
  SCOPED_TRACE(second);
  const Result result = run_command("env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 1 env " + first +
                                        " : -n 1 env " + second,
                                    30);
  EXPECT_EQ(result.status, 2);
  const auto lines = lines_of_program(result.errors);
  ASSERT_EQ(lines.size(), 1u) << result.errors;
  EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
}

const std::string program = PROGRAMS "/runtime_mnist_2", plain = program + " --data=synthetic:64 --steps=2";

TEST(Alike, EveryOptionThatMatters) {
  expect_differ(plain, program + " --data=synthetic:64 --steps=3 --seed=5 --shuffle=off --validation=8",
                "the ranks were started differently: --steps is 2 on rank 0, 3 on rank 1; --seed is 0 on rank 0, 5 on rank 1; "
                "--shuffle is on on rank 0, off on rank 1; --validation is 0 on rank 0, 8 on rank 1");
  expect_differ(plain, program + " --epochs=2 --metrics=a --save=b --trace=c --load=d",
                "--data is given on rank 0, not given on rank 1; --load is not given on rank 0, given on rank 1; --epochs is 1 on rank 0, 2 on "
                "rank 1; --steps is 2 on rank 0, not given on rank 1; --metrics is not given on rank 0, a on rank 1; --save is not given on "
                "rank 0, b on rank 1; --trace is not given on rank 0, c on rank 1");
  expect_differ(plain, plain + " --help", "--help is not given on rank 0, given on rank 1");
  expect_differ(plain, program + " --data=synthetic:65 --steps=2",
                "different data: --data is 64 training and 16 test samples on rank 0, 65 training and 16 test samples on rank 1");
}

TEST(Alike, ProgramsAndEnvironments) {
  expect_differ(plain, PROGRAMS "/runtime_mnist_4 --data=synthetic:64 --steps=2", "the executable's hash is ");
  expect_differ(plain, "DTCRT_SPLIT_HOST=2 " + plain, "DTCRT_SPLIT_HOST is not given on rank 0, 2 on rank 1");
  expect_differ("DTCRT_BUILDS=any " + plain, "DTCRT_BUILDS=any " PROGRAMS "/runtime_pipeline_2_1 --data=synthetic:64 --steps=2", "the program is ");
}

TEST(Alike, WhatIsReadFromFiles) {
  Folder folder;
  const std::string one = folder / "one", other = folder / "other";
  for (const auto &[seed, file] : {std::pair{"1", one}, {"2", other}})
    ASSERT_EQ(run_command(PROGRAMS "/runtime_mnist_1 --steps=0 --seed=" + std::string(seed) + " --save=" + file).status, 0);
  expect_differ(plain + " --load=" + one, plain + " --load=" + other, "different parameters: conv1.weight is values with the hash ");

  const auto write_npy = [&](const std::string &name, char value) {
    std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 1, 28, 28), }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    std::string text = std::string("\x93NUMPY\x01", 7) + '\0' + static_cast<char>(header.size() & 255) + static_cast<char>(header.size() >> 8);
    std::ofstream(folder / name, std::ios::binary) << text + header + std::string(64 * 784 - 1, 0) + value;
    return folder / name;
  };
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (64,), }";
  header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
  std::ofstream(folder / "y", std::ios::binary) << std::string("\x93NUMPY\x01", 7) + '\0' + static_cast<char>(header.size()) + '\0' + header + std::string(64, 3);
  const std::string x = write_npy("x", 0), z = write_npy("z", 1), rest = ",label=" + (folder / "y") + " --steps=2";
  expect_differ(program + " --data=npy:image=" + x + rest, program + " --data=npy:image=" + z + rest,
                "different data: image is u8 values of shape [1, 28, 28] with the hash ");
}

} // namespace

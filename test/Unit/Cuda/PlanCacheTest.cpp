// Tuned plans in a file that several ranks use.
#include "cuda/PlanCache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace dtcrt;

namespace {

struct PlanCaches : testing::Test {
  std::string folder = testing::TempDir() + "/plan-cache-" + std::to_string(::getpid());
  ~PlanCaches() override { std::filesystem::remove_all(folder); }
};

TEST_F(PlanCaches, AnswerTheNextProgram) {
  PlanCache(folder, "lib 1 A GPU").keep("call", "answer");
  EXPECT_EQ(PlanCache(folder, "lib 1 A GPU").find("call"), "answer");
  EXPECT_EQ(PlanCache(folder, "lib 2 A GPU").find("call"), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(folder + "/lib_1_A_GPU"));
}

TEST_F(PlanCaches, KeepWhatOthersHaveAdded) {
  PlanCache first(folder, "lib"), second(folder, "lib");
  first.keep("a", "1");
  second.keep("b", "2");
  const PlanCache later(folder, "lib");
  EXPECT_EQ(later.find("a"), "1");
  EXPECT_EQ(later.find("b"), "2");
}

TEST_F(PlanCaches, AreWholeWhateverRanksDoAtTheSameTime) {
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < 4; ++rank)
    ranks.emplace_back([&, rank] {
      PlanCache cache(folder, "lib");
      for (int i = 0; i < 20; ++i)
        cache.keep("call " + std::to_string(rank) + " " + std::to_string(i), "answer");
    });
  for (std::thread &rank : ranks)
    rank.join();
  // The last who wrote has all of its own; what others wrote at that moment may be missing, damaged is nothing.
  std::ifstream file(folder + "/lib");
  std::string line;
  std::getline(file, line);
  int lines = 0, known = 0;
  const PlanCache later(folder, "lib");
  while (std::getline(file, line)) {
    ++lines;
    known += later.find(line.substr(0, line.find('\t'))) == "answer";
  }
  EXPECT_GE(lines, 20);
  EXPECT_EQ(known, lines);
}

TEST_F(PlanCaches, LeaveOutLinesThatAreDamaged) {
  PlanCache cache(folder, "lib");
  cache.keep("good", "1");
  cache.keep("worse", "2");
  std::stringstream text;
  text << std::ifstream(folder + "/lib").rdbuf();
  std::string content = text.str();
  content.replace(content.find("worse\t2"), 7, "worse\t3");
  std::ofstream(folder + "/lib") << content << "no tabs\n\t\n";
  const PlanCache later(folder, "lib");
  EXPECT_EQ(later.find("good"), "1");
  EXPECT_EQ(later.find("worse"), std::nullopt);
}

TEST_F(PlanCaches, WorkWithoutAFolder) {
  PlanCache cache("", "lib");
  cache.keep("call", "answer");
  EXPECT_EQ(cache.find("call"), "answer");
}

} // namespace

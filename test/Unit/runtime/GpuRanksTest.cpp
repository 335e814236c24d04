// Ranks with GPUs on the emulation: by NCCL, and through the host's memory; and what becomes of all when one fails or dies.
#include "Command.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using namespace dtcrt::test;

namespace {

const std::string program = PROGRAMS "/gpu_ranks";
/// The host cannot touch a GPU's memory, and streams run as late as they may.
const std::string strict = "CUDA_EMULATION_PROTECT=1 CUDA_EMULATION_STREAMS=lazy";

/// 40 samples 0, 1, ... 39 of shape [1].
void write_samples(const std::string &path) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 1), }";
  header.resize(118 - 1, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8) << char(header.size()) << char(0) << header;
  for (int i = 0; i < 40; ++i) {
    const float value = static_cast<float>(i);
    file.write(reinterpret_cast<const char *>(&value), sizeof value);
  }
}

std::vector<double> losses(const std::string &metrics) {
  std::vector<double> result;
  const std::string text = contents(metrics), key = "\"loss\":";
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1))
    result.push_back(std::strtod(text.c_str() + at + key.size(), nullptr));
  return result;
}

/// The mean of i² for i in [begin, end).
double mean_of_squares(int begin, int end) {
  double sum = 0;
  for (int i = begin; i < end; ++i)
    sum += i * i;
  return sum / (end - begin);
}

const std::string gpus = "CUDA_EMULATION_DEVICES=4 ", one_gpu = "CUDA_EMULATION_DEVICES=1 ";
const std::string orders[] = {"CUDA_EMULATION_STREAMS=eager ", "CUDA_EMULATION_STREAMS=lazy ", "CUDA_EMULATION_STREAMS=newest "};

/// Losses of six steps, which begin with three of an epoch. The third batch has 8 samples, all on the first replica.
void expect_losses(const std::string &metrics, const std::string &environment) {
  const std::vector<double> expected = {mean_of_squares(0, 16), mean_of_squares(16, 32), mean_of_squares(32, 40)};
  const std::vector<double> actual = losses(metrics);
  ASSERT_EQ(actual.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_NEAR(actual[i], expected[i % 3], 1e-5 * expected[i % 3]) << environment << ", step " << i + 1;
}

/// One of the ranks says one line, all end with status 2.
void expect_line(const Result &result, const std::string &line) {
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(lines_of_program(result.errors), std::vector{"gpu_ranks: " + line});
}

TEST(GpuRanks, CommunicateByNccl) {
  Folder folder;
  write_samples(folder / "x.npy");
  const std::string arguments = " --data=npy:x=" + (folder / "x.npy") + " --shuffle=off --steps=6 --metrics=" + (folder / "m");
  for (const std::string &order : orders)
    for (const char *graph : {"", " --no-graph"}) {
      const std::string environment = gpus + order + "CUDA_EMULATION_PROTECT=1 CUDA_EMULATION_RECORD=" + (folder / "record");
      const Result result = run_ranks(4, program + arguments + graph, environment);
      ASSERT_EQ(result.status, 0) << environment << ": " << result.errors;
      expect_losses(folder / "m", environment + graph);
      EXPECT_NE(contents(folder / "record.0").find("send of 32 bytes begins"), std::string::npos);
    }
}

/// Programs with a mistake in a copy of NcclNetwork.cpp.
TEST(GpuRanks, AWaitBetweenStreamsThatIsMissingShows) {
  Folder folder;
  write_samples(folder / "x.npy");
  const std::string arguments = " --data=npy:x=" + (folder / "x.npy") + " --shuffle=off --steps=6 --metrics=" + (folder / "m");
  // A line that does not wait for the step sends what is not there yet, the step that does not wait for it computes with what has not come.
  for (const auto &[mistake, order] : {std::pair("line_does_not_wait", orders[2]), std::pair("step_does_not_wait", orders[1])}) {
    const std::string planted = PROGRAMS "/gpu_ranks_" + std::string(mistake) + arguments;
    const Result result = run_ranks(4, planted + " --no-graph", gpus + order, 30);
    ASSERT_EQ(result.status, 0) << result.errors;
    EXPECT_GT(std::abs(losses(folder / "m").at(0) - mean_of_squares(0, 16)), 1) << mistake << " is not seen";
    // A capture sees it by itself.
    const Result captured = run_ranks(4, planted, gpus + order, 30);
    EXPECT_NE(captured.status, 0) << mistake;
    EXPECT_NE(captured.errors.find("CUDA could not"), std::string::npos) << captured.errors;
  }
}

TEST(GpuRanks, TellWhatFailedInNccl) {
  for (const char *graph : {" --no-graph", ""}) {
    // Rank 1 has four lines, each begins with a connection. Steps of it: product, loss.
    const std::string run = program + " --data=synthetic:64 --steps=8" + graph;
    expect_line(run_ranks(4, run, gpus + "CUDA_EMULATION_NCCL=error:1:9", 30),
                "NCCL: remote process exited or there was a network error, in receiving 'product' from rank 0 to rank 1 along 'pipe' "
                "(NCCL_DEBUG=WARN tells more)");
    expect_line(run_ranks(4, run, gpus + "CUDA_EMULATION_NCCL=error:1:8", 30),
                "NCCL: remote process exited or there was a network error, in all-reduce of 'loss' among ranks 0, 1, 2, 3 "
                "(NCCL_DEBUG=WARN tells more)");
  }
}

TEST(GpuRanks, TellWhatNcclCouldNotConnect) {
  expect_line(run_ranks(4, program + " --data=synthetic:64", gpus + "CUDA_EMULATION_NCCL=connect:2:2", 30),
              "NCCL could not connect the line among ranks 0, 2 along 'data': unhandled system error (NCCL_DEBUG=WARN tells more)");
}

/// Rank 2 dies: the others end, and one tells which and what it was in the middle of.
void expect_death(const std::string &arguments, const std::string &environment) {
  SCOPED_TRACE(environment + arguments);
  const Survivors result = run_survivors(4, program + " --data=synthetic:64 --steps=8" + arguments, environment);
  EXPECT_EQ(result.statuses, std::vector({2, 2, 2, killed}));
  ASSERT_EQ(result.lines.size(), 1u) << testing::PrintToString(result.lines);
  EXPECT_EQ(result.lines[0].find("gpu_ranks: rank 2 has died; under way: "), 0u) << result.lines[0];
}

TEST(GpuRanks, DoNotHangWhenOneIsKilled) {
  for (const char *graph : {" --no-graph", ""}) {
    expect_death(graph, gpus + "CUDA_EMULATION_NCCL=kill:2:9"); // sends
    expect_death(graph, gpus + "CUDA_EMULATION_NCCL=kill:2:8"); // reduces
  }
  expect_death(" --share-gpu", one_gpu + "CUDA_EMULATION_KILL=2:9");
  // mpirun ends all when one is killed, and tells which. What the ranks manage to say before is one line at most.
  const Result result = run_ranks(4, program + " --data=synthetic:64", gpus + "CUDA_EMULATION_NCCL=kill:2:8", 30);
  EXPECT_TRUE(result.status == killed || result.status == 2) << result.status;
  EXPECT_LE(lines_of_program(result.errors).size(), 1u) << result.errors;
}

TEST(GpuRanks, CommunicateThroughTheHostWhereTheyShareAGpu) {
  Folder folder;
  write_samples(folder / "x.npy");
  const std::string arguments = " --data=npy:x=" + (folder / "x.npy") + " --shuffle=off --steps=6 --metrics=" + (folder / "m");
  for (const std::string &environment : {strict, std::string("CUDA_EMULATION_DEVICES=3"), strict + " DTCRT_SPLIT_HOST=2"}) {
    const Result result = run_ranks(4, program + arguments + " --share-gpu", environment);
    ASSERT_EQ(result.status, 0) << environment << ": " << result.errors;
    expect_losses(folder / "m", environment);
  }
}

TEST(GpuRanks, DoNotShareAGpuUnasked) {
  for (const char *environment : {"", "CUDA_EMULATION_DEVICES=3"})
    expect_line(run_ranks(4, program + " --data=synthetic:32", environment),
                "4 ranks on this host, and fewer GPUs: start one rank a GPU, or let ranks share one with --share-gpu");
}

TEST(GpuRanks, AllLeaveWhenOneHasNoRoom) {
  const Result result = run_ranks(4, program + " --data=synthetic:32 --share-gpu", "CUDA_EMULATION_MEMORY=2048");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.errors.rfind("gpu_ranks: ", 0), 0u) << result.errors;
}

} // namespace

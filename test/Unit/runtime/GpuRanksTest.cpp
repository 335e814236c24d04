// Ranks with GPUs that are not connected, on the emulation: the same timelines, through the host's memory; and a rank that fails.
#include "Command.h"

#include <gtest/gtest.h>

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

TEST(GpuRanks, CommunicateThroughTheHostWhereTheyShareAGpu) {
  Folder folder;
  write_samples(folder / "x.npy");
  const std::string arguments = " --data=npy:x=" + (folder / "x.npy") + " --shuffle=off --steps=6 --metrics=" + (folder / "m");
  for (const std::string &environment : {strict, std::string("CUDA_EMULATION_DEVICES=4"), strict + " DTCRT_SPLIT_HOST=2"}) {
    const Result result = run_ranks(4, program + arguments + " --share-gpu", environment);
    ASSERT_EQ(result.status, 0) << environment << ": " << result.errors;
    // The third batch of an epoch has 8 samples, all on the first replica.
    const std::vector<double> expected = {mean_of_squares(0, 16), mean_of_squares(16, 32), mean_of_squares(32, 40)};
    const std::vector<double> actual = losses(folder / "m");
    ASSERT_EQ(actual.size(), 6u);
    for (std::size_t i = 0; i < 6; ++i)
      EXPECT_NEAR(actual[i], expected[i % 3], 1e-5 * expected[i % 3]) << environment << ", step " << i + 1;
  }
}

TEST(GpuRanks, DoNotShareAGpuUnasked) {
  const Result result = run_ranks(4, program + " --data=synthetic:32");
  EXPECT_EQ(result.status, 2);
  const std::string line = "gpu_ranks: 4 ranks on this host, and fewer GPUs: start one rank a GPU, or let ranks share one with --share-gpu\n";
  EXPECT_EQ(result.errors.rfind(line, 0), 0u) << result.errors;
}

TEST(GpuRanks, AllLeaveWhenOneHasNoRoom) {
  const Result result = run_ranks(4, program + " --data=synthetic:32 --share-gpu", "CUDA_EMULATION_MEMORY=2048");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.errors.rfind("gpu_ranks: ", 0), 0u) << result.errors;
}

} // namespace

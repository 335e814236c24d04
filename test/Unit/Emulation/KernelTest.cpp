// Kernels in the emulation: indices, barriers, shuffles, atomics, and the mistakes that it sees.
#include <cuda_emulation.h>
#include <cuda_runtime.h>

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace {

template <class... P, class... A> cudaError_t run(void (*kernel)(P...), dim3 blocks, dim3 threads, A... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = threads;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

struct Kernels : testing::Test {
  void TearDown() override {
    cuda_emulation::set_order(cuda_emulation::Order::ascending);
    cudaDeviceReset();
  }
  void expect_failure(cudaError_t error, const char *message) {
    EXPECT_NE(error, cudaSuccess);
    EXPECT_NE(cuda_emulation::last_failure().find(message), std::string::npos) << cuda_emulation::last_failure();
  }
};

__global__ void number(int *out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] += static_cast<int>(block * 1000 + thread);
}

TEST_F(Kernels, EveryThreadOfEveryBlockRunsOnce) {
  std::vector<int> out(2 * 3 * 2 * 4 * 5 * 3);
  ASSERT_EQ(run(number, dim3(2, 3, 2), dim3(4, 5, 3), out.data()), cudaSuccess);
  for (int block = 0; block < 12; ++block)
    for (int thread = 0; thread < 60; ++thread)
      EXPECT_EQ(out[block * 60 + thread], block * 1000 + thread);
}

template <bool with_barrier> __global__ void rotate(const int *in, int *out, int by) {
  __shared__ int shared[256];
  shared[threadIdx.x] = in[threadIdx.x];
  if (with_barrier)
    __syncthreads();
  out[threadIdx.x] = shared[(threadIdx.x + by) % blockDim.x];
}

/// The orders in which the result of a rotation is right.
template <bool with_barrier> int right_orders(int by) {
  int right = 0;
  for (const auto order : {cuda_emulation::Order::ascending, cuda_emulation::Order::descending, cuda_emulation::Order::random}) {
    cuda_emulation::set_order(order, 7);
    std::vector<int> in(256), out(256);
    std::iota(in.begin(), in.end(), by);
    EXPECT_EQ(run(rotate<with_barrier>, 1, 256, in.data(), out.data(), by), cudaSuccess);
    bool is_right = true;
    for (int i = 0; i < 256; ++i)
      is_right = is_right && out[i] == (i + by) % 256 + by;
    right += is_right;
  }
  return right;
}

TEST_F(Kernels, ABarrierOrdersAndAMissingOneShows) {
  for (const int by : {1, 100, 255}) {
    EXPECT_EQ(right_orders<true>(by), 3);
    EXPECT_EQ(right_orders<false>(by), 0);
  }
}

__global__ void read_before_write(float *out) {
  __shared__ float shared[64];
  out[blockIdx.x * 64 + threadIdx.x] = shared[threadIdx.x];
  shared[threadIdx.x] = 1;
}

TEST_F(Kernels, SharedMemoryBeginsAsNaN) {
  std::vector<float> out(3 * 64);
  ASSERT_EQ(run(read_before_write, 3, 64, out.data()), cudaSuccess);
  for (const float value : out)
    EXPECT_TRUE(std::isnan(value));
}

__global__ void barrier_for_some(int limit) {
  if (static_cast<int>(threadIdx.x) < limit)
    __syncthreads();
}
__global__ void different_barriers() {
  if (threadIdx.x % 2)
    __syncthreads();
  else
    __syncthreads();
}

TEST_F(Kernels, ABarrierThatNotAllReachIsAnError) {
  expect_failure(run(barrier_for_some, 1, 64, 63), "a barrier that not all threads reach: thread (0, 0, 0) waits at KernelTest.cpp:");
  EXPECT_NE(cuda_emulation::last_failure().find("thread (63, 0, 0) has left the kernel"), std::string::npos) << cuda_emulation::last_failure();
  EXPECT_NE(cuda_emulation::last_failure().find("barrier_for_some, block (0, 0, 0)"), std::string::npos) << cuda_emulation::last_failure();
  EXPECT_EQ(run(barrier_for_some, 1, 64, 64), cudaErrorLaunchFailure) << "failures stay";
  cudaDeviceReset();
  EXPECT_EQ(run(barrier_for_some, 1, 64, 64), cudaSuccess);
  expect_failure(run(different_barriers, 1, 64), "different barriers");
}

__global__ void sum_warp(const float *in, float *out) {
  float value = in[threadIdx.x];
  for (int delta = 16; delta > 0; delta /= 2)
    value += __shfl_down_sync(0xffffffffu, value, delta);
  if (threadIdx.x % 32 == 0)
    out[threadIdx.x / 32] = value;
}
__global__ void vote(unsigned *ballots, int *counts) {
  ballots[threadIdx.x] = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
  counts[threadIdx.x] = __syncthreads_count(threadIdx.x % 3 == 0);
}

TEST_F(Kernels, ShufflesAndVotes) {
  for (const auto order : {cuda_emulation::Order::ascending, cuda_emulation::Order::descending, cuda_emulation::Order::random}) {
    cuda_emulation::set_order(order, 3);
    std::vector<float> in(96), out(3);
    std::iota(in.begin(), in.end(), 0.0f);
    ASSERT_EQ(run(sum_warp, 1, 96, in.data(), out.data()), cudaSuccess);
    EXPECT_EQ(out, (std::vector<float>{496, 1520, 2544}));
    std::vector<unsigned> ballots(64);
    std::vector<int> counts(64);
    ASSERT_EQ(run(vote, 1, 64, ballots.data(), counts.data()), cudaSuccess);
    EXPECT_EQ(ballots[5], 0x49249249u);
    EXPECT_EQ(ballots[40], 0x92492492u);
    EXPECT_EQ(counts, std::vector<int>(64, 22));
  }
}

__global__ void shuffle_of_some(int *out) {
  if (threadIdx.x < 20)
    out[threadIdx.x] = __shfl_down_sync(0xffffffffu, static_cast<int>(threadIdx.x), 1);
}
__global__ void shuffle_outside_mask(int *out) { out[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, static_cast<int>(threadIdx.x), 1); }

TEST_F(Kernels, LanesThatAMaskNamesAndThatDoNotComeAreAnError) {
  std::vector<int> out(32);
  expect_failure(run(shuffle_of_some, 1, 32, out.data()), "waits in __shfl_down_sync");
  EXPECT_NE(cuda_emulation::last_failure().find("thread (20, 0, 0) of its mask, which has left the kernel"), std::string::npos);
  cudaDeviceReset();
  expect_failure(run(shuffle_outside_mask, 1, 32, out.data()), "a mask that its own lane is not in");
}

__global__ void add(int *sum, float *largest) {
  atomicAdd(sum, static_cast<int>(threadIdx.x));
  atomicAdd(largest, 0.5f);
}

TEST_F(Kernels, Atomics) {
  int sum = 0;
  float half = 0;
  ASSERT_EQ(run(add, 3, 100, &sum, &half), cudaSuccess);
  EXPECT_EQ(sum, 3 * 4950);
  EXPECT_EQ(half, 150);
}

__global__ void fill_until(float *out, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= count) // one too many
    out[i] = 1;
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_F(Kernels, AWriteBehindABlockOfMemoryIsAnError) {
  float *memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 100 * sizeof(float)), cudaSuccess);
  EXPECT_EQ(run(fill_until, 1, 128, memory, 99), cudaSuccess);
  expect_failure(run(fill_until, 1, 128, memory, 100), "fill_until wrote to byte 400 of a block of 400 bytes");
  cudaDeviceReset();
  cudaFree(memory);
}
#else
__global__ void beyond_shared(int *out) {
  __shared__ int shared[32];
  shared[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = shared[threadIdx.x + 1];
}

TEST_F(Kernels, AnAccessBehindASharedArrayIsAnError) {
  std::vector<int> out(32);
  EXPECT_DEATH(run(beyond_shared, 1, 32, out.data()), "AddressSanitizer: global-buffer-overflow");
}

TEST_F(Kernels, AnAccessBehindABlockOfMemoryIsAnError) {
  float *memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 100 * sizeof(float)), cudaSuccess);
  EXPECT_DEATH(run(fill_until, 1, 128, memory, 100), "AddressSanitizer: use-after-poison");
  std::vector<float> host(100);
  EXPECT_DEATH(run(fill_until, 1, 128, host.data(), 100), "AddressSanitizer: heap-buffer-overflow");
  EXPECT_EQ(run(fill_until, 1, 128, host.data(), 99), cudaSuccess);
  cudaFree(memory);
}
#endif

TEST_F(Kernels, ImpossibleLaunchesAreRefused) {
  EXPECT_EQ(run(barrier_for_some, 0, 64, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run(barrier_for_some, 1, 1025, 1025), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run(barrier_for_some, dim3(1, 65536), 64, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

} // namespace

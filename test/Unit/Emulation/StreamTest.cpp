// Streams, events, graphs and memory of the emulation.
#include <cuda_emulation.h>
#include <cuda_runtime.h>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using cuda_emulation::Streams;

__global__ void add_one(int *value) { *value += 1; }
__global__ void twice(int *value) { *value *= 2; }

cudaError_t launch(void (*kernel)(int *), int *value, cudaStream_t stream) {
  cudaLaunchConfig_t config = {};
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, value);
}

struct StreamTests : testing::Test {
  void SetUp() override {
    for (cudaStream_t *stream : {&a, &b})
      ASSERT_EQ(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    ASSERT_EQ(cudaEventCreateWithFlags(&joined, cudaEventDisableTiming), cudaSuccess);
  }
  void TearDown() override {
    cuda_emulation::set_streams(Streams::eager);
    cudaDeviceReset();
    for (cudaStream_t stream : {a, b})
      cudaStreamDestroy(stream);
    cudaEventDestroy(event);
    cudaEventDestroy(joined);
  }
  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t event = nullptr, joined = nullptr;
};

TEST_F(StreamTests, LazyStreamsRunWhenSomebodyWaits) {
  cuda_emulation::set_streams(Streams::lazy);
  int value = 1;
  launch(add_one, &value, a);
  EXPECT_EQ(value, 1);
  cudaStreamSynchronize(b);
  EXPECT_EQ(value, 1);
  cudaStreamSynchronize(a);
  EXPECT_EQ(value, 2);
}

TEST_F(StreamTests, AnEventOrdersStreamsAndAMissingOneShows) {
  cuda_emulation::set_streams(Streams::lazy);
  for (const bool waits : {true, false}) {
    int value = 1;
    launch(add_one, &value, a);
    cudaEventRecord(event, a);
    launch(add_one, &value, a);
    if (waits)
      cudaStreamWaitEvent(b, event, 0);
    launch(twice, &value, b);
    cudaStreamSynchronize(b);
    EXPECT_EQ(value, waits ? 4 : 2);
    cudaDeviceSynchronize();
  }
}

TEST_F(StreamTests, WorkOfTheNewestStreamRunsAsEarlyAsEventsAllow) {
  cuda_emulation::set_streams(Streams::newest);
  for (const bool waits : {true, false}) {
    int value = 1;
    launch(add_one, &value, a);
    cudaEventRecord(event, a);
    launch(add_one, &value, a);
    if (waits)
      cudaStreamWaitEvent(b, event, 0);
    launch(twice, &value, b);
    EXPECT_EQ(value, 1);
    cudaStreamSynchronize(a); // whatever is waited for
    EXPECT_EQ(value, waits ? 5 : 4);
    cudaDeviceSynchronize();
  }
}

TEST_F(StreamTests, AQueryAdvancesTheWork) {
  cuda_emulation::set_streams(Streams::lazy);
  int value = 1, queries = 0;
  launch(add_one, &value, a);
  launch(add_one, &value, a);
  cudaEventRecord(event, a);
  while (cudaEventQuery(event) == cudaErrorNotReady)
    ++queries;
  EXPECT_EQ(value, 3);
  EXPECT_GT(queries, 0);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(StreamTests, PageableSourcesAreReadAtOnceAndPinnedOnesLater) {
  cuda_emulation::set_streams(Streams::lazy);
  int *device = nullptr, *pinned = nullptr, pageable = 1;
  cudaMalloc(&device, 2 * sizeof(int));
  cudaMallocHost(&pinned, sizeof(int));
  *pinned = 1;
  cudaMemcpyAsync(device, &pageable, sizeof(int), cudaMemcpyHostToDevice, a);
  cudaMemcpyAsync(device + 1, pinned, sizeof(int), cudaMemcpyHostToDevice, a);
  pageable = *pinned = 2;
  int back[2];
  cudaMemcpyAsync(back, device, sizeof back, cudaMemcpyDeviceToHost, a);
  EXPECT_EQ(back[0], 1);
  EXPECT_EQ(back[1], 2);
  cudaFree(device);
  cudaFreeHost(pinned);
}

TEST_F(StreamTests, AGraphRepeatsWhatWasCaptured) {
  int value = 1, copy = 0, untouched = 5;
  ASSERT_EQ(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal), cudaSuccess);
  launch(add_one, &value, a);
  cudaEventRecord(event, a);
  cudaStreamWaitEvent(b, event, 0);
  launch(twice, &value, b);
  cudaEventRecord(joined, b);
  cudaStreamWaitEvent(a, joined, 0);
  cudaMemcpyAsync(&copy, &value, sizeof value, cudaMemcpyDeviceToDevice, a);
  cudaMemsetAsync(&untouched, 0, sizeof untouched, a);
  cudaGraph_t graph;
  ASSERT_EQ(cudaStreamEndCapture(a, &graph), cudaSuccess);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(untouched, 5);
  cudaGraphExec_t exec;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  for (const auto streams : {Streams::eager, Streams::lazy}) {
    cuda_emulation::set_streams(streams);
    value = 1;
    for (int i = 0; i < 3; ++i)
      ASSERT_EQ(cudaGraphLaunch(exec, a), cudaSuccess);
    cudaStreamSynchronize(a);
    EXPECT_EQ(value, 22);
    EXPECT_EQ(copy, 22);
  }
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
}

TEST_F(StreamTests, AGraphIsUpdatedWhereItsShapeIsTheSame) {
  int value = 1;
  const auto capture = [&](int launches, void (*kernel)(int *)) {
    cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal);
    for (int i = 0; i < launches; ++i)
      launch(kernel, &value, a);
    cudaGraph_t graph;
    EXPECT_EQ(cudaStreamEndCapture(a, &graph), cudaSuccess);
    return graph;
  };
  cudaGraph_t first = capture(2, add_one), other = capture(2, twice), longer = capture(3, twice);
  cudaGraphExec_t exec;
  cudaGraphInstantiate(&exec, first, 0);
  cudaGraphExecUpdateResultInfo info;
  EXPECT_EQ(cudaGraphExecUpdate(exec, other, &info), cudaSuccess);
  cudaGraphLaunch(exec, a);
  EXPECT_EQ(value, 4);
  EXPECT_EQ(cudaGraphExecUpdate(exec, longer, &info), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(info.result, cudaGraphExecUpdateErrorTopologyChanged);
  cudaGraphExecDestroy(exec);
  for (cudaGraph_t graph : {first, other, longer})
    cudaGraphDestroy(graph);
}

TEST_F(StreamTests, WhatACaptureForbidsIsRefused) {
  int value = 1;
  void *memory = nullptr;
  cudaGraph_t graph;
  const auto in_capture = [&](auto call) {
    cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal);
    launch(add_one, &value, a);
    const cudaError_t error = call();
    EXPECT_NE(cudaStreamEndCapture(a, &graph), cudaSuccess);
    return error;
  };
  EXPECT_EQ(in_capture([&] { return cudaMalloc(&memory, 4); }), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(in_capture([&] { return cudaStreamSynchronize(a); }), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(in_capture([&] { return cudaDeviceSynchronize(); }), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(in_capture([&] { return cudaMemcpy(&value, &value, 4, cudaMemcpyDefault); }), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(in_capture([&] {
              cudaEventRecord(event, a);
              cudaStreamWaitEvent(b, event, 0);
              launch(add_one, &value, b);
              return cudaEventSynchronize(event); // and b is never joined
            }),
            cudaErrorCapturedEvent);
  cudaEventRecord(event, b);
  EXPECT_EQ(in_capture([&] { return cudaStreamWaitEvent(a, event, 0); }), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(value, 1);
}

TEST_F(StreamTests, MemoryHasAnEnd) {
  void *memory = nullptr;
  std::size_t free = 0, total = 0;
  EXPECT_EQ(cudaMalloc(&memory, std::size_t(1) << 40), cudaErrorMemoryAllocation);
  EXPECT_EQ(memory, nullptr);
  ASSERT_EQ(cudaMalloc(&memory, 1 << 20), cudaSuccess);
  cudaMemGetInfo(&free, &total);
  EXPECT_EQ(total - free, std::size_t(1) << 20);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(&free), cudaErrorInvalidValue);
}

/// Each in a process of its own: the environment is read once.
struct EnvironmentDeathTest : testing::Test {
  template <class Body> void expect(const char *name, const char *value, Body body) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(
        {
          setenv(name, value, 1);
          std::exit(body() ? 0 : 1);
        },
        testing::ExitedWithCode(0), "")
        << name << "=" << value;
  }
};

TEST_F(EnvironmentDeathTest, NoDeviceNoDriverAndAnOldOne) {
  int count = 0;
  expect("CUDA_EMULATION_DEVICES", "0", [&] { return cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0; });
  expect("CUDA_EMULATION_DEVICES", "3", [&] { return cudaGetDeviceCount(&count) == cudaSuccess && count == 3; });
  for (const char *driver : {"0", "12080"})
    expect("CUDA_EMULATION_DRIVER", driver, [&] { return cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver; });
}

TEST_F(EnvironmentDeathTest, AProcessDiesBehindTheKernelThatWasNamed) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto launch_two = [](const char *kill, const char *rank) {
    setenv("CUDA_EMULATION_KILL", kill, 1);
    setenv("PMI_RANK", rank, 1);
    int value = 1;
    launch(add_one, &value, nullptr);
    std::fprintf(stderr, "%d", value);
    launch(add_one, &value, nullptr);
    std::exit(value);
  };
  EXPECT_EXIT(launch_two("1:2", "1"), testing::KilledBySignal(SIGKILL), "2");
  EXPECT_EXIT(launch_two("1:2", "0"), testing::ExitedWithCode(3), "");
  EXPECT_EXIT(launch_two("1", "1"), testing::ExitedWithCode(2), "CUDA_EMULATION_KILL is '1', but must be RANK:N with N from 1 on");
}

TEST_F(EnvironmentDeathTest, TheHostMayNotTouchProtectedMemory) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  expect("CUDA_EMULATION_PROTECT", "1", [] {
    int *memory = nullptr, value = 3;
    cudaMalloc(&memory, sizeof(int));
    cudaMemcpy(memory, &value, sizeof value, cudaMemcpyHostToDevice);
    launch(add_one, memory, nullptr);
    cudaMemcpy(&value, memory, sizeof value, cudaMemcpyDeviceToHost);
    return value == 4;
  });
  EXPECT_EXIT(
      {
        setenv("CUDA_EMULATION_PROTECT", "1", 1);
        int *memory = nullptr;
        cudaMalloc(&memory, 2 * sizeof(int));
        memory[1] = 3;
        std::exit(0);
      },
      testing::ExitedWithCode(134), "the host touched device memory, byte 4 of a block of 8 bytes");
}

} // namespace

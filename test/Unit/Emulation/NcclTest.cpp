// The emulated NCCL: two ranks of one process, on GPUs of their own. Compiled against NVIDIA's headers.
#include <cuda_runtime.h>
#include <nccl.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace {

/// Looked at once, when the emulation is first called.
const bool two_devices = (setenv("CUDA_EMULATION_DEVICES", "2", 1), true);

constexpr int count = 50000; ///< elements: several chunks

struct Rank {
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  std::vector<float> data;
};

struct NcclTests : testing::Test {
  void SetUp() override {
    ncclUniqueId id;
    ASSERT_EQ(ncclGetUniqueId(&id), ncclSuccess);
    for (int r = 0; r < 2; ++r) {
      cudaSetDevice(r);
      ASSERT_EQ(begin(r, 2, id, &ranks[r].comm), ncclInProgress);
      ASSERT_EQ(cudaStreamCreateWithFlags(&ranks[r].stream, cudaStreamNonBlocking), cudaSuccess);
      for (int i = 0; i < count; ++i)
        ranks[r].data.push_back(static_cast<float>((r + 1) * i));
    }
    for (const Rank &rank : ranks)
      ASSERT_EQ(settled(rank), ncclSuccess);
  }
  void TearDown() override {
    for (const Rank &rank : ranks) {
      if (rank.comm)
        ncclCommAbort(rank.comm);
      cudaStreamDestroy(rank.stream);
    }
    cudaSetDevice(0);
  }

  static ncclResult_t begin(int rank, int of, const ncclUniqueId &id, ncclComm_t *comm) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return ncclCommInitRankConfig(comm, of, id, rank, &config);
  }
  static ncclResult_t settled(const Rank &rank) {
    ncclResult_t result = ncclInProgress;
    for (int turn = 0; result == ncclInProgress && turn < 10; ++turn)
      EXPECT_EQ(ncclCommGetAsyncError(rank.comm, &result), ncclSuccess);
    return result;
  }
  static ncclResult_t reduce(Rank &rank, std::size_t elements, ncclRedOp_t reduction) {
    return ncclAllReduce(rank.data.data(), rank.data.data(), elements, ncclFloat, reduction, rank.comm, rank.stream);
  }
  static ncclResult_t put(Rank &rank, ncclResult_t result) { return result == ncclInProgress ? settled(rank) : result; }

  Rank ranks[2];
};

TEST_F(NcclTests, ReducesOnAllRanksWhenAllHaveCome) {
  for (const auto &[reduction, factor] : {std::pair(ncclSum, 3.0f), std::pair(ncclAvg, 3.0f), std::pair(ncclMax, 3.0f)}) {
    ASSERT_EQ(put(ranks[0], reduce(ranks[0], count, reduction)), ncclSuccess);
    EXPECT_EQ(cudaStreamQuery(ranks[0].stream), cudaErrorNotReady);
    EXPECT_EQ(ranks[0].data[count - 1], ranks[0].data[1] * (count - 1)); // nothing has changed
    ASSERT_EQ(put(ranks[1], reduce(ranks[1], count, reduction)), ncclSuccess);
    cudaDeviceSynchronize();
    // 1 and 2, 3 and 3, 3 and 3.
    for (const Rank &rank : ranks)
      for (const int i : {0, 1, 20000, count - 1})
        EXPECT_EQ(rank.data[static_cast<std::size_t>(i)], factor * static_cast<float>(i));
    if (reduction == ncclSum)
      continue;
    EXPECT_EQ(ranks[0].data, ranks[1].data);
  }
}

TEST_F(NcclTests, ASendEndsWhenItsReceiverHasIt) {
  ASSERT_EQ(put(ranks[0], ncclSend(ranks[0].data.data(), count, ncclFloat, 1, ranks[0].comm, ranks[0].stream)), ncclSuccess);
  for (int look = 0; look < 100; ++look)
    ASSERT_EQ(cudaStreamQuery(ranks[0].stream), cudaErrorNotReady);
  ASSERT_EQ(put(ranks[1], ncclRecv(ranks[1].data.data(), count, ncclFloat, 0, ranks[1].comm, ranks[1].stream)), ncclSuccess);
  EXPECT_EQ(cudaStreamSynchronize(ranks[0].stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(ranks[1].stream), cudaSuccess);
  EXPECT_EQ(ranks[0].data, ranks[1].data);
}

TEST_F(NcclTests, AnotherStreamGoesOnMeanwhile) {
  cudaStream_t other;
  cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
  ASSERT_EQ(put(ranks[0], reduce(ranks[0], 4, ncclSum)), ncclSuccess);
  int from = 7, to = 0;
  cudaMemcpyAsync(&to, &from, sizeof to, cudaMemcpyHostToHost, other);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(to, 7);
  EXPECT_EQ(cudaStreamQuery(ranks[0].stream), cudaErrorNotReady);
  cudaStreamDestroy(other);
}

TEST_F(NcclTests, WhatDoesNotFitHangsUntilItIsAborted) {
  ASSERT_EQ(put(ranks[0], reduce(ranks[0], 3, ncclSum)), ncclSuccess);
  ASSERT_EQ(put(ranks[1], reduce(ranks[1], 4, ncclSum)), ncclSuccess);
  for (int look = 0; look < 100; ++look)
    for (const Rank &rank : ranks)
      ASSERT_EQ(cudaStreamQuery(rank.stream), cudaErrorNotReady);
  for (Rank &rank : ranks) {
    EXPECT_EQ(ncclCommAbort(std::exchange(rank.comm, nullptr)), ncclSuccess);
    EXPECT_EQ(cudaStreamSynchronize(rank.stream), cudaSuccess);
  }
  EXPECT_EQ(ranks[0].data[1], 1);
}

TEST_F(NcclTests, ACallThatDoesNotBlockIsOnItsStreamWhenItIsAsked) {
  ASSERT_EQ(reduce(ranks[0], 4, ncclSum), ncclInProgress);
  EXPECT_EQ(cudaStreamQuery(ranks[0].stream), cudaSuccess) << "it is there";
  EXPECT_EQ(reduce(ranks[0], 4, ncclSum), ncclInvalidArgument) << "the one before has not settled";
  EXPECT_EQ(settled(ranks[0]), ncclSuccess);
  EXPECT_EQ(cudaStreamQuery(ranks[0].stream), cudaErrorNotReady);
}

TEST_F(NcclTests, AGraphCommunicatesAtEachOfItsLaunches) {
  cudaGraphExec_t graphs[2];
  for (int r = 0; r < 2; ++r) {
    ASSERT_EQ(cudaStreamBeginCapture(ranks[r].stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    ASSERT_EQ(put(ranks[r], reduce(ranks[r], count, ncclSum)), ncclSuccess);
    cudaGraph_t graph;
    ASSERT_EQ(cudaStreamEndCapture(ranks[r].stream, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&graphs[r], graph, 0), cudaSuccess);
    cudaGraphDestroy(graph);
  }
  for (int launch = 0; launch < 3; ++launch)
    for (int r = 0; r < 2; ++r)
      ASSERT_EQ(cudaGraphLaunch(graphs[r], ranks[r].stream), cudaSuccess);
  cudaDeviceSynchronize();
  for (int r = 0; r < 2; ++r) {
    EXPECT_EQ(ranks[r].data[100], 3 * 2 * 2 * 100);
    cudaGraphExecDestroy(graphs[r]);
  }
}

TEST_F(NcclTests, TwoRanksDoNotShareAGpu) {
  ncclUniqueId id;
  ncclGetUniqueId(&id);
  Rank same[2];
  cudaSetDevice(0);
  for (int r = 0; r < 2; ++r)
    ASSERT_EQ(begin(r, 2, id, &same[r].comm), ncclInProgress);
  for (const Rank &rank : same) {
    EXPECT_EQ(settled(rank), ncclInvalidUsage);
    ncclCommAbort(rank.comm);
  }
}

} // namespace

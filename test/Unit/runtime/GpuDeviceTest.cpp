// The GPU as the device of run()'s loop, on the emulation: batches, results, graphs, and what a machine may lack.
#include "core/Device.h"
#include "cuda/Backend.h"
#include "dtcrt/world.h"

#include <cuda_emulation.h>
#include <gtest/gtest.h>

#include <cstdlib>

using namespace dtcrt;

namespace {

/// The loss is the sum of the inputs times their weights, and 1000 times the number of the step.
__global__ void weigh(const f32 *x, const f32 *weight, const i64 *step, f32 *loss, index rows) {
  f32 sum = 1000.0f * static_cast<f32>(*step);
  for (index i = 0; i < rows; ++i)
    sum += x[i] * weight[i];
  *loss = sum;
}
__global__ void complain(BadOperand *place) { *place = {3, 12, 10, 0}; }

struct Loop {
  explicit Loop(const DeviceOptions &options = {}, std::size_t arena_bytes = 4096)
      : device(make_device(ctx, plan, options)), arena(device->allocate(arena_bytes, whole_arena)) {
    binding.inputs = {{"x", x()}};
    binding.weight = Tensor<f32>(arena, 256, {4});
    binding.step = Tensor<i64>(arena, 512, {});
    binding.loss = Tensor<f32>(arena, 576, {});
    device->bind(binding);
  }
  Tensor<f32> x() const { return {arena, "x", 0, {4}}; }

  void start(f32 value, i64 step) {
    const Binding &batch = device->batch();
    for (index i = 0; i < 4; ++i) {
      std::get<Tensor<f32>>(batch.inputs[0].tensor).data()[i] = value + static_cast<f32>(i);
      batch.weight.data()[i] = 0.25f;
    }
    *batch.step.data() = step;
    device->start(Device::Phase::train, [&] {
      ++calls;
      device::launch(ctx, weigh, 1, 1, x().data(), binding.weight.data(), binding.step.data(), binding.loss.data(), 4);
    });
  }

  Plan plan;
  Context ctx{1};
  std::unique_ptr<Device> device;
  Arena arena;
  Binding binding;
  int calls = 0;
};

class GpuDevice : public testing::TestWithParam<cuda_emulation::Streams> {
protected:
  void SetUp() override { cuda_emulation::set_streams(GetParam()); }
  void TearDown() override { cuda_emulation::set_streams(cuda_emulation::Streams::eager); }
};

TEST_P(GpuDevice, ComputesEveryStepOnItsOwnBatchWithTwoUnderWay) {
  for (const bool graph : {true, false}) {
    Loop loop({.graph = graph});
    ASSERT_EQ(loop.device->depth(), 2);
    loop.start(1, 1);
    for (i64 step = 2; step <= 9; ++step) {
      loop.start(static_cast<f32>(step * step), step);
      const f64 last = static_cast<f64>(step - 1);
      EXPECT_EQ(loop.device->finish().loss, 1000 * last + last * last + 1.5);
    }
    EXPECT_EQ(loop.device->finish().loss, 9000 + 81 + 1.5);
    // Once as it is, once to be captured.
    EXPECT_EQ(loop.calls, graph ? 2 : 9);
  }
}

TEST_P(GpuDevice, WritesAndReadsWhatTheProgramBinds) {
  Loop loop;
  loop.device->write(loop.x(), [](const Tensor<f32> &values) {
    for (index i = 0; i < 4; ++i)
      values.data()[i] = static_cast<f32>(i * i);
  });
  loop.device->read(loop.x(), [](const Tensor<f32> &values) { EXPECT_EQ(values.data()[3], 9); });
}

TEST_P(GpuDevice, TellsOfALabelThatAKernelFound) {
  Loop loop;
  loop.device->batch();
  loop.device->start(Device::Phase::train, [&] { device::launch(loop.ctx, complain, 1, 1, loop.ctx.backend().bad_operand); });
  try {
    loop.device->finish();
    FAIL() << "nothing was said";
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "label 12 of sample 3 of the batch on rank 0 is not a class id below 10");
  }
}

INSTANTIATE_TEST_SUITE_P(Streams, GpuDevice, testing::Values(cuda_emulation::Streams::eager, cuda_emulation::Streams::lazy));

TEST(GpuDevice, SaysBeforeItAllocatesWhatDoesNotFit) {
  Plan plan;
  Context ctx(1);
  const std::unique_ptr<Device> device = make_device(ctx, plan, {});
  try {
    device->allocate(std::size_t(100) << 30, whole_arena);
    FAIL() << "it fits";
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("the program needs 102400 MiB of GPU memory, "), std::string::npos) << error.what();
  }
}

TEST(GpuDevice, NamesTheFragmentAndThePlaceOfAFailure) {
  Context ctx(1);
  ctx.backend().fragments.push_back("stage0_forward");
  try {
    device::check(cudaErrorMemoryAllocation, "allocate the arena");
    FAIL() << "nothing was said";
  } catch (const Error &error) {
    const std::string text = error.what();
    EXPECT_EQ(text.rfind("CUDA could not allocate the arena: ", 0), 0u) << text;
    EXPECT_NE(text.find(", in fragment 'stage0_forward' (GpuDeviceTest.cpp:"), std::string::npos) << text;
  }
}

__global__ void nothing() {}

TEST(GpuDevice, NamesThePlaceOfALaunchThatFails) {
  Context ctx(1);
  const int line = __LINE__ + 2;
  try {
    device::launch(ctx, nothing, dim3(0), dim3(1));
    FAIL() << "a grid without blocks was launched";
  } catch (const Error &error) {
    const std::string place = "(GpuDeviceTest.cpp:" + std::to_string(line) + ")";
    EXPECT_NE(std::string(error.what()).find(place), std::string::npos) << error.what();
  }
}

/// What a context says on a machine that the environment describes. Each in a process of its own: the emulation looks once.
void expect_refusal(const char *variable, const char *value, const char *message) {
  EXPECT_EXIT(
      {
        setenv(variable, value, 1);
        try {
          Context ctx(1);
        } catch (const Error &error) {
          std::fprintf(stderr, "%s\n", error.what());
          std::exit(2);
        }
        std::exit(0);
      },
      testing::ExitedWithCode(2), message);
}

TEST(GpuDeathTest, SaysInOneLineWhatTheMachineLacks) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  expect_refusal("CUDA_EMULATION_DRIVER", "0", "^no NVIDIA driver on this machine: this program computes on a GPU [^\n]*\n$");
  expect_refusal("CUDA_EMULATION_DRIVER", "12080", "^the NVIDIA driver knows CUDA 12.8, this program was built with CUDA 13.0: [^\n]*\n$");
  expect_refusal("CUDA_EMULATION_DEVICES", "0", "^no GPU on this machine\n$");
}

} // namespace

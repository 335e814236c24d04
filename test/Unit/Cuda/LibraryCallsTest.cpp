// What the calls of cuDNN and cuBLASLt do around the libraries: converted filters, copies, tuned plans, captured steps. On the emulation.
#include "../runtime/Reference.h"

#include "cuda/Backend.h"

#include <cuda_emulation.h>
#include <dtcrt/convolution.h>
#include <dtcrt/matmul.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

/// Whole numbers, which tf32 holds exactly and whose sums are exact.
void whole_numbers(const Tensor<f32> &t, unsigned seed) {
  std::mt19937 engine(seed);
  for (index i = 0; i < t.size(); ++i)
    t.data()[offset_of(t, i)] = static_cast<f32>(static_cast<int>(engine() % 7) - 3);
}

/// A 3×3 convolution of 6 to 10 channels on 7×5, its operands and what it should give.
struct Example {
  Dims strides{1, 1}, pads{1, 0, 1, 2};
  Owned<f32> x, w{{10, 6, 3, 3}}, y, bias{{10}};

  explicit Example(Layout x_layout = channels_last, Layout y_layout = channels_last)
      : x({2, 6, 7, 5}, x_layout), y({2, 10, 7, 5}, y_layout) {
    whole_numbers(x.tensor, 1);
    whole_numbers(w.tensor, 2);
    whole_numbers(bias.tensor, 3);
  }

  template <class Visit> void for_products(Visit visit) const {
    for_each_index(y.tensor.shape(), [&](const Dims &out) {
      for_each_index({6, 3, 3}, [&](const Dims &tap) {
        const index row = out[2] - pads[0] + tap[1], column = out[3] - pads[1] + tap[2];
        if (row >= 0 && row < 7 && column >= 0 && column < 5)
          visit(position_of(x.tensor.shape(), {out[0], tap[0], row, column}), position_of(w.tensor.shape(), {out[1], tap[0], tap[1], tap[2]}),
                position_of(y.tensor.shape(), out));
      });
    });
  }
  std::vector<f64> expected(bool with_bias = true) const {
    const auto xs = logical(x.tensor), ws = logical(w.tensor), bs = logical(bias.tensor);
    std::vector<f64> sums(static_cast<std::size_t>(y.tensor.size()));
    for_products([&](index i, index k, index o) { sums[o] += xs[i] * ws[k]; });
    if (with_bias)
      for_each_index(y.tensor.shape(), [&](const Dims &at) { sums[position_of(y.tensor.shape(), at)] += bs[at[1]]; });
    return sums;
  }
  void run(Context &ctx, Activation activation = Activation::none, f32 alpha = 0) {
    conv(ctx, x, w, y, {.bias = bias.tensor, .strides = strides, .pads = pads, .activation = activation, .alpha = alpha});
  }
};

TEST(TensorCores, ReadFiltersThatAreConverted) {
  for (const auto &[x_layout, y_layout] : {std::pair(channels_last, channels_last), std::pair(row_major, channels_last),
                                           std::pair(channels_last, row_major), std::pair(row_major, row_major)}) {
    Context ctx(1);
    ctx.backend().tf32 = true;
    Example e(x_layout, y_layout);
    e.run(ctx);
    expect_near(e.y.tensor, e.expected(), 0);
    Owned<f32> dy(e.y.tensor.shape(), y_layout), dx(e.x.tensor.shape(), x_layout, 7), dw(e.w.tensor.shape(), row_major, 7), db({10}, row_major, 7);
    whole_numbers(dy.tensor, 4);
    const auto dys = logical(dy.tensor), xs = logical(e.x.tensor), ws = logical(e.w.tensor);
    std::vector<f64> expected_dx(xs.size()), expected_dw(ws.size()), expected_db(10);
    e.for_products([&](index i, index k, index o) {
      expected_dx[i] += dys[o] * ws[k];
      expected_dw[k] += dys[o] * xs[i];
    });
    for_each_index(e.y.tensor.shape(), [&](const Dims &at) { expected_db[at[1]] += dys[position_of(e.y.tensor.shape(), at)]; });
    conv_input_gradient(ctx, dy, e.w, dx, {.pads = e.pads});
    expect_near(dx.tensor, expected_dx, 0);
    conv_weight_gradient(ctx, e.x, dy, dw, {.bias_gradient = db.tensor, .pads = e.pads});
    expect_near(dw.tensor, expected_dw, 0);
    expect_near(db.tensor, expected_db, 0);
  }
}

TEST(TensorCores, AreUsedWhereTf32IsAllowed) {
  Context exact(1), rounding(1);
  rounding.backend().tf32 = true;
  Owned<f32> x({1, 8, 1, 1}), w({8, 8, 1, 1}), y({1, 8, 1, 1}), a({4, 4}, row_major, 1.0f + 0x1p-12f), b({4, 4}, row_major, 1), p({4, 4});
  std::fill(x.memory.begin(), x.memory.end(), 1.0f + 0x1p-12f);
  std::fill(w.memory.begin(), w.memory.end(), 1.0f);
  conv(exact, x, w, y);
  EXPECT_EQ(y.memory[0], 8 * (1.0f + 0x1p-12f));
  conv(rounding, x, w, y);
  EXPECT_EQ(y.memory[0], 8.0f);
  matmul(exact, a, b, p);
  EXPECT_EQ(p.memory[0], 4 * (1.0f + 0x1p-12f));
  matmul(rounding, a, b, p);
  EXPECT_EQ(p.memory[0], 4.0f);
}

TEST(Engines, ThatDoNotFuseLeaveBiasAndActivationToAPass) {
  for (const char *refused : {"", "fusions", "fusions,mixed"})
    for (const bool tf32 : {false, true})
      for (const Activation activation : {Activation::none, relu, leaky_relu, elu, sigmoid, Activation::tanh, gelu, gelu_tanh})
        for (const Layout layout : {row_major, channels_last}) {
          setenv("CUDNN_EMULATION_REFUSES", refused, 1);
          Context ctx(1);
          ctx.backend().tf32 = tf32;
          Example e(row_major, layout);
          e.run(ctx, activation, 0.5f);
          unsetenv("CUDNN_EMULATION_REFUSES");
          auto expected = e.expected();
          for (f64 &v : expected)
            v = activate(v, activation, 0.5);
          expect_near(e.y.tensor, expected, 1e-6);
        }
}

/// As bf16, which holds small whole numbers exactly.
Owned<bf16> &fill_low(Owned<bf16> &to, unsigned seed) {
  Owned<f32> values(to.tensor.shape());
  whole_numbers(values.tensor, seed);
  for (index i = 0; i < values.tensor.size(); ++i)
    to.tensor.data()[offset_of(to.tensor, i)] = bf16(values.memory[static_cast<std::size_t>(i)]);
  return to;
}

TEST(Bf16, ConvolvesAndSumsWhatItHoldsExactly) {
  for (const auto &[x_layout, y_layout] : {std::pair(channels_last, channels_last), std::pair(row_major, channels_last), std::pair(row_major, row_major)}) {
    Context ctx(1);
    Example e(x_layout, y_layout);
    Owned<bf16> x(e.x.tensor.shape(), x_layout), w(e.w.tensor.shape()), y(e.y.tensor.shape(), y_layout), bias({10});
    fill_low(x, 1), fill_low(w, 2), fill_low(bias, 3); // the values of the example
    const auto rounded = [](std::vector<f64> values) {
      for (f64 &value : values)
        value = static_cast<f32>(bf16(static_cast<f32>(value)));
      return values;
    };
    for (const Activation activation : {relu, leaky_relu}) {
      conv(ctx, x, w, y, {.bias = bias.tensor, .pads = e.pads, .activation = activation, .alpha = 0.5f});
      auto expected = e.expected();
      for (f64 &value : expected)
        value = value > 0 ? value : activation == leaky_relu ? 0.5 * value : 0;
      expect_near(y.tensor, rounded(expected), 0);
    }
    Owned<bf16> dy(e.y.tensor.shape(), y_layout), dx(e.x.tensor.shape(), x_layout);
    Owned<f32> dw(e.w.tensor.shape(), row_major, 7), db({10}, row_major, 7);
    fill_low(dy, 4);
    const auto dys = logical(dy.tensor), xs = logical(e.x.tensor), ws = logical(e.w.tensor);
    std::vector<f64> expected_dx(xs.size()), expected_dw(ws.size()), expected_db(10);
    e.for_products([&](index i, index k, index o) {
      expected_dx[i] += dys[o] * ws[k];
      expected_dw[k] += dys[o] * xs[i];
    });
    for_each_index(e.y.tensor.shape(), [&](const Dims &at) { expected_db[at[1]] += dys[position_of(e.y.tensor.shape(), at)]; });
    conv_input_gradient(ctx, dy, w, dx, {.pads = e.pads});
    expect_near(dx.tensor, rounded(expected_dx), 0);
    conv_weight_gradient(ctx, x, dy, dw, {.bias_gradient = db.tensor, .pads = e.pads});
    expect_near(dw.tensor, rounded(expected_dw), 0);
    expect_near(db.tensor, expected_db, 0);
  }
}

TEST(Bf16, MultipliesIntoBothTypes) {
  Context ctx(1);
  Owned<bf16> a({3, 1, 5, 7}), b({2, 9, 7}), low({3, 2, 5, 9}), bias({5, 1});
  Owned<f32> full({3, 2, 5, 9}, row_major, 10);
  fill_low(a, 1), fill_low(b, 2), fill_low(bias, 3);
  matmul(ctx, a, b, low, {.bias = bias.tensor, .transpose_b = true, .activation = relu});
  matmul(ctx, a, b, full, {.transpose_b = true, .accumulate = true});
  for_each_index({3, 2, 5, 9}, [&](const Dims &at) {
    f32 sum = 0;
    for (int k = 0; k < 7; ++k)
      sum += a.memory[(at[0] * 5 + at[2]) * 7 + k] * b.memory[(at[1] * 9 + at[3]) * 7 + k];
    const auto position = static_cast<std::size_t>(position_of({3, 2, 5, 9}, at));
    EXPECT_EQ(full.memory[position], 10 + sum);
    EXPECT_EQ(low.memory[position], bf16(std::max(sum + bias.memory[at[2]], 0.0f)));
  });
  EXPECT_THROW(matmul(ctx, a, b, low, {.transpose_b = true, .accumulate = true}), std::logic_error);
}

TEST(Filters, AreConvertedOnceAStep) {
  Context ctx(1);
  ctx.backend().tf32 = true;
  Example e;
  ctx.declare_parameter(e.w.tensor.data());
  const auto kernels_of = [&] {
    const unsigned long before = cuda_emulation::counts().kernels;
    e.run(ctx);
    return cuda_emulation::counts().kernels - before;
  };
  const unsigned long first = kernels_of(); // cuDNN's own are not counted
  EXPECT_EQ(kernels_of(), first - 1);
  for (f32 &value : e.w.memory)
    value = -value;
  ctx.parameter_changed(e.w.tensor.data());
  EXPECT_EQ(kernels_of(), first);
  expect_near(e.y.tensor, e.expected(), 0);
}

TEST(Steps, CanBeCapturedAndReplayed) {
  Context ctx(1);
  ctx.backend().tf32 = true;
  Example e;
  Owned<f32> a({9, 7}), b({7, 5}), p({9, 5});
  whole_numbers(a.tensor, 5);
  whole_numbers(b.tensor, 6);
  ctx.declare_parameter(e.w.tensor.data());
  const auto step = [&] {
    e.run(ctx, elu, 1);
    e.run(ctx);
    matmul(ctx, a, b, p);
  };
  step();
  ctx.parameter_changed(nullptr);
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  device::check(cudaStreamBeginCapture(device::stream(ctx), cudaStreamCaptureModeThreadLocal), "capture");
  step();
  device::check(cudaStreamEndCapture(device::stream(ctx), &graph), "capture");
  device::check(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  whole_numbers(e.w.tensor, 9);
  whole_numbers(a.tensor, 8);
  std::fill(e.y.memory.begin(), e.y.memory.end(), 0.0f);
  device::check(cudaGraphLaunch(executable, device::stream(ctx)), "launch");
  device::check(cudaStreamSynchronize(device::stream(ctx)), "wait");
  expect_near(e.y.tensor, e.expected(), 0);
  f32 sum = 0;
  for (int k = 0; k < 7; ++k)
    sum += a.memory[k] * b.memory[k * 5];
  EXPECT_EQ(p.memory[0], sum);
  device::check(cudaGraphExecDestroy(executable), "destroy");
  device::check(cudaGraphDestroy(graph), "destroy");
}

/// A folder that is the cache while the test runs.
struct Cache : testing::Test {
  std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / ("plans-" + std::to_string(::getpid()));
  Cache() { setenv("XDG_CACHE_HOME", folder.c_str(), 1); }
  ~Cache() override {
    unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(folder);
  }
  std::string text() const {
    std::stringstream all;
    if (std::filesystem::exists(folder / "dtc"))
      for (const auto &file : std::filesystem::directory_iterator(folder / "dtc"))
        all << std::ifstream(file.path()).rdbuf();
    return all.str();
  }
  void overwrite(const std::string &content) const {
    for (const auto &file : std::filesystem::directory_iterator(folder / "dtc"))
      std::ofstream(file.path()) << content;
  }
};

void expect_right_results() {
  Context ctx(1);
  ctx.backend().autotune = true;
  Example e(row_major, channels_last);
  e.run(ctx, relu);
  auto expected = e.expected();
  for (f64 &value : expected)
    value = std::max(value, 0.0);
  expect_near(e.y.tensor, expected, 0);
  // Algorithms are kept by the alignment of memory.
  alignas(256) static f32 memory[192];
  const Tensor<f32> a(memory, {9, 7}), b(memory + 64, {7, 5}), p(memory + 128, {9, 5});
  whole_numbers(a, 5);
  whole_numbers(b, 6);
  std::fill_n(p.data(), p.size(), 100.0f);
  matmul(ctx, a, b, p, {.accumulate = true});
  f32 sum = 100;
  for (int k = 0; k < 7; ++k)
    sum += a.data()[k] * b.data()[k * 5];
  EXPECT_EQ(p.data()[0], sum); // timing has not added to it
}

TEST_F(Cache, KeepsWhatTuningFindsOut) {
  expect_right_results();
  const std::string found = text();
  EXPECT_NE(found.find("conv f32 x="), std::string::npos) << found;
  EXPECT_NE(found.find("matmul 5x9x7"), std::string::npos) << found;
  expect_right_results();
  EXPECT_EQ(text(), found);
}

TEST_F(Cache, MayBeDamaged) {
  expect_right_results();
  const std::string found = text();
  for (const std::string &content : {std::string(), std::string("\0\xFFrubbish\n\t\t\n", 13), found.substr(0, found.size() / 2), found + found}) {
    overwrite(content);
    expect_right_results();
  }
  std::string edited = found;
  edited[edited.find("conv f32")] = 'k';
  overwrite(edited);
  expect_right_results();
  EXPECT_NE(text().find("conv f32 x="), std::string::npos);
}

TEST_F(Cache, MayBeUnwritable) {
  std::ofstream(folder) << "a file where the folder would be";
  expect_right_results();
}

TEST(Matmul, TakesMemoryOfAnyAlignment) {
  Context ctx(1);
  std::vector<f32> memory(400);
  for (const index shift : {0, 1, 2, 5})
    for (const Activation activation : {Activation::none, leaky_relu}) {
      const Tensor<f32> a(memory.data() + shift, {6, 9}), b(memory.data() + 64 + shift, {9, 4}), y(memory.data() + 128 + shift, {6, 4});
      const Tensor<f32> bias(memory.data() + 192 + shift, {6, 1});
      whole_numbers(a, 1);
      whole_numbers(b, 2);
      whole_numbers(bias, 3);
      matmul(ctx, a, b, y, {.bias = bias, .activation = activation, .alpha = 0.5f});
      f32 sum = bias.data()[1];
      for (int k = 0; k < 9; ++k)
        sum += a.data()[9 + k] * b.data()[k * 4 + 3];
      EXPECT_EQ(y.data()[4 + 3], activation == leaky_relu && sum < 0 ? sum * 0.5f : sum);
    }
}

TEST(Matmul, WritesOnlyItsPartOfATensor) {
  Context ctx(1);
  Owned<f32> a({4, 3}), b({3, 2}), whole({4, 5}, row_major, 7), bias({2}), column({4, 1});
  whole_numbers(a.tensor, 1);
  whole_numbers(b.tensor, 2);
  whole_numbers(bias.tensor, 3);
  whole_numbers(column.tensor, 4);
  for (const bool by_columns : {false, true}) {
    const Dims strides = by_columns ? Dims{1, 5} : Dims{5, 1};
    const Tensor<f32> y(whole.memory.data() + 1, {4, 2}, strides);
    for (const Tensor<f32> &added : {Tensor<f32>(), bias.tensor, column.tensor})
      for (const Activation activation : {Activation::none, relu, Activation::tanh}) {
        std::fill(whole.memory.begin(), whole.memory.end(), 7.0f);
        matmul(ctx, a, b, y, {.bias = added, .activation = activation});
        int written = 0;
        for (const f32 value : whole.memory)
          written += value != 7;
        EXPECT_LE(written, 8);
        for (int m = 0; m < 4; ++m)
          for (int n = 0; n < 2; ++n) {
            f32 sum = !added ? 0 : added.data()[added.size() == 2 ? n : m];
            for (int k = 0; k < 3; ++k)
              sum += a.memory[m * 3 + k] * b.memory[k * 2 + n];
            const f32 expected = activation == relu ? std::max(sum, 0.0f) : activation == Activation::tanh ? std::tanh(sum) : sum;
            EXPECT_NEAR(y.data()[m * strides[0] + n * strides[1]], expected, 1e-6);
          }
      }
  }
}

TEST(Refusals, NameOperandsFragmentAndPlace) {
  Context ctx(1);
  alignas(64) std::byte memory[256];
  const Arena arena(memory, sizeof memory);
  const Tensor<f32> a(arena, "pool", 0, {4, 3}), b(arena, "fc.weight", 64, {4, 2}), y(arena, "fc", 128, {4, 2});
  ctx.backend().fragments.push_back("forward of stage 0");
  try {
    matmul(ctx, a, b, y);
    FAIL() << "wrong shapes went through";
  } catch (const Error &error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("matmul of 'pool' [4, 3] and 'fc.weight' [4, 2] to 'fc' [4, 2]: "), std::string::npos) << message;
    EXPECT_NE(message.find("in fragment 'forward of stage 0' (Matmul.cpp:"), std::string::npos) << message;
  }
  ctx.backend().fragments.clear();
}

} // namespace

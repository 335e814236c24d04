// Partitioned steps give what the unpartitioned step gives, on every rank.
#include "dtc/Partition/PassOrder.h"
#include "dtc/Pipelines/Pipelines.h"
#include "dtc/Pipelines/Registration.h"
#include "test/Unit/Autodiff/MixingModels.h"
#include "test/Unit/Partition/SameStep.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {

// 10 samples: two, three and four devices need 0, 2 and 2 rows of padding.
constexpr const char *mlp = R"mlir(
func.func @mlp(%x: tensor<10x6xf32> {nn.input = "x"},
    %w1: tensor<8x6xf32> {nn.parameter = "fc1.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %b1: tensor<8xf32> {nn.parameter = "fc1.bias", nn.init = #nn.constant<value = 0.0>},
    %w2: tensor<3x8xf32> {nn.parameter = "fc2.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<10x3xf32> {nn.output = "y"})
    attributes {nn.model = "mlp", nn.recipe = #nn.recipe<loss = #nn.mse,
        optimizer = #nn.sgd<lr = 0.1, momentum = 0.9, weight_decay = 0.01>, batch = 10>} {
  %h0 = nn.matmul %x, %w1 transposed : (tensor<10x6xf32>, tensor<8x6xf32>) -> tensor<10x8xf32>
  %h1 = nn.add %h0, %b1 : tensor<10x8xf32>, tensor<8xf32>
  %h = nn.tanh %h1 : tensor<10x8xf32>
  %y = nn.matmul %h, %w2 transposed : (tensor<10x8xf32>, tensor<3x8xf32>) -> tensor<10x3xf32>
  return %y : tensor<10x3xf32>
})mlir";

// Strides, groups, dilation, two branches of pooling that are concatenated, and
// a parameter that is used twice.
constexpr const char *branches = R"mlir(
func.func @branches(%x: tensor<10x2x9x9xf32> {nn.input = "x"},
    %w1: tensor<4x1x3x3xf32> {nn.parameter = "conv1.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %b1: tensor<4xf32> {nn.parameter = "conv1.bias", nn.init = #nn.constant<value = 0.0>},
    %w2: tensor<4x4x2x2xf32> {nn.parameter = "conv2.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %w3: tensor<5x32xf32> {nn.parameter = "fc.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<10x5xf32> {nn.output = "logits"})
    attributes {nn.model = "branches", nn.recipe = #nn.recipe<loss = #nn.cross_entropy,
        optimizer = #nn.adamw<lr = 0.01, weight_decay = 0.1>, batch = 10>} {
  %c1 = nn.conv %x, %w1 bias %b1 strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] groups 2
     : (tensor<10x2x9x9xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<10x4x5x5xf32>
  %a1 = nn.leaky_relu %c1 {alpha = 0.1} : tensor<10x4x5x5xf32>
  %c2 = nn.conv %a1, %w2 strides [1, 1] dilations [2, 2] pads [1, 1, 1, 1] groups 1
     : (tensor<10x4x5x5xf32>, tensor<4x4x2x2xf32>) -> tensor<10x4x5x5xf32>
  %c3 = nn.conv %c2, %w2 strides [1, 1] dilations [2, 2] pads [1, 1, 1, 1] groups 1
     : (tensor<10x4x5x5xf32>, tensor<4x4x2x2xf32>) -> tensor<10x4x5x5xf32>
  %p1, %index = nn.max_pool %c3 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<10x4x5x5xf32>) -> (tensor<10x4x2x2xf32>, tensor<10x4x2x2xui8>)
  %p2 = nn.avg_pool %a1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<10x4x5x5xf32>) -> tensor<10x4x2x2xf32>
  %cat = nn.concat %p1, %p2 axis 1 : (tensor<10x4x2x2xf32>, tensor<10x4x2x2xf32>) -> tensor<10x8x2x2xf32>
  %flat = nn.reshape %cat : tensor<10x8x2x2xf32> -> tensor<10x32xf32>
  %y = nn.matmul %flat, %w3 transposed : (tensor<10x32xf32>, tensor<5x32xf32>) -> tensor<10x5xf32>
  return %y : tensor<10x5xf32>
})mlir";

// Several positions a sample: rows of all positions, and positions in front.
constexpr const char *sequence = R"mlir(
func.func @sequence(%x: tensor<10x7x6xf32> {nn.input = "x"},
    %w1: tensor<6x8xf32> {nn.parameter = "up.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %w2: tensor<7x7xf32> {nn.parameter = "mix.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %w3: tensor<8x4xf32> {nn.parameter = "down.weight", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<10x7x4xf32> {nn.output = "logits"})
    attributes {nn.model = "sequence", nn.recipe = #nn.recipe<loss = #nn.cross_entropy,
        optimizer = #nn.adam<lr = 0.01>, batch = 10>} {
  %rows = nn.reshape %x : tensor<10x7x6xf32> -> tensor<70x6xf32>
  %up = nn.matmul %rows, %w1 : (tensor<70x6xf32>, tensor<6x8xf32>) -> tensor<70x8xf32>
  %up3 = nn.reshape %up : tensor<70x8xf32> -> tensor<10x7x8xf32>
  %front = nn.transpose %up3 [1, 0, 2] : (tensor<10x7x8xf32>) -> tensor<7x10x8xf32>
  %flat = nn.reshape %front : tensor<7x10x8xf32> -> tensor<7x80xf32>
  %mixed = nn.matmul %w2, %flat : (tensor<7x7xf32>, tensor<7x80xf32>) -> tensor<7x80xf32>
  %attention = nn.softmax %mixed axis 0 : tensor<7x80xf32>
  %unflat = nn.reshape %attention : tensor<7x80xf32> -> tensor<7x10x8xf32>
  %back = nn.transpose %unflat [1, 0, 2] : (tensor<7x10x8xf32>) -> tensor<10x7x8xf32>
  %gated = nn.mul %back, %up3 : tensor<10x7x8xf32>, tensor<10x7x8xf32>
  %y = nn.matmul %gated, %w3 : (tensor<10x7x8xf32>, tensor<8x4xf32>) -> tensor<10x7x4xf32>
  return %y : tensor<10x7x4xf32>
})mlir";

// A constant and a broadcast with a row for each sample; slicing and padding.
constexpr const char *binary = R"mlir(
func.func @binary(%x: tensor<10x6xf32> {nn.input = "x"},
    %w: tensor<6x3xf32> {nn.parameter = "w", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>},
    %s: tensor<3xf32> {nn.parameter = "s", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<10x4xf32> {nn.output = "p"})
    attributes {nn.model = "binary", nn.recipe = #nn.recipe<loss = #nn.bce,
        optimizer = #nn.sgd<lr = 0.1, momentum = 0.9, nesterov = true>, batch = 10>} {
  %half = nn.constant dense<0.5> : tensor<10x3xf32> : tensor<10x3xf32>
  %scale = nn.broadcast %s : tensor<3xf32> -> tensor<10x3xf32>
  %h = nn.matmul %x, %w : (tensor<10x6xf32>, tensor<6x3xf32>) -> tensor<10x3xf32>
  %a = nn.mul %h, %scale : tensor<10x3xf32>, tensor<10x3xf32>
  %b = nn.add %a, %half : tensor<10x3xf32>, tensor<10x3xf32>
  %c = nn.slice %b [0, 1] : tensor<10x3xf32> -> tensor<10x2xf32>
  %d = nn.pad %c [0, 1] : tensor<10x2xf32> -> tensor<10x4xf32>
  %p = nn.sigmoid %d : tensor<10x4xf32>
  return %p : tensor<10x4xf32>
})mlir";

// Subtracts the batch's mean: all-reduces in the middle of both directions. Padding is masked out of it.
constexpr const char *centred = R"mlir(
func.func @centred(%x: tensor<12x6xf32> {nn.input = "x"},
    %w: tensor<6x3xf32> {nn.parameter = "w", nn.init = #nn.normal<mean = 0.0, stddev = 1.0>})
    -> (tensor<12x3xf32> {nn.output = "logits"})
    attributes {nn.model = "centred", nn.recipe = #nn.recipe<loss = #nn.cross_entropy,
        optimizer = #nn.sgd<lr = 0.1>, batch = 12>} {
  %h = nn.matmul %x, %w : (tensor<12x6xf32>, tensor<6x3xf32>) -> tensor<12x3xf32>
  %sum = nn.reduce_sum %h axes [0] keep : (tensor<12x3xf32>) -> tensor<1x3xf32>
  %share = nn.constant dense<0.083333333333333> : tensor<f32> : tensor<f32>
  %mean = nn.mul %sum, %share : tensor<1x3xf32>, tensor<f32>
  %y = nn.sub %h, %mean : tensor<12x3xf32>, tensor<1x3xf32>
  return %y : tensor<12x3xf32>
})mlir";

struct Case {
  const char *name, *model;
  int64_t devices, bucketBytes;
};

class DataParallel : public testing::TestWithParam<Case> {
protected:
  DataParallel() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
  }

  MLIRContext context;
};

/// The model's step on the whole batch, and shared out over devices; null where it cannot be.
std::pair<OwningOpRef<ModuleOp>, OwningOpRef<ModuleOp>> makeSteps(MLIRContext &context, StringRef model,
                                                                  int64_t devices, int64_t bucketBytes, int64_t zero = 0) {
  OwningOpRef<ModuleOp> global = parseSourceString<ModuleOp>(model, &context);
  EXPECT_TRUE(global);
  PassManager differentiate(&context);
  buildPipelineTo(Level::Grad, differentiate, PipelineOptions());
  EXPECT_TRUE(succeeded(differentiate.run(*global)));

  OwningOpRef<ModuleOp> partitioned = global->clone();
  PartitionOptions options;
  options.mesh = Mesh::line(Mesh::data, devices);
  options.bucketBytes = bucketBytes;
  options.zero = zero;
  PassManager partition(&context);
  buildPartitionPipeline(partition, options);
  if (failed(partition.run(*partitioned)))
    partitioned = nullptr;
  return {std::move(global), std::move(partitioned)};
}

void expectSameSteps(ModuleOp global, ModuleOp partitioned) {
  for (StringRef phase : {"train", "evaluate"}) {
    auto whole = WholeStep::of(global, phase);
    ASSERT_TRUE(succeeded(whole));
    expectSameStep(*whole, partitioned, phase);
  }
}

TEST_P(DataParallel, GivesTheUnpartitionedStep) {
  auto [global, partitioned] = makeSteps(context, GetParam().model, GetParam().devices, GetParam().bucketBytes);
  ASSERT_TRUE(partitioned);
  expectSameSteps(*global, *partitioned);
}

// Parts that nothing divides, of parameters and of one bucket or many.
TEST_P(DataParallel, GivesTheUnpartitionedStepWithStateInParts) {
  auto [global, partitioned] = makeSteps(context, GetParam().model, GetParam().devices, GetParam().bucketBytes, /*zero=*/1);
  ASSERT_TRUE(partitioned);
  expectSameSteps(*global, *partitioned);
}

// Random models that mix samples, on three ranks that do not divide the batch: what ranks cannot do alone is refused by the op
// that needs it, and everything else is right.
TEST(DataParallelMixing, GivesTheUnpartitionedStepOrRefuses) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  context.disableMultithreading();
  std::string message;
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && message.empty())
      message = diagnostic.str();
    return success();
  });
  unsigned shared = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    std::string model = test::makeMixingModel(seed, /*batch=*/5, "f32");
    SCOPED_TRACE(model);
    message.clear();
    auto [global, partitioned] = makeSteps(context, model, /*devices=*/3, /*bucketBytes=*/1);
    if (!partitioned) {
      EXPECT_NE(message.find("mixes the samples of a batch"), std::string::npos) << message;
      continue;
    }
    ++shared;
    expectSameSteps(*global, *partitioned);
    if (HasFailure())
      return;
  }
  EXPECT_GT(shared, 30u);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (auto [name, model] : {std::pair("mlp", mlp), {"branches", branches}, {"sequence", sequence}, {"binary", binary}})
    for (int64_t devices : {1, 2, 3, 4, 16})
      for (int64_t bucketBytes : {1, 300, 1 << 20})
        all.push_back({name, model, devices, bucketBytes});
  for (int64_t devices : {1, 2, 4, 5, 16})
    all.push_back({"centred", centred, devices, 1});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, DataParallel, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case> &info) {
                           return std::string(info.param.name) + "_" +
                                  std::to_string(info.param.devices) + "devices_" +
                                  std::to_string(info.param.bucketBytes) + "bytes";
                         });

} // namespace

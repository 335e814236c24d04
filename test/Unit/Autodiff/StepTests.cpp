// Whole steps: @train's updates against the slope of @evaluate's loss, and the
// simplified graph against the plain one.
#include "TestModule.h"

#include "dialects/NN/NN.h"
#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dtc;

namespace {

/// Two branches, a shared weight, pooling of activations, transposes, a square,
/// and a logarithm of a softmax: what differentiation and simplification meet.
/// LOSS and the end of the graph are filled in.
constexpr const char *network = R"mlir(
func.func @network(
    %x: tensor<2x1x5x5xf64> {nn.input = "x"},
    %w: tensor<2x1x2x2xf64> {nn.parameter = "conv.weight", nn.init = #nn.constant<value = 0.0>},
    %b: tensor<2xf64> {nn.parameter = "conv.bias", nn.init = #nn.constant<value = 0.0>},
    %m: tensor<8x3xf64> {nn.parameter = "fc.weight", nn.init = #nn.constant<value = 0.0>},
    %s: tensor<3x3xf64> {nn.parameter = "shared", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<2x3xf64> {nn.output = "y"})
    attributes {nn.model = "network", nn.recipe = #nn.recipe<loss = LOSS, optimizer = #nn.sgd<lr = 1.0>, batch = 2>} {
  %0 = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x1x5x5xf64>, tensor<2x1x2x2xf64>, tensor<2xf64>) -> tensor<2x2x4x4xf64>
  %1 = nn.relu %0 : tensor<2x2x4x4xf64>
  %2, %i2 = nn.max_pool %1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x2x4x4xf64>) -> (tensor<2x2x2x2xf64>, tensor<2x2x2x2xui8>)
  %3 = nn.leaky_relu %0 {alpha = 0.1} : tensor<2x2x4x4xf64>
  %4, %i4 = nn.max_pool %3 kernel [3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x2x4x4xf64>) -> (tensor<2x2x2x2xf64>, tensor<2x2x2x2xui8>)
  %two = nn.constant dense<2.0> : tensor<f64> : tensor<f64>
  %5 = nn.pow %4, %two : tensor<2x2x2x2xf64>, tensor<f64>
  %6 = nn.add %2, %5 : tensor<2x2x2x2xf64>, tensor<2x2x2x2xf64>
  %7 = nn.reshape %6 : tensor<2x2x2x2xf64> -> tensor<2x4x2xf64>
  %8 = nn.reshape %7 : tensor<2x4x2xf64> -> tensor<2x8xf64>
  %9 = nn.transpose %m [1, 0] : (tensor<8x3xf64>) -> tensor<3x8xf64>
  %10 = nn.matmul %8, %9 transposed : (tensor<2x8xf64>, tensor<3x8xf64>) -> tensor<2x3xf64>
  %11 = nn.matmul %10, %s : (tensor<2x3xf64>, tensor<3x3xf64>) -> tensor<2x3xf64>
  %12 = nn.tanh %11 : tensor<2x3xf64>
  %13 = nn.matmul %12, %s : (tensor<2x3xf64>, tensor<3x3xf64>) -> tensor<2x3xf64>
  END
  return %y : tensor<2x3xf64>
})mlir";

struct StepCase {
  const char *name, *loss, *end;
  std::vector<double> label;
};

const std::vector<StepCase> stepCases = {
    {"cross_entropy", "#nn.cross_entropy",
     "%y = nn.add %13, %10 : tensor<2x3xf64>, tensor<2x3xf64>", {2, 0}},
    {"mse_of_log_softmax", "#nn.mse",
     "%14 = nn.softmax %13 axis 1 : tensor<2x3xf64>\n%y = nn.log %14 : tensor<2x3xf64>",
     {-1, 0.5, -2, 0, -3, -0.25}},
    {"bce", "#nn.bce", "%y = nn.sigmoid %13 : tensor<2x3xf64>", {1, 0, 0.5, 0, 1, 1}},
    {"bce_logits", "#nn.bce_logits", "%y = nn.add %13, %10 : tensor<2x3xf64>, tensor<2x3xf64>",
     {1, 0, 0.5, 0, 1, 1}}};

class Step : public testing::TestWithParam<StepCase> {
protected:
  Step() : context(test::makeRegistry()) {}

  OwningOpRef<ModuleOp> makeStep(StringRef pipeline) {
    std::string text = network;
    for (auto [mark, value] : {std::pair("LOSS", GetParam().loss),
                               std::pair("END", GetParam().end)})
      text.replace(text.find(mark), strlen(mark), value);
    auto module = test::parse(context, text);
    test::runPasses(*module, pipeline);
    return module;
  }

  /// x, label, weight, [step, learning rate,] parameters.
  std::vector<reference::Tensor> arguments(func::FuncOp function) {
    std::vector<reference::Tensor> result;
    for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
      auto type = cast<RankedTensorType>(argument.getType());
      if (function.getArgAttr(i, nn::names::label))
        result.push_back({SmallVector<int64_t>(type.getShape()), GetParam().label});
      else if (function.getArgAttr(i, nn::names::sampleWeight))
        result.push_back({{2}, {0.5, 0.5}});
      else if (function.getArgAttr(i, nn::names::step) || function.getArgAttr(i, nn::names::learningRate))
        result.push_back({{}, {1}});
      else
        // The same elements in both functions: seeded by the size.
        result.push_back(test::spread(type, {-1.0, 1.0}, type.getNumElements()));
    }
    return result;
  }

  MLIRContext context;
};

constexpr const char *plain = "dtc-differentiate-graph,dtc-verify-step";
constexpr const char *simplified =
    "func.func(dtc-simplify-graph),dtc-differentiate-graph,"
    "func.func(dtc-simplify-graph),dtc-verify-step";

TEST_P(Step, UpdatesFollowTheSlopeOfTheLoss) {
  auto module = makeStep(plain);
  auto train = module->lookupSymbol<func::FuncOp>("train");
  auto evaluate = module->lookupSymbol<func::FuncOp>("evaluate");
  std::vector<reference::Tensor> inputs = arguments(train);
  auto results = reference::evaluate(train, inputs);
  ASSERT_TRUE(succeeded(results));

  std::vector<reference::Tensor> evaluation = arguments(evaluate);
  auto lossAt = [&](ArrayRef<reference::Tensor> at) {
    return (*reference::evaluate(evaluate, at))[0].data[0];
  };
  EXPECT_NEAR((*results)[0].data[0], lossAt(evaluation), 1e-14);
  constexpr size_t firstOfEvaluate = 3, firstOfTrain = 5, parameters = 4;
  for (size_t p = 0; p < parameters; ++p) {
    // With a learning rate of 1 the parameter goes down by its gradient.
    std::vector<double> gradient = inputs[firstOfTrain + p].data;
    for (size_t i = 0; i < gradient.size(); ++i)
      gradient[i] -= (*results)[1 + p].data[i];
    test::expectClose(gradient,
                      test::centralDifferences(lossAt, evaluation, firstOfEvaluate + p),
                      1e-6, "parameter " + std::to_string(p));
  }
}

TEST_P(Step, SimplifiedComputesTheSame) {
  auto module = makeStep(plain), simple = makeStep(simplified);
  auto train = module->lookupSymbol<func::FuncOp>("train");
  auto simpleTrain = simple->lookupSymbol<func::FuncOp>("train");
  auto expected = reference::evaluate(train, arguments(train));
  auto actual = reference::evaluate(simpleTrain, arguments(simpleTrain));
  ASSERT_TRUE(succeeded(expected) && succeeded(actual));
  for (size_t i = 0; i < expected->size(); ++i)
    test::expectClose((*actual)[i].data, (*expected)[i].data, 1e-12,
                      "result " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(Loss, Step, testing::ValuesIn(stepCases),
                         [](const auto &info) { return std::string(info.param.name); });

/// Pooling below an activation: values and gradients are equal bit for bit also
/// where elements of a window are equal or none is positive.
TEST(MovePoolBelowActivation, KeepsGradientsAtTies) {
  constexpr const char *text = R"mlir(
    func.func @f(%x: tensor<1x1x4x4xf64> {nn.input = "x"},
                 %p: tensor<1x1x4x4xf64> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>})
        -> (tensor<1x1x2x2xf64> {nn.output = "y"})
        attributes {nn.model = "f", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 1>} {
      %0 = nn.add %x, %p : tensor<1x1x4x4xf64>, tensor<1x1x4x4xf64>
      %1 = nn.ACTIVATION : tensor<1x1x4x4xf64>
      %y, %index = nn.max_pool %1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
         : (tensor<1x1x4x4xf64>) -> (tensor<1x1x2x2xf64>, tensor<1x1x2x2xui8>)
      return %y : tensor<1x1x2x2xf64>
    })mlir";
  for (const char *activation :
       {"relu %0", "leaky_relu %0 {alpha = 0.0}", "leaky_relu %0 {alpha = 0.25}"}) {
    std::string source = text;
    source.replace(source.find("ACTIVATION"), strlen("ACTIVATION"), activation);
    MLIRContext context(test::makeRegistry());
    auto module = test::parse(context, source), simple = test::parse(context, source);
    test::runPasses(*module, plain);
    test::runPasses(*simple, simplified);
    bool moved = false;
    simple->walk([&](nn::MaxPoolOp pool) {
      moved |= isa<nn::AddOp>(pool.getX().getDefiningOp());
    });
    EXPECT_TRUE(moved) << activation;

    // Windows: two equal maxima; all negative; zero beside negatives; equal negatives.
    reference::Tensor x{{1, 1, 4, 4}, {1, 3, -4, -2, //
                                       3, 0, -1, -8, //
                                       -2, 0, -5, -5, //
                                       0, -7, -5, -5}};
    std::vector<reference::Tensor> arguments{
        x, {{1, 1, 2, 2}, {9, 9, 9, 9}}, {{1}, {1}}, /*step=*/{{}, {1}}, /*learning rate=*/{{}, {1}},
        reference::zeros({1, 1, 4, 4})};
    auto expected = reference::evaluate(module->lookupSymbol<func::FuncOp>("train"), arguments);
    auto actual = reference::evaluate(simple->lookupSymbol<func::FuncOp>("train"), arguments);
    ASSERT_TRUE(succeeded(expected) && succeeded(actual));
    EXPECT_EQ((*expected)[0].data, (*actual)[0].data) << activation;
    EXPECT_EQ((*expected)[1].data, (*actual)[1].data) << activation;
  }
}

/// The gradient of a relu inside that of batch normalisation: the same step, with a row of padding, and one selection left for the unit's
/// own input, which a skip reads too.
TEST(ReluGradientInBatchNorm, KeepsTheStep) {
  constexpr const char *text = R"mlir(
    func.func @f(%x: tensor<5x2x3xf64> {nn.input = "x"},
                 %p: tensor<2x3xf64> {nn.parameter = "p", nn.init = #nn.constant<value = 0.0>},
                 %s: tensor<2xf64> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
                 %b: tensor<2xf64> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>},
                 %t: tensor<2xf64> {nn.parameter = "scale2", nn.init = #nn.constant<value = 1.0>},
                 %c: tensor<2xf64> {nn.parameter = "bias2", nn.init = #nn.constant<value = 0.0>},
                 %m: tensor<2xf64> {nn.state = "m", nn.statistic, nn.init = #nn.constant<value = 0.0>},
                 %v: tensor<2xf64> {nn.state = "v", nn.statistic, nn.init = #nn.constant<value = 1.0>},
                 %n: tensor<2xf64> {nn.state = "n", nn.statistic, nn.init = #nn.constant<value = 0.0>},
                 %w: tensor<2xf64> {nn.state = "w", nn.statistic, nn.init = #nn.constant<value = 1.0>})
        -> (tensor<5x2x3xf64> {nn.output = "y"})
        attributes {nn.model = "f", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 5>} {
      %0 = nn.mul %x, %p : tensor<5x2x3xf64>, tensor<2x3xf64>
      %1 = nn.batch_norm %0, %s, %b running %m, %v {epsilon = 1.0e-3, momentum = 0.1}
         : (tensor<5x2x3xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> tensor<5x2x3xf64>
      %2 = nn.relu %1 : tensor<5x2x3xf64>
      %3 = nn.mul %2, %x : tensor<5x2x3xf64>, tensor<5x2x3xf64>
      %4 = nn.batch_norm %3, %t, %c running %n, %w {epsilon = 1.0e-3, momentum = 0.1}
         : (tensor<5x2x3xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> tensor<5x2x3xf64>
      %5 = nn.add %4, %2 : tensor<5x2x3xf64>, tensor<5x2x3xf64>
      %y = nn.relu %5 : tensor<5x2x3xf64>
      return %y : tensor<5x2x3xf64>
    })mlir";
  MLIRContext context(test::makeRegistry());
  auto module = test::parse(context, text), simple = test::parse(context, text);
  test::runPasses(*module, plain);
  test::runPasses(*simple, simplified);
  auto count = [](ModuleOp in, auto matches) {
    int found = 0;
    in->walk([&](Operation *op) { found += matches(op); });
    return found;
  };
  auto selects = [](Operation *op) { return isa<nn::WherePositiveOp>(op); };
  EXPECT_EQ(count(*module, selects), 2);
  EXPECT_EQ(count(*simple, selects), 1);
  EXPECT_EQ(count(*simple, [](Operation *op) {
    auto gradient = dyn_cast<nn::BatchNormGradientOp>(op);
    return gradient && gradient.getBias();
  }), 1);

  auto train = module->lookupSymbol<func::FuncOp>("train");
  std::vector<reference::Tensor> arguments;
  for (auto [i, argument] : llvm::enumerate(train.getArguments())) {
    auto type = cast<RankedTensorType>(argument.getType());
    if (train.getArgAttr(i, nn::names::sampleWeight))
      arguments.push_back({{5}, {0.25, 0.25, 0, 0.25, 0.25}});
    else if (train.getArgAttr(i, nn::names::step) || train.getArgAttr(i, nn::names::learningRate))
      arguments.push_back({{}, {1}});
    else
      arguments.push_back(test::spread(type, {-1.0, 1.0}, i));
  }
  auto expected = reference::evaluate(train, arguments);
  auto actual = reference::evaluate(simple->lookupSymbol<func::FuncOp>("train"), arguments);
  ASSERT_TRUE(succeeded(expected) && succeeded(actual));
  for (size_t i = 0; i < expected->size(); ++i)
    test::expectClose((*actual)[i].data, (*expected)[i].data, 1e-12, "result " + std::to_string(i));
}

} // namespace

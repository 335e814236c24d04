// A partial batch gives what a program compiled for its size gives, whatever the model makes of its samples.
#include "MixingModels.h"
#include "TestModule.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace dtc;

namespace {

constexpr const char *pipeline = "func.func(dtc-mask-padding,dtc-simplify-graph),dtc-differentiate-graph,func.func(dtc-simplify-graph)";
constexpr const char *wholeStatistics = "func.func(dtc-mask-padding),dtc-differentiate-graph{batch-statistics=whole}";

/// The arguments of a phase: `samples` rows of the batch, and other numbers in the rows behind them.
std::vector<reference::Tensor> makeArguments(func::FuncOp function, int64_t samples, double padding) {
  std::vector<reference::Tensor> tensors;
  for (auto [number, type] : llvm::enumerate(function.getArgumentTypes())) {
    reference::Tensor tensor = reference::zeros(cast<RankedTensorType>(type).getShape());
    bool weight = function.getArgAttr(number, nn::names::sampleWeight) != nullptr;
    bool ofSamples = weight || function.getArgAttr(number, nn::names::input) || function.getArgAttr(number, nn::names::label);
    std::mt19937_64 engine(number);
    std::normal_distribution<double> normal;
    size_t row = ofSamples ? tensor.data.size() / tensor.shape.front() : 1;
    for (size_t i = 0; i < tensor.data.size(); ++i) {
      bool isPadding = ofSamples && i / row >= static_cast<size_t>(samples);
      double value = normal(engine);
      tensor.data[i] = weight ? (isPadding ? 0 : 1.0 / samples) : isPadding ? padding : value;
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// All results of a phase of a model, given as text, on `samples`.
SmallVector<reference::Tensor> run(const std::string &model, const std::string &passes, StringRef phase, int64_t samples) {
  MLIRContext context(test::makeRegistry());
  auto module = test::parse(context, model);
  test::runPasses(*module, passes);
  auto function = module->lookupSymbol<func::FuncOp>(phase);
  EXPECT_TRUE(function && !function->hasAttr(nn::names::wholeBatches));
  auto results = reference::evaluate(function, makeArguments(function, samples, /*padding=*/1.75));
  EXPECT_TRUE(succeeded(results));
  return succeeded(results) ? std::move(*results) : SmallVector<reference::Tensor>();
}

/// `make` gives the model for a batch; the last batch of each size against the program for that size.
void expectPartialBatches(const std::function<std::string(int64_t)> &make, const std::string &passes, int64_t smallest) {
  constexpr int64_t batch = 5;
  for (StringRef phase : {"train", "evaluate"})
    for (int64_t samples = smallest; samples < batch; ++samples) {
      auto partial = run(make(batch), passes, phase, samples), exact = run(make(samples), passes, phase, samples);
      ASSERT_EQ(partial.size(), exact.size());
      for (auto [i, tensors] : llvm::enumerate(llvm::zip_equal(partial, exact)))
        test::expectClose(std::get<0>(tensors).data, std::get<1>(tensors).data, 1e-9,
                          phase.str() + " of " + std::to_string(samples) + " samples, result " + std::to_string(i));
      ASSERT_FALSE(testing::Test::HasFailure()) << make(batch);
    }
}

class PartialBatch : public testing::TestWithParam<unsigned> {};

TEST_P(PartialBatch, IsABatchOfItsSize) {
  expectPartialBatches([](int64_t batch) { return test::makeMixingModel(GetParam(), batch, "f64"); }, pipeline, 1);
}

/// A sample's positions as rows: all of them have the sample's weight.
std::string makeNormalisedPositions(int64_t batch) {
  std::string n = std::to_string(batch), rows = std::to_string(batch * 3);
  return "func.func @positions(%x: tensor<" + n + "x3x2xf64> {nn.input = \"x\"},\n" + R"mlir(
      %s: tensor<2xf64> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
      %b: tensor<2xf64> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>},
      %m: tensor<2xf64> {nn.state = "m", nn.statistic, nn.init = #nn.constant<value = 0.0>},
      %v: tensor<2xf64> {nn.state = "v", nn.statistic, nn.init = #nn.constant<value = 1.0>}) -> (tensor<)mlir" + n +
         R"mlir(x3x2xf64> {nn.output = "y"})
      attributes {nn.model = "positions", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = )mlir" + n + ">} {\n" +
         "  %r = nn.reshape %x : tensor<" + n + "x3x2xf64> -> tensor<" + rows + "x2xf64>\n" +
         "  %h = nn.batch_norm %r, %s, %b running %m, %v {epsilon = 1.0e-3, momentum = 0.1} : (tensor<" + rows +
         "x2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> tensor<" + rows + "x2xf64>\n" +
         "  %y = nn.reshape %h : tensor<" + rows + "x2xf64> -> tensor<" + n + "x3x2xf64>\n  return %y : tensor<" + n + "x3x2xf64>\n}\n";
}

TEST(PartialBatchOfRows, NormalisesTheRowsOfItsSamples) {
  expectPartialBatches(makeNormalisedPositions, pipeline, 2);
  expectPartialBatches(makeNormalisedPositions, wholeStatistics, 2);
}

INSTANTIATE_TEST_SUITE_P(RandomModels, PartialBatch, testing::Range(0u, 120u));

} // namespace

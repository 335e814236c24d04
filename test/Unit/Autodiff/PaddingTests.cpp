// A partial batch gives what a program compiled for its size gives, whatever the model makes of its samples.
#include "MixingModels.h"
#include "TestModule.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace dtc;

namespace {

constexpr const char *pipeline = "func.func(dtc-mask-padding,dtc-simplify-graph),dtc-differentiate-graph,func.func(dtc-simplify-graph)";

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

class PartialBatch : public testing::TestWithParam<unsigned> {
protected:
  PartialBatch() : context(test::makeRegistry()) {}

  /// All results of a phase of the model for `batch`, given `samples`.
  SmallVector<reference::Tensor> run(StringRef phase, int64_t batch, int64_t samples) {
    std::string text = test::makeMixingModel(GetParam(), batch, "f64");
    SCOPED_TRACE(text);
    auto module = test::parse(context, text);
    test::runPasses(*module, pipeline);
    auto function = module->lookupSymbol<func::FuncOp>(phase);
    EXPECT_TRUE(function && !function->hasAttr(nn::names::wholeBatches));
    // The label lies in front of the weight: both have the same numbers in both programs.
    auto results = reference::evaluate(function, makeArguments(function, samples, 1.75));
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? std::move(*results) : SmallVector<reference::Tensor>();
  }

  MLIRContext context;
};

TEST_P(PartialBatch, IsABatchOfItsSize) {
  constexpr int64_t batch = 5;
  for (StringRef phase : {"train", "evaluate"})
    for (int64_t samples = 1; samples < batch; ++samples) {
      auto partial = run(phase, batch, samples), exact = run(phase, samples, samples);
      ASSERT_EQ(partial.size(), exact.size());
      for (auto [i, tensors] : llvm::enumerate(llvm::zip_equal(partial, exact)))
        test::expectClose(std::get<0>(tensors).data, std::get<1>(tensors).data, 1e-9,
                          phase.str() + " of " + std::to_string(samples) + " samples, result " + std::to_string(i));
      if (HasFailure()) {
        ADD_FAILURE() << test::makeMixingModel(GetParam(), batch, "f64");
        return;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(RandomModels, PartialBatch, testing::Range(0u, 120u));

} // namespace

// Modules from text, inputs, central differences, comparison.
#include "TestModule.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Passes.h"
#include "dtc/Sharding/ExternalModels.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace mlir;
using namespace dtc;

const DialectRegistry &test::makeRegistry() {
  static const DialectRegistry registry = [] {
    DialectRegistry all;
    all.insert<nn::NNDialect, func::FuncDialect>();
    registerAutodiffExternalModels(all);
    registerShardingExternalModels(all);
    return all;
  }();
  return registry;
}

OwningOpRef<ModuleOp> test::parse(MLIRContext &context, StringRef text) {
  context.allowUnregisteredDialects();
  auto module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module);
  return module;
}

OwningOpRef<ModuleOp> test::parseInput(MLIRContext &context, StringRef file) {
  context.allowUnregisteredDialects();
  std::string path = std::string(DTC_TEST_INPUTS "/") + file.str();
  auto module = parseSourceFile<ModuleOp>(path, &context);
  EXPECT_TRUE(module) << path;
  return module;
}

void test::runPasses(ModuleOp module, StringRef passes) {
  static const bool registered = [] { registerAutodiffPasses(); return true; }();
  (void)registered;
  PassManager manager(module.getContext());
  ASSERT_TRUE(succeeded(parsePassPipeline(passes, manager)));
  ASSERT_TRUE(succeeded(manager.run(module)));
}

reference::Tensor test::spread(RankedTensorType type, Range range, unsigned seed) {
  reference::Tensor tensor = reference::zeros(type.getShape());
  size_t count = tensor.data.size();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  // A shuffle of our own: std::shuffle differs between standard libraries.
  uint64_t state = 0x9e3779b97f4a7c15u * (seed + 1);
  for (size_t i = count; i > 1; --i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i - 1], order[(state >> 33) % i]);
  }
  for (size_t i = 0; i < count; ++i)
    tensor.data[i] = range.low + (static_cast<double>(order[i]) + 0.37) /
                                     static_cast<double>(count) * (range.high - range.low);
  return tensor;
}

std::vector<double> test::centralDifferences(
    const std::function<double(ArrayRef<reference::Tensor>)> &scalar,
    std::vector<reference::Tensor> arguments, size_t i) {
  constexpr double h = 1e-5;
  std::vector<double> slopes;
  for (double &element : arguments[i].data) {
    double at = element;
    element = at + h;
    double above = scalar(arguments);
    element = at - h;
    double below = scalar(arguments);
    element = at;
    slopes.push_back((above - below) / (2 * h));
  }
  return slopes;
}

void test::expectClose(ArrayRef<double> actual, ArrayRef<double> expected,
                       double tolerance, const std::string &what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], tolerance * (1e-2 + std::abs(expected[i])))
        << what << ", element " << i;
}

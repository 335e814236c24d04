// Graphs whose biases and activations move into library calls give the same
// results, evaluated by the reference before and after.
#include "Kernels.h"

#include "dialects/NN/NN.h"
#include "dtc/Fusion/Passes.h"

#include "mlir/Pass/PassManager.h"
#include <gtest/gtest.h>

#include <cmath>

using namespace mlir;
using namespace dtc;
using reference::Tensor;

namespace {

/// Numbers of both signs that repeat nowhere.
Tensor fill(RankedTensorType type, double start) {
  Tensor tensor = reference::zeros(type.getShape());
  for (auto [i, element] : llvm::enumerate(tensor.data))
    element = std::sin(start + 0.7 * static_cast<double>(i));
  return tensor;
}

class Epilogues : public testing::TestWithParam<const char *> {};

TEST_P(Epilogues, KeepTheResults) {
  auto context = test::makeContext();
  auto module = test::parse(*context, GetParam());
  ASSERT_TRUE(module);
  func::FuncOp function = test::getFunction(*module);
  std::vector<Tensor> arguments;
  for (Type type : function.getArgumentTypes())
    arguments.push_back(fill(cast<RankedTensorType>(type), arguments.size()));
  auto expected = reference::evaluate(function, arguments);
  ASSERT_TRUE(succeeded(expected));

  PassManager manager(context.get());
  manager.addPass(dtc::createFuseEpiloguesPass());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  // Nothing but library calls and views of the bias is left.
  for (Operation &op : function.getBody().front().without_terminator())
    EXPECT_FALSE(op.hasTrait<nn::Elementwise>()) << op.getName().getStringRef().str();
  auto actual = reference::evaluate(function, arguments);
  ASSERT_TRUE(succeeded(actual));
  for (auto [left, right] : llvm::zip_equal(*expected, *actual)) {
    ASSERT_EQ(left.shape, right.shape);
    for (auto [x, y] : llvm::zip_equal(left.data, right.data))
      EXPECT_NEAR(x, y, 1e-14);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, Epilogues, testing::Values(
  R"(func.func @f(%x: tensor<3x5xf64>, %w: tensor<4x5xf64>, %b: tensor<4xf64>) -> tensor<3x4xf64> {
    %0 = nn.matmul %x, %w transposed : (tensor<3x5xf64>, tensor<4x5xf64>) -> tensor<3x4xf64>
    %1 = nn.add %0, %b : tensor<3x4xf64>, tensor<4xf64>
    %2 = nn.relu %1 : tensor<3x4xf64>
    return %2 : tensor<3x4xf64>
  })",
  R"(func.func @f(%x: tensor<2x3x5xf64>, %w: tensor<5x4xf64>, %b: tensor<1x4xf64>) -> tensor<2x3x4xf64> {
    %0 = nn.matmul %x, %w : (tensor<2x3x5xf64>, tensor<5x4xf64>) -> tensor<2x3x4xf64>
    %1 = nn.add %b, %0 : tensor<1x4xf64>, tensor<2x3x4xf64>
    %2 = nn.elu %1 {alpha = 0.5} : tensor<2x3x4xf64>
    return %2 : tensor<2x3x4xf64>
  })",
  R"(func.func @f(%x: tensor<2x2x5x5xf64>, %w: tensor<3x2x3x3xf64>, %b: tensor<3x1x1xf64>) -> tensor<2x3x3x3xf64> {
    %0 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
       : (tensor<2x2x5x5xf64>, tensor<3x2x3x3xf64>) -> tensor<2x3x3x3xf64>
    %1 = nn.add %0, %b : tensor<2x3x3x3xf64>, tensor<3x1x1xf64>
    %2 = nn.leaky_relu %1 {alpha = 0.1} : tensor<2x3x3x3xf64>
    return %2 : tensor<2x3x3x3xf64>
  })",
  R"(func.func @f(%dz: tensor<3x5xf64>, %w: tensor<5x4xf64>, %y: tensor<3x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>) {
    %zero = nn.constant dense<0.0> : tensor<f64> : tensor<f64>
    %0 = nn.matmul %dz, %w : (tensor<3x5xf64>, tensor<5x4xf64>) -> tensor<3x4xf64>
    %1 = nn.where_positive %y, %0, %zero : tensor<3x4xf64>, tensor<3x4xf64>, tensor<f64>
    %2 = nn.matmul %dz, %w : (tensor<3x5xf64>, tensor<5x4xf64>) -> tensor<3x4xf64>
    %3 = nn.gelu_gradient %2, %y : tensor<3x4xf64>, tensor<3x4xf64>
    %4 = nn.matmul %dz, %w : (tensor<3x5xf64>, tensor<5x4xf64>) -> tensor<3x4xf64>
    %5 = nn.gelu_gradient %4, %y {approximate} : tensor<3x4xf64>, tensor<3x4xf64>
    return %1, %3, %5 : tensor<3x4xf64>, tensor<3x4xf64>, tensor<3x4xf64>
  })",
  R"(func.func @f(%x: tensor<2x2x4x4xf64>) -> tensor<2x2x2x2xf64> {
    %0, %index = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
       : (tensor<2x2x4x4xf64>) -> (tensor<2x2x2x2xf64>, tensor<2x2x2x2xui8>)
    %1 = nn.sigmoid %0 : tensor<2x2x2x2xf64>
    return %1 : tensor<2x2x2x2xf64>
  })",
  R"(func.func @f(%x: tensor<4x3x2xf64>, %scale: tensor<3xf64>, %bias: tensor<3xf64>, %weight: tensor<4xf64>, %s: tensor<4x3x2xf64>) -> (tensor<4x3x2xf64>, tensor<3xf64>) {
    %0, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-3}
       : (tensor<4x3x2xf64>, tensor<3xf64>, tensor<3xf64>, tensor<4xf64>) -> (tensor<4x3x2xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>)
    %1 = nn.add %s, %0 : tensor<4x3x2xf64>, tensor<4x3x2xf64>
    %2 = nn.relu %1 : tensor<4x3x2xf64>
    return %2, %inverse : tensor<4x3x2xf64>, tensor<3xf64>
  })",
  R"(func.func @f(%x: tensor<3x5xf64>, %w: tensor<5x4xf64>) -> tensor<3x4xf64> {
    %0 = nn.matmul %x, %w : (tensor<3x5xf64>, tensor<5x4xf64>) -> tensor<3x4xf64>
    %1 = nn.tanh %0 : tensor<3x4xf64>
    return %1 : tensor<3x4xf64>
  })"));

} // namespace

// Losses, their gradients and accuracy, against PyTorch and central differences.
#include "PyTorchLiterals.h"
#include "TestModule.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace dtc;

namespace {

class Loss : public testing::TestWithParam<test::LossLiteral> {
protected:
  Loss() : context(test::makeRegistry()) { context.loadAllAvailableDialects(); }

  /// A function (prediction, label, weight) -> what `build` returns.
  template <typename Build>
  func::FuncOp makeFunction(Build build) {
    Location location = UnknownLoc::get(&context);
    if (!module)
      module = ModuleOp::create(location);
    loss = cast<LossInterface>(parseAttribute(GetParam().attribute, &context));
    Type f64 = Float64Type::get(&context);
    auto prediction = RankedTensorType::get(GetParam().shape, f64);
    auto label = loss.getLabelType(location, prediction);
    auto weight = RankedTensorType::get({GetParam().shape.front()}, f64);
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    auto function = func::FuncOp::create(
        builder, location, "f",
        builder.getFunctionType({prediction, *label, weight}, {}));
    Block *block = function.addEntryBlock();
    ImplicitLocOpBuilder body(location, OpBuilder::atBlockEnd(block));
    SmallVector<Value> results = build(body, block->getArgument(0),
                                       block->getArgument(1), block->getArgument(2));
    func::ReturnOp::create(body, results);
    function.setFunctionType(builder.getFunctionType(
        block->getArgumentTypes(), TypeRange(ValueRange(results))));
    return function;
  }

  std::vector<reference::Tensor> arguments() const {
    const test::LossLiteral &literal = GetParam();
    auto prediction = RankedTensorType::get(literal.shape, Float64Type::get(loss.getContext()));
    SmallVector<int64_t> shape(prediction.getShape()),
        labelShape(loss.getLabelType(UnknownLoc::get(loss.getContext()), prediction)->getShape());
    return {{shape, literal.prediction},
            {labelShape, literal.label},
            {{shape.front()}, literal.weight}};
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  LossInterface loss;
};

TEST_P(Loss, AgreesWithPyTorch) {
  auto function = makeFunction([&](auto &builder, Value x, Value label, Value weight) {
    auto [value, gradient] = loss.buildLoss(builder, x, label, weight);
    return SmallVector<Value>{value, gradient};
  });
  auto results = reference::evaluate(function, arguments());
  ASSERT_TRUE(succeeded(results));
  test::expectClose((*results)[0].data, GetParam().loss, 1e-12, "loss");
  test::expectClose((*results)[1].data, GetParam().gradient, 1e-12, "gradient");
}

TEST_P(Loss, IsTheSameAlone) {
  auto function = makeFunction([&](auto &builder, Value x, Value label, Value weight) {
    return SmallVector<Value>{loss.buildLossAlone(builder, x, label, weight)};
  });
  auto results = reference::evaluate(function, arguments());
  ASSERT_TRUE(succeeded(results));
  test::expectClose((*results)[0].data, GetParam().loss, 1e-12, "loss");
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Loss, testing::ValuesIn(test::lossLiterals),
                         [](const auto &info) { return std::string(info.param.name); });

/// The share of samples whose largest logit is the label, in a padded batch.
TEST(Accuracy, CountsByWeight) {
  MLIRContext context(test::makeRegistry());
  auto module = test::parse(context, R"mlir(
    func.func @f(%logits: tensor<4x2x3xf64>, %label: tensor<4x2xi64>, %weight: tensor<4xf64>) -> tensor<f64> {
      %0 = nn.count_correct %logits, %label, %weight : (tensor<4x2x3xf64>, tensor<4x2xi64>, tensor<4xf64>) -> tensor<f64>
      return %0 : tensor<f64>
    })mlir");
  reference::Tensor logits{{4, 2, 3}, {3, 1, 2, 0, 5, 0,   // 0, 1: both right
                                       1, 2, 3, 1, 2, 3,   // 2, 2: one right
                                       9, 1, 1, 9, 1, 1,   // 0, 0: none right
                                       9, 1, 1, 9, 1, 1}}; // padding
  reference::Tensor label{{4, 2}, {0, 1, 2, 0, 1, 2, 0, 0}};
  reference::Tensor weight{{4}, {0.25, 0.25, 0.5, 0.0}};
  auto results = reference::evaluate(*module->getOps<func::FuncOp>().begin(),
                                     {logits, label, weight});
  ASSERT_TRUE(succeeded(results));
  EXPECT_DOUBLE_EQ((*results)[0].data[0], 0.25 + 0.125);
}

/// What is ignored is not right, even where it is a class that the logits are largest at.
TEST(Accuracy, LeavesOutIgnoredLabels) {
  MLIRContext context(test::makeRegistry());
  auto module = test::parse(context, R"mlir(
    func.func @f(%logits: tensor<3x3xf64>, %label: tensor<3xi64>, %weight: tensor<3xf64>) -> tensor<f64> {
      %0 = nn.count_correct %logits, %label, %weight {ignore_index = 0 : i64} : (tensor<3x3xf64>, tensor<3xi64>, tensor<3xf64>) -> tensor<f64>
      return %0 : tensor<f64>
    })mlir");
  reference::Tensor logits{{3, 3}, {9, 0, 0, 0, 9, 0, 0, 0, 9}}, label{{3}, {0, 1, 2}}, weight{{3}, {1, 1, 1}};
  auto results = reference::evaluate(*module->getOps<func::FuncOp>().begin(), {logits, label, weight});
  ASSERT_TRUE(succeeded(results));
  EXPECT_DOUBLE_EQ((*results)[0].data[0], 2);
}

/// What a sample of weight 0 holds changes neither loss nor gradient.
TEST(Padding, LabelsOfPaddingAreNotLookedAt) {
  MLIRContext context(test::makeRegistry());
  auto module = test::parse(context, R"mlir(
    func.func @f(%logits: tensor<2x3xf64>, %label: tensor<2xi64>, %weight: tensor<2xf64>) -> (tensor<f64>, tensor<2x3xf64>) {
      %loss, %d = nn.softmax_cross_entropy %logits, %label, %weight : (tensor<2x3xf64>, tensor<2xi64>, tensor<2xf64>) -> (tensor<f64>, tensor<2x3xf64>)
      return %loss, %d : tensor<f64>, tensor<2x3xf64>
    })mlir");
  auto function = *module->getOps<func::FuncOp>().begin();
  reference::Tensor logits{{2, 3}, {0, 0, 0, 7, 8, 9}}, weight{{2}, {1, 0}};
  auto results =
      reference::evaluate(function, {logits, {{2}, {1, -100}}, weight});
  ASSERT_TRUE(succeeded(results));
  EXPECT_NEAR((*results)[0].data[0], std::log(3.0), 1e-15);
  test::expectClose((*results)[1].data, {1.0 / 3, 1.0 / 3 - 1, 1.0 / 3, 0, 0, 0},
                    1e-12, "gradient");
}

} // namespace

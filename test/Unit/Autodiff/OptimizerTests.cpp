// Three steps of each optimizer against PyTorch.
#include "PyTorchLiterals.h"
#include "TestModule.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dtc;

namespace {

class Optimizer : public testing::TestWithParam<test::OptimizerLiteral> {};

/// (parameter, gradient, step, states...) -> (parameter, states...).
func::FuncOp makeUpdate(ModuleOp module, OptimizerInterface optimizer,
                        RankedTensorType type) {
  Location location = module.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types{type, type, RankedTensorType::get({}, builder.getI64Type())};
  types.append(optimizer.getStates().size(), type);
  auto function = func::FuncOp::create(builder, location, "update",
                                       builder.getFunctionType(types, {}));
  Block *block = function.addEntryBlock();
  ImplicitLocOpBuilder body(location, OpBuilder::atBlockEnd(block));
  SmallVector<Value> arguments(block->getArguments());
  SmallVector<Value> results =
      optimizer.buildUpdate(body, arguments[0], arguments[1],
                            ArrayRef(arguments).drop_front(3), arguments[2]);
  func::ReturnOp::create(body, results);
  function.setFunctionType(
      builder.getFunctionType(types, TypeRange(ValueRange(results))));
  return function;
}

TEST_P(Optimizer, ThreeStepsAgreeWithPyTorch) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  auto optimizer =
      cast<OptimizerInterface>(parseAttribute(GetParam().attribute, &context));
  int64_t size = static_cast<int64_t>(test::startParameter.size());
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  func::FuncOp update = makeUpdate(
      *module, optimizer, RankedTensorType::get({size}, Float64Type::get(&context)));
  ASSERT_TRUE(succeeded(verify(*module)));

  reference::Tensor parameter{{size}, test::startParameter};
  SmallVector<reference::Tensor> states;
  for (const OptimizerState &state : optimizer.getStates()) {
    double start = cast<nn::ConstantInitAttr>(state.init).getValue();
    states.push_back({{size}, std::vector<double>(size, start)});
  }
  for (int step = 1; step <= 3; ++step) {
    SmallVector<reference::Tensor> arguments{
        parameter, {{size}, test::gradientOfStep[step - 1]},
        {{}, {static_cast<double>(step)}}};
    llvm::append_range(arguments, states);
    auto results = reference::evaluate(update, arguments);
    ASSERT_TRUE(succeeded(results));
    parameter = results->front();
    states.assign(results->begin() + 1, results->end());
    test::expectClose(parameter.data, GetParam().parameterAfterStep[step - 1],
                      1e-12, "step " + std::to_string(step));
  }
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Optimizer,
                         testing::ValuesIn(test::optimizerLiterals),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(OptimizerInterfaceTest, KnowsItsLearningRate) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  for (const char *text : {"#nn.sgd<lr = 0.25>", "#nn.adam<lr = 0.25>"})
    EXPECT_EQ(cast<OptimizerInterface>(parseAttribute(text, &context)).getLearningRate(),
              0.25);
}

} // namespace

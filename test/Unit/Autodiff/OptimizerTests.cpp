// Steps of each optimizer against PyTorch, by its formula in f64.
#include "PyTorchLiterals.h"
#include "TestModule.h"
#include "dialects/NN/NN.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>
#include <map>

using namespace mlir;
using namespace dtc;

namespace {

class Optimizer : public testing::TestWithParam<test::OptimizerLiteral> {};

/// (parameter, gradient, states..., learning rate, step) -> (parameter, states...).
func::FuncOp makeUpdate(ModuleOp module, nn::OptimizerAttr optimizer, RankedTensorType type) {
  Location location = module.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types{type, type}, results{type};
  for (const OptimizerState *state : optimizer.getStates())
    results.push_back(state->isScalar ? RankedTensorType::get({}, type.getElementType()) : type);
  types.append(results.begin() + 1, results.end());
  types.push_back(RankedTensorType::get({}, builder.getF64Type()));
  types.push_back(RankedTensorType::get({}, builder.getI64Type()));
  auto function = func::FuncOp::create(builder, location, "update", builder.getFunctionType(types, results));
  Block *block = function.addEntryBlock();
  ImplicitLocOpBuilder body(location, OpBuilder::atBlockEnd(block));
  ValueRange arguments = block->getArguments();
  auto update = nn::UpdateOp::create(body, arguments[0], arguments[1], arguments.drop_front(2).drop_back(2),
                                     arguments[arguments.size() - 2], arguments.back(), optimizer);
  func::ReturnOp::create(body, update->getResults());
  return function;
}

TEST_P(Optimizer, StepsAgreeWithPyTorch) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  auto optimizer = cast<nn::OptimizerAttr>(parseAttribute(GetParam().attribute, &context));
  int64_t size = static_cast<int64_t>(test::startParameter.size());
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  func::FuncOp update = makeUpdate(*module, optimizer, RankedTensorType::get({size}, Float64Type::get(&context)));
  ASSERT_TRUE(succeeded(verify(*module)));

  reference::Tensor parameter{{size}, test::startParameter};
  SmallVector<reference::Tensor> states;
  for (const OptimizerState *state : optimizer.getStates()) {
    double start = cast<nn::ConstantInitAttr>(optimizer.getInit(*state)).getValue();
    if (state->isScalar)
      states.push_back({{}, {start}});
    else
      states.push_back({{size}, std::vector<double>(size, start)});
  }
  for (size_t step = 1; step <= test::gradientOfStep.size(); ++step) {
    SmallVector<reference::Tensor> arguments{parameter, {{size}, test::gradientOfStep[step - 1]}};
    llvm::append_range(arguments, states);
    arguments.push_back({{}, {optimizer.getLearningRate()}});
    arguments.push_back({{}, {static_cast<double>(step)}});
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

/// Each is compared with PyTorch, or another definition: at its defaults, and with each setting at another value.
TEST(OptimizerTable, IsTestedAsAWhole) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  for (const dtc::Optimizer &entry : allOptimizers())
    for (size_t i = 1; i < entry.settings.size(); ++i)
      EXPECT_TRUE(llvm::any_of(test::optimizerLiterals, [&](const test::OptimizerLiteral &literal) {
        auto optimizer = cast<nn::OptimizerAttr>(parseAttribute(literal.attribute, &context));
        return optimizer.getEntry() == &entry && optimizer.getValues()[i] != nn::Real(entry.settings[i].byDefault);
      })) << entry.name.str() << "'s " << entry.settings[i].name.str();
}

TEST(OptimizerTable, NamesStatesOfAFamilyAlike) {
  std::map<std::string, std::pair<double, bool>> seen;
  for (const dtc::Optimizer &entry : allOptimizers()) {
    EXPECT_FALSE(entry.summary.empty() || entry.source.empty());
    for (const OptimizerState &state : entry.states) {
      EXPECT_TRUE(isNameOfState(entry.stateName(state) + "/conv1.weight"));
      auto [known, isNew] = seen.try_emplace(entry.stateName(state), 0, state.isScalar);
      EXPECT_TRUE(isNew || known->second.second == state.isScalar);
    }
  }
  EXPECT_FALSE(isNameOfState("adam.m"));
  EXPECT_FALSE(isNameOfState("adam.mean/x"));
}

} // namespace

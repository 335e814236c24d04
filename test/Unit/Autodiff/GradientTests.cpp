// Every adjoint against central differences in f64. The functions of Inputs/
// are the cases; a differentiable op that none of them holds fails the suite.
#include "dtc/Autodiff/Gradients.h"

#include "TestModule.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "test/Reference/Reference.h"

#include "mlir/IR/Verifier.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringSet.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dtc;

namespace {

constexpr const char *files[] = {"elementwise.mlir", "convolution.mlir",
                                 "matmul.mlir",      "pooling.mlir",
                                 "shape.mlir",       "graphs.mlir",
                                 "normalisation.mlir", "gather.mlir", "random.mlir", "sample_normalisation.mlir", "attention.mlir", "recurrent.mlir"};

/// Where in its file a case stands; the file itself is parsed by each test.
struct Case {
  std::string file, function;
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.file << ":" << c.function; }

std::vector<Case> allCases() {
  std::vector<Case> cases;
  MLIRContext context(test::makeRegistry());
  for (const char *file : files) {
    OwningOpRef<ModuleOp> module = test::parseInput(context, file);
    for (auto function : module->getOps<func::FuncOp>())
      cases.push_back({file, function.getSymName().str()});
  }
  return cases;
}

class Gradient : public testing::TestWithParam<Case> {};

/// Lets the function return the sum of its result times fixed, different
/// weights, so that no gradient is hidden by symmetry.
Value returnWeightedSum(func::FuncOp function) {
  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  Location location = function.getLoc();
  Value result = terminator->getOperand(0);
  auto type = cast<RankedTensorType>(result.getType());
  reference::Tensor weights = test::spread(type, {-1.0, 1.5}, /*seed=*/7);
  Value constant = nn::ConstantOp::create(
      builder, location, type, DenseElementsAttr::get(type, ArrayRef(weights.data)));
  Value product = nn::MulOp::create(builder, location, result, constant);
  auto axes = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Value sum = nn::ReduceSumOp::create(builder, location, product, axes);
  terminator->setOperands(sum);
  function.setFunctionType(
      builder.getFunctionType(function.getArgumentTypes(), sum.getType()));
  return sum;
}

test::Range rangeOf(func::FuncOp function, unsigned argument) {
  auto range = function.getArgAttrOfType<ArrayAttr>(argument, "test.range");
  if (!range)
    return {-2.0, 2.0};
  return {cast<FloatAttr>(range[0]).getValueAsDouble(),
          cast<FloatAttr>(range[1]).getValueAsDouble()};
}

TEST_P(Gradient, AgreesWithCentralDifferences) {
  MLIRContext context(test::makeRegistry());
  OwningOpRef<ModuleOp> module = test::parseInput(context, GetParam().file);
  auto function = module->lookupSymbol<func::FuncOp>(GetParam().function);
  std::vector<reference::Tensor> arguments;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    arguments.push_back(test::spread(cast<RankedTensorType>(type),
                                     rangeOf(function, i), /*seed=*/i));
  Value scalar = returnWeightedSum(function);
  func::FuncOp forward = function.clone();
  OwningOpRef<func::FuncOp> forwardOwner(forward);

  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  SmallVector<Value> wrt(function.getArguments());
  auto gradients = buildGradients(builder, scalar, wrt);
  ASSERT_TRUE(succeeded(gradients));
  SmallVector<Value> present;
  for (Value gradient : *gradients)
    if (gradient)
      present.push_back(gradient);
  terminator->setOperands(present);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(),
                                                   TypeRange(ValueRange(present))));
  ASSERT_TRUE(succeeded(verify(*module)));

  auto computed = reference::evaluate(function, arguments);
  ASSERT_TRUE(succeeded(computed));
  size_t next = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::vector<double> expected = test::centralDifferences(
        [&](ArrayRef<reference::Tensor> at) {
          return (*reference::evaluate(forward, at))[0].data[0];
        },
        arguments, i);
    // No gradient at all stands for zero everywhere.
    std::vector<double> zeros(expected.size(), 0.0);
    test::expectClose((*gradients)[i] ? (*computed)[next++].data : zeros, expected,
                      1e-6, "argument " + std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Op, Gradient, testing::ValuesIn(allCases()), [](const auto &info) {
      return StringRef(info.param.file).drop_back(5).str() + "_" + info.param.function;
    });

TEST(GradientCoverage, EveryDifferentiableOpIsChecked) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  llvm::StringSet<> checked;
  for (const char *file : files)
    test::parseInput(context, file)->walk([&](Operation *op) {
      checked.insert(op->getName().getStringRef());
    });
  unsigned differentiable = 0;
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    if (!name.hasInterface<DifferentiableOpInterface>())
      continue;
    ++differentiable;
    EXPECT_TRUE(checked.contains(name.getStringRef()))
        << name.getStringRef().str() << " has an adjoint that nothing checks";
  }
  EXPECT_GT(differentiable, 20u);
}

TEST(GradientCoverage, EveryNNOpCanBeEvaluated) {
  MLIRContext context(test::makeRegistry());
  context.loadAllAvailableDialects();
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == nn::NNDialect::getDialectNamespace()) {
      EXPECT_TRUE(reference::canEvaluate(name.getStringRef()))
          << name.getStringRef().str() << " has no rule in the reference";
    }
}

} // namespace

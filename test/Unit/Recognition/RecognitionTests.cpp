// What is recognised has the parts' values and gradients: every function of the lit tests, before and behind the pass, by the reference
// evaluator.
#include "test/Unit/Autodiff/TestModule.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/Gradients.h"
#include "dtc/Recognition/Passes.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace dtc;

namespace {

struct Case {
  std::string file, function;
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.file << ":" << c.function; }

/// Of one result: where there are several, the parts stay.
std::vector<Case> allCases() {
  std::vector<Case> cases;
  MLIRContext context(test::makeRegistry());
  for (const char *file : {"recognise-activations.mlir", "recognise-normalisations.mlir", "recognise-attention.mlir"}) {
    OwningOpRef<ModuleOp> module = test::parseInput(context, file);
    for (auto function : module->getOps<func::FuncOp>())
      if (function.getNumResults() == 1 && function.getOps<nn::DropoutOp>().empty())
        cases.push_back({file, function.getSymName().str()});
  }
  return cases;
}

/// In f64: each type of floating-point numbers, and the constants.
void widen(func::FuncOp function) {
  Type f64 = Float64Type::get(function.getContext());
  auto widened = [&](Type type) -> Type {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isF32() ? RankedTensorType::get(tensor.getShape(), f64) : type;
  };
  for (Value argument : function.getArguments())
    argument.setType(widened(argument.getType()));
  function.walk([&](Operation *op) {
    for (Value result : op->getResults())
      result.setType(widened(result.getType()));
    if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      auto elements = dyn_cast<DenseFPElementsAttr>(constant.getValue());
      if (elements && elements.getElementType().isF32())
        constant.setValueAttr(elements.mapValues(f64, [](APFloat value) {
          bool loses;
          value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
          return value.bitcastToAPInt();
        }));
    }
  });
  SmallVector<Type> arguments = llvm::map_to_vector(function.getArgumentTypes(), widened),
                    results = llvm::map_to_vector(function.getResultTypes(), widened);
  function.setFunctionType(FunctionType::get(function.getContext(), arguments, results));
}

/// As dtc-mask-padding does of whole batches: a mean has no adjoint.
void makeMeansSums(func::FuncOp function) {
  for (auto mean : llvm::make_early_inc_range(function.getOps<nn::ReduceMeanOp>())) {
    OpBuilder builder(mean);
    auto type = cast<RankedTensorType>(mean.getType());
    Value sum = nn::ReduceSumOp::create(builder, mean.getLoc(), mean.getX(), mean.getAxes(), mean.getKeepDims());
    double count = static_cast<double>(mean.getX().getType().getNumElements()) / type.getNumElements();
    auto scalar = RankedTensorType::get({}, type.getElementType());
    Value number = nn::ConstantOp::create(builder, mean.getLoc(), scalar,
                                          DenseElementsAttr::get(scalar, builder.getFloatAttr(type.getElementType(), count)));
    mean.replaceAllUsesWith(nn::DivOp::create(builder, mean.getLoc(), sum, number).getResult());
    mean.erase();
  }
}

/// Lets the function return its result and, of the sum of its elements times different weights, the gradient of each argument that has one:
/// zeros where nothing depends on it.
void returnGradients(func::FuncOp function) {
  makeMeansSums(function);
  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  Location location = function.getLoc();
  Value result = terminator->getOperand(0);
  auto type = cast<RankedTensorType>(result.getType());
  reference::Tensor weights = test::spread(type, {-1.0, 1.5}, /*seed=*/7);
  auto attribute = type.getElementType().isF64()
                       ? DenseElementsAttr::get(type, ArrayRef(weights.data))
                       : DenseElementsAttr::get(type, ArrayRef(std::vector<float>(weights.data.begin(), weights.data.end())));
  Value product = nn::MulOp::create(builder, location, result, nn::ConstantOp::create(builder, location, type, attribute).getResult());
  Value sum = nn::ReduceSumOp::create(builder, location, product, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  SmallVector<Value> wrt, returned = {result};
  for (Value argument : function.getArguments())
    if (nn::hasGradient(argument.getType()))
      wrt.push_back(argument);
  auto gradients = buildGradients(builder, sum, wrt);
  ASSERT_TRUE(succeeded(gradients));
  for (auto [argument, gradient] : llvm::zip(wrt, *gradients)) {
    auto of = cast<RankedTensorType>(argument.getType());
    returned.push_back(
        gradient ? gradient
                 : nn::ConstantOp::create(builder, location, of, DenseElementsAttr::get(of, builder.getFloatAttr(of.getElementType(), 0)))
                       .getResult());
  }
  terminator->setOperands(returned);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), TypeRange(ValueRange(returned))));
}

class Recognition : public testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(Recognition, KeepsValuesAndGradients) {
  const auto &[which, wide] = GetParam();
  MLIRContext context(test::makeRegistry());
  OwningOpRef<ModuleOp> module = test::parseInput(context, which.file);
  auto parts = module->lookupSymbol<func::FuncOp>(which.function);
  if (wide)
    widen(parts);
  ASSERT_TRUE(succeeded(verify(parts)));
  OwningOpRef<func::FuncOp> whole = parts.clone();
  PassManager manager(&context, func::FuncOp::getOperationName());
  manager.addPass(createRecogniseActivationsPass());
  manager.addPass(createRecogniseNormalisationsPass());
  manager.addPass(createRecogniseAttentionPass());
  ASSERT_TRUE(succeeded(manager.run(*whole)));

  bool isPart = whole->getOps<nn::AttentionOp>().empty();
  for (unsigned seed = 0; seed < 3; ++seed) {
    std::vector<reference::Tensor> arguments;
    for (auto [i, type] : llvm::enumerate(parts.getArgumentTypes())) {
      arguments.push_back(test::spread(cast<RankedTensorType>(type), {-4.0, 4.0}, 10 * seed + i));
      // Truth values; of the first seed none: what a mask of them says of a query all of whose keys are hidden, and of one that sees all.
      if (cast<RankedTensorType>(type).getElementType().isInteger(1))
        for (double &element : arguments.back().data)
          element = seed == 0 ? parts.getArgAttr(i, "test.all") != nullptr : seed == 1 ? 1 : element > -1;
      // An epsilon, which is positive.
      if (cast<RankedTensorType>(type).getRank() == 0)
        arguments.back().data = {0.1};
    }
    OwningOpRef<func::FuncOp> before = parts.clone(), after = whole->clone();
    returnGradients(*before);
    returnGradients(*after);
    auto expected = reference::evaluate(*before, arguments), actual = reference::evaluate(*after, arguments);
    ASSERT_TRUE(succeeded(expected) && succeeded(actual));
    for (size_t i = 0; i < expected->size(); ++i) {
      std::vector<double> &wanted = (*expected)[i].data, &found = (*actual)[i].data;
      ASSERT_EQ(wanted.size(), found.size());
      for (size_t e = 0; e < wanted.size(); ++e) {
        // Of a query without keys the parts' gradient is no number, and attention's is one.
        if (std::isnan(wanted[e])) {
          EXPECT_EQ(std::isnan(found[e]), isPart || i == 0);
          continue;
        }
        // Constants of f32 are those of the formulas to 1e-7.
        EXPECT_NEAR(found[e], wanted[e], 1e-6 * (1 + std::abs(wanted[e]))) << "seed " << seed << ", result " << i << ", element " << e;
      }
    }
  }
}

std::string nameOf(const testing::TestParamInfo<std::tuple<Case, bool>> &info) {
  const auto &[which, wide] = info.param;
  return StringRef(which.file).drop_front(10).drop_back(5).str() + "_" + which.function + (wide ? "_f64" : "_f32");
}

INSTANTIATE_TEST_SUITE_P(Parts, Recognition, testing::Combine(testing::ValuesIn(allCases()), testing::Bool()), nameOf);

} // namespace

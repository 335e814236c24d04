// Each elementwise op's formula against the reference, on awkward numbers too.
#include "Kernels.h"

#include "dialects/NN/NN.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Fusion/ScalarBodyInterface.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dtc;
using reference::Tensor;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::vector<double> numbers = {
    std::nan(""), infinity, -infinity, 0.0,    -0.0,   1.0,   -1.0,
    0.5,          -0.5,     2.0,       -2.0,   3.25,   -3.25, 1e-9,
    -1e-9,        40.0,     -40.0,     710.0,  -710.0, 1e300, -1e300,
    std::numeric_limits<double>::denorm_min()};

/// An op on tensors of all the numbers: `%x` is [n, 1, 1], `%y` [n, 1] and `%z`
/// [n], so that by broadcasting it meets all combinations. `%c` is a constant; `%t` and `%u` are booleans, `%i`, `%l` and `%m` integers.
struct Case {
  std::string op, result, constant = "1.0";
};

const Case cases[] = {
    {"nn.neg %x : !x", "!x"},
    {"nn.cast %x : !x -> !x", "!x"},
    {"nn.exp %x : !x", "!x"},
    {"nn.log %x : !x", "!x"},
    {"nn.sqrt %x : !x", "!x"},
    {"nn.relu %x : !x", "!x"},
    {"nn.sigmoid %x : !x", "!x"},
    {"nn.tanh %x : !x", "!x"},
    {"nn.leaky_relu %x {alpha = 0.1} : !x", "!x"},
    {"nn.leaky_relu %x {alpha = -2.0} : !x", "!x"},
    {"nn.elu %x {alpha = 1.5} : !x", "!x"},
    {"nn.erf %x : !x", "!x"},
    {"nn.gelu %x : !x", "!x"},
    {"nn.gelu %x {approximate} : !x", "!x"},
    {"nn.abs %x : !x", "!x"},
    {"nn.sign %x : !x", "!x"},
    {"nn.floor %x : !x", "!x"},
    {"nn.ceil %x : !x", "!x"},
    {"nn.round %x : !x", "!x"},
    {"nn.sin %x : !x", "!x"},
    {"nn.cos %x : !x", "!x"},
    {"nn.tan %x : !x", "!x"},
    {"nn.asin %x : !x", "!x"},
    {"nn.acos %x : !x", "!x"},
    {"nn.atan %x : !x", "!x"},
    {"nn.sinh %x : !x", "!x"},
    {"nn.cosh %x : !x", "!x"},
    {"nn.asinh %x : !x", "!x"},
    {"nn.acosh %x : !x", "!x"},
    {"nn.atanh %x : !x", "!x"},
    {"nn.softplus %x : !x", "!x"},
    {"nn.silu %x : !x", "!x"},
    {"nn.mish %x : !x", "!x"},
    {"nn.hard_sigmoid %x {alpha = 0.2, beta = 0.5} : !x", "!x"},
    {"nn.hard_swish %x : !x", "!x"},
    {"nn.clip %x {min = -0.5, max = 2.0} : !x", "!x"},
    {"nn.clip %x {max = 0.0} : !x", "!x"},
    {"nn.clip %x {min = 2.0, max = 1.0} : !x", "!x"},
    {"nn.mod %x, %y : !x, !y", "!xy"},
    {"nn.min %x, %y : !x, !y", "!xy"},
    {"nn.max %x, %y : !x, !y", "!xy"},
    {"nn.equal %x, %y : !x, !y", "!bxy"},
    {"nn.less %x, %y : !x, !y", "!bxy"},
    {"nn.less_or_equal %x, %y : !x, !y", "!bxy"},
    {"nn.greater %x, %y : !x, !y", "!bxy"},
    {"nn.greater_or_equal %x, %y : !x, !y", "!bxy"},
    {"nn.where %t, %x, %y : !bz, !x, !y", "!xyz"},
    {"nn.and %t, %u : !bz, !by", "!byz"},
    {"nn.or %t, %u : !bz, !by", "!byz"},
    {"nn.xor %t, %u : !bz, !by", "!byz"},
    {"nn.equal %t, %u : !bz, !by", "!byz"},
    {"nn.not %t : !bz", "!bz"},
    // Conversions, and integers of up to 32 bits.
    {"nn.cast %x : !x -> !bx", "!bx"},
    {"nn.cast %t : !bz -> !z", "!z"},
    {"nn.cast %t : !bz -> !lz", "!lz"},
    {"nn.cast %x : !x -> !ix", "!ix"},
    {"nn.cast %i : !ix -> !x", "!x"},
    {"nn.cast %i : !ix -> !lx", "!lx"},
    {"nn.cast %l : !lx -> !ix", "!ix"},
    {"nn.cast %i : !ix -> !bx", "!bx"},
    {"nn.neg %l : !lx", "!lx"},
    {"nn.abs %l : !lx", "!lx"},
    {"nn.sign %l : !lx", "!lx"},
    {"nn.add %l, %m : !lx, !ly", "!lxy"},
    {"nn.sub %l, %m : !lx, !ly", "!lxy"},
    {"nn.mul %l, %m : !lx, !ly", "!lxy"},
    {"nn.div %l, %m : !lx, !ly", "!lxy"},
    {"nn.mod %l, %m : !lx, !ly", "!lxy"},
    {"nn.min %l, %m : !lx, !ly", "!lxy"},
    {"nn.max %l, %m : !lx, !ly", "!lxy"},
    {"nn.less %l, %m : !lx, !ly", "!bxy"},
    {"nn.equal %l, %m : !lx, !ly", "!bxy"},
    {"nn.and %l, %m : !lx, !ly", "!lxy"},
    {"nn.not %l : !lx", "!lx"},
    {"nn.where %t, %l, %m : !bz, !lx, !ly", "!lxyz"},
    {"nn.gelu_gradient %x, %y : !x, !y", "!xy"},
    {"nn.gelu_gradient %x, %y {approximate} : !x, !y", "!xy"},
    {"nn.add %x, %y : !x, !y", "!xy"},
    {"nn.sub %x, %y : !x, !y", "!xy"},
    {"nn.mul %x, %y : !x, !y", "!xy"},
    {"nn.div %x, %y : !x, !y", "!xy"},
    {"nn.pow %x, %y : !x, !y", "!xy"},
    {"nn.pow %x, %c : !x, !c", "!x", "0.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "1.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "2.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "3.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "-1.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "-2.0"},
    {"nn.pow %x, %c : !x, !c", "!x", "0.5"},
    {"nn.pow %x, %c : !x, !c", "!x", "-0.5"},
    {"nn.pow %x, %c : !x, !c", "!x", "1.7"},
    {"nn.pow %c, %x : !c, !x", "!x", "2.0"},
    {"nn.where_positive %x, %y, %z : !x, !y, !z", "!xyz"},
    {"nn.where_positive %x, %c, %x : !x, !c, !x", "!x"},
    // Neutral constants may fold away, but never a NaN with them.
    {"nn.mul %x, %c : !x, !c", "!x", "0.0"},
    {"nn.mul %x, %c : !x, !c", "!x", "1.0"},
    {"nn.add %x, %c : !x, !c", "!x", "0.0"},
    {"nn.sub %c, %x : !c, !x", "!x", "0.0"},
    {"nn.div %x, %c : !x, !c", "!x", "1.0"},
    {"nn.sub %x, %x : !x, !x", "!x"},
    {"nn.div %x, %x : !x, !x", "!x"},
};

Tensor columnOf(ArrayRef<double> values, unsigned ones) {
  SmallVector<int64_t> shape(1 + ones, 1);
  shape[0] = values.size();
  return {shape, std::vector<double>(values)};
}

/// Compares up to the rounding of a handful of operations.
void expectNear(double expected, double actual, double x) {
  if (std::isnan(expected) || std::isnan(actual))
    EXPECT_EQ(std::isnan(expected), std::isnan(actual)) << "x = " << x;
  else if (std::isinf(expected) || std::isinf(actual))
    EXPECT_EQ(expected, actual) << "x = " << x;
  else
    EXPECT_NEAR(expected, actual, 4e-16 * std::abs(expected)) << "x = " << x;
}

class ScalarBodies : public testing::TestWithParam<Case> {};

TEST_P(ScalarBodies, AgreeWithTheReference) {
  auto context = test::makeContext();
  std::string text = llvm::formatv(R"(
    !c = tensor<f64>
    !x = tensor<{0}x1x1xf64>
    !y = tensor<{0}x1xf64>
    !z = tensor<{0}xf64>
    !xy = tensor<{0}x{0}x1xf64>
    !xyz = tensor<{0}x{0}x{0}xf64>
    !bx = tensor<{0}x1x1xi1>
    !by = tensor<{0}x1xi1>
    !bz = tensor<{0}xi1>
    !bxy = tensor<{0}x{0}x1xi1>
    !byz = tensor<{0}x{0}xi1>
    !ix = tensor<{0}x1x1xi32>
    !lx = tensor<{0}x1x1xi64>
    !ly = tensor<{0}x1xi64>
    !lz = tensor<{0}xi64>
    !lxy = tensor<{0}x{0}x1xi64>
    !lxyz = tensor<{0}x{0}x{0}xi64>
    func.func @f(%x: !x, %y: !y, %z: !z, %t: !bz, %u: !by, %i: !ix, %l: !lx, %m: !ly) -> {1} {{
      %c = nn.constant dense<{2}> : !c : !c
      %r = {3}
      return %r : {1}
    })", numbers.size(), GetParam().result, GetParam().constant, GetParam().op);
  auto module = test::parse(*context, text);
  ASSERT_TRUE(module) << text;
  func::FuncOp function = test::getFunction(*module);
  // As many integers, of both signs and 0 among them, and both truth values.
  std::vector<double> integers, truths;
  for (size_t i = 0; i < numbers.size(); ++i) {
    integers.push_back(i < 16 ? static_cast<double>(i) - 8 : std::ldexp(i % 2 ? -1.0 : 1.0, static_cast<int>(i) - 8) + 1);
    truths.push_back(i % 3 == 0);
  }
  Tensor arguments[] = {columnOf(numbers, 2),  columnOf(numbers, 1),  columnOf(numbers, 0),  columnOf(truths, 0),
                        columnOf(truths, 1),   columnOf(integers, 2), columnOf(integers, 2), columnOf(integers, 1)};
  auto expected = reference::evaluate(function, arguments);
  ASSERT_TRUE(succeeded(expected));
  ASSERT_TRUE(succeeded(test::fuse(*module)));
  auto actual = test::evaluateKernels(function, arguments);
  ASSERT_TRUE(succeeded(actual));

  bool isRoot = GetParam().constant == "0.5" || GetParam().constant == "-0.5";
  size_t stride = (*expected)[0].data.size() / numbers.size();
  for (size_t i = 0; i < (*expected)[0].data.size(); ++i) {
    double x = numbers[i / stride];
    // The C library says pow(-inf, 0.5) = inf and pow(-0.0, -0.5) = inf;
    // torch.pow takes the square root.
    if (isRoot && std::signbit(x) && (std::isinf(x) || x == 0)) {
      double root = std::sqrt(x);
      expectNear(GetParam().constant == "0.5" ? root : 1 / root,
                 (*actual)[0].data[i], x);
      continue;
    }
    expectNear((*expected)[0].data[i], (*actual)[0].data[i], x);
  }
}

INSTANTIATE_TEST_SUITE_P(AllOps, ScalarBodies, testing::ValuesIn(cases));

TEST(ScalarBodies, ReluKeepsNaN) {
  auto context = test::makeContext();
  auto module = test::parse(*context, R"(
    func.func @f(%x: tensor<1xf64>) -> tensor<1xf64> {
      %0 = nn.relu %x : tensor<1xf64>
      return %0 : tensor<1xf64>
    })");
  ASSERT_TRUE(succeeded(test::fuse(*module)));
  Tensor argument = columnOf({std::nan("")}, 0);
  auto result = test::evaluateKernels(test::getFunction(*module), argument);
  ASSERT_TRUE(succeeded(result));
  EXPECT_TRUE(std::isnan((*result)[0].data[0]));
}

TEST(ScalarBodies, EveryElementwiseOpHasOneAndIsTested) {
  auto context = test::makeContext();
  unsigned elementwise = 0;
  // Not by getRegisteredOperationsByDialect, whose search fails where other dialects are loaded too (LLVM 22).
  for (RegisteredOperationName name : context->getRegisteredOperations()) {
    if (name.getDialectNamespace() != "nn" || !name.hasTrait<nn::Elementwise>())
      continue;
    ++elementwise;
    EXPECT_TRUE(name.hasInterface<fusion::ScalarBodyOpInterface>())
        << name.getStringRef().str();
    EXPECT_TRUE(llvm::any_of(cases, [&](const Case &test) {
      return StringRef(test.op).starts_with((name.getStringRef() + " ").str());
    })) << name.getStringRef().str();
  }
  EXPECT_GT(elementwise, 0u);
}

TEST(ScalarBodies, AnElementwiseOpWithoutOneIsAnError) {
  // A context to which the models of the stage were never attached.
  MLIRContext context;
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  auto module = test::parse(context, R"(
    func.func @f(%x: tensor<1xf64>) -> tensor<1xf64> {
      %0 = nn.relu %x : tensor<1xf64>
      return %0 : tensor<1xf64>
    })");
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
  });
  PassManager manager(&context);
  manager.addPass(dtc::createFuseElementwisePass());
  EXPECT_TRUE(failed(manager.run(*module)));
  EXPECT_EQ(message, "'nn.relu' op is elementwise but has no scalar body");
}

} // namespace

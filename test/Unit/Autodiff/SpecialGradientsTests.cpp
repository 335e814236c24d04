// Adjoints of elementwise ops at NaN, infinities, zeros and the ends of the range: PyTorch's gradients.
#include "TestModule.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/Gradients.h"

#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dtc;
using reference::Tensor;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

/// An op on `%x` and `%y`, and the gradients of x and y; of a binary op at all pairs, y's values innermost.
struct Literal {
  std::string op;
  std::vector<double> ofX, ofY;
};
void PrintTo(const Literal &literal, std::ostream *out) { *out << literal.op; }

#include "SpecialGradients.inc"

class SpecialGradients : public testing::TestWithParam<Literal> {};

/// PyTorch contradicts itself: at NaN elu's gradient is the upstream one, or NaN where it computes several elements at once. leaky_relu's
/// is alpha times the upstream one there; ours is relu's.
bool isOpen(const std::string &op, double x) {
  return std::isnan(x) && (op.find("nn.elu") == 0 || op.find("nn.leaky_relu") == 0);
}

TEST_P(SpecialGradients, ArePyTorchs) {
  const Literal &literal = GetParam();
  bool binary = !literal.ofY.empty();
  size_t count = literal.ofX.size();
  MLIRContext context(test::makeRegistry());
  std::string text = llvm::formatv(R"(
    func.func @f(%x: tensor<{0}xf64>, %y: tensor<{0}xf64>) -> tensor<f64> {{
      %g = nn.constant dense<{1}> : tensor<f64> : tensor<f64>
      %r = {2} : tensor<{0}xf64>{3}
      %p = nn.mul %r, %g : tensor<{0}xf64>, tensor<f64>
      %s = nn.reduce_sum %p axes [0] : (tensor<{0}xf64>) -> tensor<f64>
      return %s : tensor<f64>
    })", count, upstream, literal.op, binary ? llvm::formatv(", tensor<{0}xf64>", count).str() : "");
  OwningOpRef<ModuleOp> module = test::parse(context, text);
  auto function = module->lookupSymbol<func::FuncOp>("f");
  Operation *terminator = function.getBody().front().getTerminator();
  OpBuilder builder(terminator);
  SmallVector<Value> wanted = {function.getArgument(0)};
  if (binary)
    wanted.push_back(function.getArgument(1));
  auto gradients = buildGradients(builder, terminator->getOperand(0), wanted);
  ASSERT_TRUE(succeeded(gradients));
  terminator->setOperands(*gradients);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), TypeRange(ValueRange(*gradients))));

  Tensor x{{int64_t(count)}, {}}, y{{int64_t(count)}, {}};
  for (size_t i = 0; i < count; ++i) {
    x.data.push_back(values[binary ? i / values.size() : i]);
    y.data.push_back(values[binary ? i % values.size() : i]);
  }
  auto computed = reference::evaluate(function, {x, y});
  ASSERT_TRUE(succeeded(computed));
  for (auto [operand, result] : llvm::enumerate(*computed)) {
    const std::vector<double> &expected = operand == 0 ? literal.ofX : literal.ofY;
    for (size_t i = 0; i < count; ++i) {
      std::string where = llvm::formatv("at {0}, {1}", x.data[i], y.data[i]).str();
      double actual = result.data[i];
      if (isOpen(literal.op, x.data[i]))
        continue;
      if (std::isnan(expected[i]) || std::isinf(expected[i]))
        EXPECT_TRUE(std::isnan(expected[i]) ? std::isnan(actual) : actual == expected[i]) << where << ": " << actual << ", not " << expected[i];
      else
        EXPECT_NEAR(actual, expected[i], 1e-9 * std::abs(expected[i]) + 1e-12) << where;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Op, SpecialGradients, testing::ValuesIn(literals));

} // namespace

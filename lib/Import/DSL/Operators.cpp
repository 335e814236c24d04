// What the operators do.
#include "Operators.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

using Integer = std::optional<int64_t>;

static Integer addIntegers(int64_t a, int64_t b) {
  int64_t result;
  return llvm::AddOverflow(a, b, result) ? Integer() : result;
}

static Integer subtractIntegers(int64_t a, int64_t b) {
  int64_t result;
  return llvm::SubOverflow(a, b, result) ? Integer() : result;
}

static Integer multiplyIntegers(int64_t a, int64_t b) {
  int64_t result;
  return llvm::MulOverflow(a, b, result) ? Integer() : result;
}

static Integer divideIntegers(int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1) || a % b != 0)
    return {};
  return a / b;
}

static Integer raiseInteger(int64_t a, int64_t b) {
  if (b < 0)
    return {};
  // |a| >= 2 overflows after 63 steps, and powers of -1, 0, 1 have period 2.
  if (a >= -1 && a <= 1)
    b = b == 0 ? 0 : 2 - b % 2;
  int64_t result = 1;
  for (; b > 0; --b)
    if (llvm::MulOverflow(result, a, result))
      return {};
  return result;
}

template <typename OpTy>
static Datum onTensors(Layer &layer, Value a, Value b) {
  return layer.infer<OpTy>({a, b});
}

static const BinaryOperator operators[] = {
    {TokenKind::Plus, "add", addIntegers,
     [](double a, double b) { return a + b; }, onTensors<nn::AddOp>},
    {TokenKind::Minus, "sub", subtractIntegers,
     [](double a, double b) { return a - b; }, onTensors<nn::SubOp>},
    {TokenKind::Star, "mul", multiplyIntegers,
     [](double a, double b) { return a * b; }, onTensors<nn::MulOp>},
    {TokenKind::Slash, "div", divideIntegers,
     [](double a, double b) { return a / b; }, onTensors<nn::DivOp>},
    {TokenKind::Power, "pow", raiseInteger,
     [](double a, double b) { return std::pow(a, b); }, onTensors<nn::PowOp>},
};

const BinaryOperator &dtc::dsl::binaryOperator(TokenKind kind) {
  return *llvm::find_if(operators, [kind](const BinaryOperator &op) {
    return op.kind == kind;
  });
}

Datum dtc::dsl::computeNumbers(const BinaryOperator &op, const Datum &a,
                               const Datum &b, Position position,
                               Reporter &reporter) {
  auto *x = std::get_if<int64_t>(&a), *y = std::get_if<int64_t>(&b);
  if (x && y)
    if (Integer result = op.integers(*x, *y))
      return *result;
  double result = op.reals(toReal(a), toReal(b));
  // Past 2^53 a double is not the integer that two integers would give.
  bool isExact = !(x && y) || std::abs(result) < 9007199254740992.0;
  if (std::isfinite(result) && isExact)
    return result;
  reporter.error(position) << "the result of " << describe(a) << " and "
                           << describe(b) << " is out of range";
  return Invalid();
}

// Formulas as polynomials.
#include "lib/Recognition/Polynomial.h"

#include "dialects/NN/NN.h"
#include "lib/Recognition/ConstantNumber.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::recognition;

using Coefficients = decltype(Polynomial::coefficients);

static Polynomial monomial(int ofX, int ofT, double coefficient) {
  Polynomial result;
  result.coefficients[ofT][ofX] = coefficient;
  return result;
}

static Polynomial sum(const Polynomial &a, const Polynomial &b, double factor) {
  Polynomial result = a;
  for (int j = 0; j <= Polynomial::degreeOfT; ++j)
    for (int i = 0; i <= Polynomial::degreeOfX; ++i)
      result.coefficients[j][i] += factor * b.coefficients[j][i];
  return result;
}

static std::optional<Polynomial> product(const std::optional<Polynomial> &a, const std::optional<Polynomial> &b) {
  if (!a || !b)
    return std::nullopt;
  Polynomial result;
  for (int j = 0; j <= Polynomial::degreeOfT; ++j)
    for (int i = 0; i <= Polynomial::degreeOfX; ++i)
      for (int l = 0; l <= Polynomial::degreeOfT; ++l)
        for (int k = 0; k <= Polynomial::degreeOfX; ++k) {
          double term = a->coefficients[j][i] * b->coefficients[l][k];
          if (term == 0)
            continue;
          if (i + k > Polynomial::degreeOfX || j + l > Polynomial::degreeOfT)
            return std::nullopt;
          result.coefficients[j + l][i + k] += term;
        }
  return result;
}

bool Polynomial::is(const Polynomial &expected) const {
  for (int j = 0; j <= degreeOfT; ++j)
    for (int i = 0; i <= degreeOfX; ++i) {
      double wanted = expected.coefficients[j][i], found = coefficients[j][i];
      if (wanted == 0 ? std::abs(found) > 1e-9 : !isNumber(found, wanted))
        return false;
    }
  return true;
}

std::optional<Polynomial> PolynomialReader::read(Value value) {
  if (value == x)
    return monomial(1, 0, 1);
  if (value == t)
    return monomial(0, 1, 1);
  if (std::optional<double> number = numberOf(value))
    return monomial(0, 0, *number);
  Operation *op = value.getDefiningOp();
  if (!op || ++steps > 32 || !isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::PowOp, nn::NegOp>(op) ||
      !nn::hasGradient(value.getType()))
    return std::nullopt;
  ops.insert(op);
  std::optional<Polynomial> a = read(op->getOperand(0));
  if (!a)
    return std::nullopt;
  if (isa<nn::NegOp>(op))
    return product(a, monomial(0, 0, -1));
  if (isa<nn::DivOp, nn::PowOp>(op)) {
    std::optional<double> b = numberOf(op->getOperand(1));
    if (!b)
      return std::nullopt;
    if (isa<nn::DivOp>(op))
      return *b == 0 ? std::nullopt : product(a, monomial(0, 0, 1 / *b));
    if (*b != 1 && *b != 2 && *b != 3)
      return std::nullopt;
    std::optional<Polynomial> power = a;
    for (int i = 1; i < *b; ++i)
      power = product(power, a);
    return power;
  }
  std::optional<Polynomial> b = read(op->getOperand(1));
  if (!b)
    return std::nullopt;
  if (isa<nn::MulOp>(op))
    return product(a, b);
  return sum(*a, *b, isa<nn::SubOp>(op) ? -1 : 1);
}

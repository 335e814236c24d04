// Formulas as polynomials: however an exporter orders products, sums and constants, the coefficients are the same.
#ifndef DTC_LIB_RECOGNITION_POLYNOMIAL_H
#define DTC_LIB_RECOGNITION_POLYNOMIAL_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SetVector.h"

#include <array>
#include <optional>

namespace dtc::recognition {

/// coefficients[j][i] is that of x^i t^j.
struct Polynomial {
  static constexpr int degreeOfX = 3, degreeOfT = 1;
  std::array<std::array<double, degreeOfX + 1>, degreeOfT + 1> coefficients = {};

  /// Each within 1e-6 of `expected`'s (isNumber), and 0 where that is 0: a coefficient of another formula is of the order of 1.
  bool is(const Polynomial &expected) const;
};

/// Reads what a value is as a polynomial of two others.
class PolynomialReader {
public:
  /// `t` may be null.
  PolynomialReader(mlir::Value x, mlir::Value t) : x(x), t(t) {}

  /// None if `value` is no such polynomial, of a higher degree, or made of more than 32 ops.
  std::optional<Polynomial> read(mlir::Value value);

  /// The ops between x, t and what has been read, constants not among them.
  const llvm::SetVector<mlir::Operation *> &getOps() const { return ops; }

private:
  mlir::Value x, t;
  llvm::SetVector<mlir::Operation *> ops;
  int steps = 0;
};

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_POLYNOMIAL_H

// + - * / ** and the unary minus, on numbers and on tensors.
#ifndef DTC_LIB_IMPORT_DSL_OPERATORS_H
#define DTC_LIB_IMPORT_DSL_OPERATORS_H

#include "Builtin.h"

namespace dtc::dsl {

/// One operator for all kinds of operands.
struct BinaryOperator {
  TokenKind kind;
  llvm::StringRef name; ///< of the layer that it makes: add_1
  /// Exact, or nothing where the result is no 64-bit integer.
  std::optional<int64_t> (*integers)(int64_t, int64_t);
  double (*reals)(double, double);
  Datum (*tensors)(Layer &, mlir::Value, mlir::Value);
};

const BinaryOperator &binaryOperator(TokenKind kind);

inline bool isNumber(const Datum &datum) {
  return std::holds_alternative<int64_t>(datum) ||
         std::holds_alternative<double>(datum);
}
inline double toReal(const Datum &number) {
  if (auto *integer = std::get_if<int64_t>(&number))
    return static_cast<double>(*integer);
  return std::get<double>(number);
}

/// Arithmetic of two numbers: exact integers where both are and the result is
/// one, else double precision; reports overflow at `position`.
Datum computeNumbers(const BinaryOperator &op, const Datum &a, const Datum &b,
                     Position position, Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_OPERATORS_H

// Expressions of emitted kernels.
#ifndef DTC_EMIT_EXPRESSION_H
#define DTC_EMIT_EXPRESSION_H

#include "mlir/IR/OpDefinition.h"

#include <string>

namespace dtc::emit {

/// Binding strength of an expression's outermost operator, as in C++.
enum class Precedence { Bits, Comparison, Sum, Product, Unary, Primary };

/// A piece of source text that stands for a value.
struct Expression {
  std::string text;
  Precedence precedence = Precedence::Primary;

  /// The text, in parentheses if it binds less than `least`.
  std::string as(Precedence least) const {
    return precedence < least ? "(" + text + ")" : text;
  }
};

} // namespace dtc::emit

#include "dtc/Emit/ExpressionInterface.h.inc"

#endif // DTC_EMIT_EXPRESSION_H

// Scalar ops as C++ expressions: a table.
#include "dtc/Emit/Expression.h"

#include "Literals.h"

#include "dtc/Emit/Emit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace dtc::emit;

#include "dtc/Emit/ExpressionInterface.cpp.inc"

namespace {
using Operands = ArrayRef<Expression>;
using Print = Expression (*)(Operation *, Operands);

/// A string as a template argument.
template <size_t size>
struct Literal {
  char text[size];
  constexpr Literal(const char (&literal)[size]) {
    std::copy_n(literal, size, text);
  }
};

/// `a + b`; the right side of - and / needs to bind more than the operator.
template <char symbol, Precedence precedence>
Expression infix(Operation *, Operands operands) {
  auto tighter = static_cast<Precedence>(static_cast<int>(precedence) + 1);
  return {operands[0].as(precedence) + " " + symbol + " " + operands[1].as(tighter),
          precedence};
}

/// The C library's function of the element type: its overloads for f32.
template <Literal name>
Expression function(Operation *op, Operands operands) {
  std::string text = name.text;
  // The f32 forms are named, so that no double sneaks into a kernel.
  if (op->getResult(0).getType().isF32())
    text += "f";
  text += "(";
  for (size_t i = 0; i < operands.size(); ++i)
    text += (i ? ", " : "") + operands[i].text;
  return {text + ")", Precedence::Primary};
}

Expression negate(Operation *, Operands operands) {
  return {"-" + operands[0].as(Precedence::Primary), Precedence::Unary};
}

/// Read and Write (dtcrt/access.h) widen bf16 and round to it. A formula rounds what is no element.
Expression asAccessed(Operation *op, Operands operands) {
  if (op->getOperand(0).getType().isF64())
    return {"f32(" + operands[0].text + ")"};
  return operands[0];
}

Expression constant(Operation *op, Operands) {
  auto value = dyn_cast<FloatAttr>(cast<arith::ConstantOp>(op).getValue());
  assert(value && "kernels hold floating-point constants alone");
  std::string text =
      formatReal(value.getValueAsDouble(), value.getType().isF32());
  return {text, text.front() == '-' ? Precedence::Unary : Precedence::Primary};
}

/// C++ comparisons are ordered, but for `!=`. What C++ has no operator for are functions of dtcrt/lanes.h.
Expression compare(Operation *op, Operands operands) {
  auto binary = [&](StringRef symbol) -> Expression {
    return {operands[0].as(Precedence::Sum) + " " + symbol.str() + " " +
                operands[1].as(Precedence::Sum),
            Precedence::Comparison};
  };
  auto negated = [&](StringRef symbol) -> Expression {
    return {"!(" + binary(symbol).text + ")", Precedence::Unary};
  };
  using P = arith::CmpFPredicate;
  switch (cast<arith::CmpFOp>(op).getPredicate()) {
  case P::OEQ: return binary("==");
  case P::OGT: return binary(">");
  case P::OGE: return binary(">=");
  case P::OLT: return binary("<");
  case P::OLE: return binary("<=");
  case P::UNE: return binary("!=");
  case P::UGT: return negated("<=");
  case P::UGE: return negated("<");
  case P::ULT: return negated(">=");
  case P::ULE: return negated(">");
  case P::AlwaysFalse: return {"false"};
  case P::AlwaysTrue: return {"true"};
  case P::ORD: return {"!unordered(" + operands[0].text + ", " + operands[1].text + ")", Precedence::Unary};
  case P::UNO: return {"unordered(" + operands[0].text + ", " + operands[1].text + ")"};
  case P::ONE: return {"less_or_greater(" + operands[0].text + ", " + operands[1].text + ")"};
  case P::UEQ: return {"!less_or_greater(" + operands[0].text + ", " + operands[1].text + ")", Precedence::Unary};
  }
  llvm_unreachable("all predicates are handled");
}

/// `?:` chooses for one element alone.
Expression choose(Operation *, Operands operands) {
  return {"select(" + operands[0].text + ", " + operands[1].text + ", " + operands[2].text + ")"};
}

template <typename Op, Print print>
struct Model : ExpressionOpInterface::ExternalModel<Model<Op, print>, Op> {
  Expression getExpression(Operation *op, Operands operands) const {
    return print(op, operands);
  }
};

template <typename Op, Print print>
void prints(MLIRContext *context) {
  Op::template attachInterface<Model<Op, print>>(*context);
}
} // namespace

void dtc::registerEmitExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    prints<arith::ConstantOp, constant>(context);
    prints<arith::AddFOp, infix<'+', Precedence::Sum>>(context);
    prints<arith::SubFOp, infix<'-', Precedence::Sum>>(context);
    prints<arith::MulFOp, infix<'*', Precedence::Product>>(context);
    prints<arith::DivFOp, infix<'/', Precedence::Product>>(context);
    prints<arith::ExtFOp, asAccessed>(context);
    prints<arith::TruncFOp, asAccessed>(context);
    prints<arith::NegFOp, negate>(context);
    prints<arith::CmpFOp, compare>(context);
    prints<arith::SelectOp, choose>(context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    prints<math::ExpOp, function<"exp">>(context);
    prints<math::LogOp, function<"log">>(context);
    prints<math::SqrtOp, function<"sqrt">>(context);
    prints<math::TanhOp, function<"tanh">>(context);
    prints<math::ExpM1Op, function<"expm1">>(context);
    prints<math::Log1pOp, function<"log1p">>(context);
    prints<math::PowFOp, function<"pow">>(context);
    prints<math::ErfOp, function<"erf">>(context);
    prints<math::AbsFOp, function<"fabs">>(context);
  });
}

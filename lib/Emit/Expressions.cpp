// Scalar ops as C++ expressions: a table.
#include "dtc/Emit/Expression.h"

#include "Literals.h"

#include "dialects/RT/RT.h"
#include "dtc/Emit/Emit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

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

/// A function of dtcrt/scalars.h.
template <Literal name>
Expression call(Operation *, Operands operands) {
  std::string text = std::string(name.text) + "(";
  for (size_t i = 0; i < operands.size(); ++i)
    text += (i ? ", " : "") + operands[i].text;
  return {text + ")"};
}

/// Of truth values and of bits. Their operators bind less than comparisons, which nobody remembers.
template <char symbol>
Expression bits(Operation *, Operands operands) {
  return {operands[0].as(Precedence::Unary) + " " + symbol + " " + operands[1].as(Precedence::Unary), Precedence::Bits};
}

Expression exclusive(Operation *op, Operands operands) {
  APInt mask;
  if (!matchPattern(op->getOperand(1), m_ConstantInt(&mask)) || !mask.isAllOnes())
    return bits<'^'>(op, operands);
  return {(mask.getBitWidth() == 1 ? "!" : "~") + operands[0].as(Precedence::Primary), Precedence::Unary};
}

Expression convert(Operation *op, Operands operands) {
  return {"convert<" + elementTypeName(op->getResult(0).getType()).str() + ">(" + operands[0].text + ")"};
}

/// Read and Write (dtcrt/access.h) widen bf16 and round to it. A formula rounds what is no element.
Expression asAccessed(Operation *op, Operands operands) {
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  if (to.isF64())
    return {"convert<f64>(" + operands[0].text + ")"};
  if (from.isF64())
    return {(isa<dtc::rt::FormulaOp>(op->getParentOp()) ? "f32(" : "convert<f32>(") + operands[0].text + ")"};
  return operands[0];
}

/// `true`, `7`, `i64(7)`: an i64 says so, that what is computed with it is one.
Expression integer(const APInt &value) {
  std::string text = formatInteger(value);
  if (value.getBitWidth() == 1)
    return {text};
  if (value.getBitWidth() == 64)
    return {"i64(" + text + ")"};
  return {text, value.isMinSignedValue() ? Precedence::Sum : value.isNegative() ? Precedence::Unary : Precedence::Primary};
}

Expression constant(Operation *op, Operands) {
  TypedAttr attribute = cast<arith::ConstantOp>(op).getValue();
  if (auto number = dyn_cast<IntegerAttr>(attribute))
    return integer(number.getValue());
  auto value = cast<FloatAttr>(attribute);
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

Expression compareIntegers(Operation *op, Operands operands) {
  StringRef symbol = [&] {
    using P = arith::CmpIPredicate;
    switch (cast<arith::CmpIOp>(op).getPredicate()) {
    case P::eq: return "==";
    case P::ne: return "!=";
    case P::slt: return "<";
    case P::sle: return "<=";
    case P::sgt: return ">";
    case P::sge: return ">=";
    default: llvm_unreachable("kernels compare signed integers");
    }
  }();
  return {operands[0].as(Precedence::Sum) + " " + symbol.str() + " " + operands[1].as(Precedence::Sum), Precedence::Comparison};
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
    prints<arith::RemFOp, function<"fmod">>(context);
    prints<arith::MaximumFOp, call<"maximum">>(context);
    prints<arith::MinimumFOp, call<"minimum">>(context);
    prints<arith::AddIOp, call<"wrapping_add">>(context);
    prints<arith::SubIOp, call<"wrapping_sub">>(context);
    prints<arith::MulIOp, call<"wrapping_mul">>(context);
    prints<arith::DivSIOp, call<"quotient">>(context);
    prints<arith::RemSIOp, call<"rest">>(context);
    prints<arith::MaxSIOp, call<"maximum">>(context);
    prints<arith::MinSIOp, call<"minimum">>(context);
    prints<arith::AndIOp, bits<'&'>>(context);
    prints<arith::OrIOp, bits<'|'>>(context);
    prints<arith::XOrIOp, exclusive>(context);
    prints<arith::CmpIOp, compareIntegers>(context);
    prints<arith::FPToSIOp, convert>(context);
    prints<arith::SIToFPOp, convert>(context);
    prints<arith::ExtSIOp, convert>(context);
    prints<arith::TruncIOp, convert>(context);
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
    prints<math::FloorOp, function<"floor">>(context);
    prints<math::CeilOp, function<"ceil">>(context);
    prints<math::RoundEvenOp, function<"rint">>(context); // in the rounding mode that programs run in
    prints<math::SinOp, function<"sin">>(context);
    prints<math::CosOp, function<"cos">>(context);
    prints<math::TanOp, function<"tan">>(context);
    prints<math::AsinOp, function<"asin">>(context);
    prints<math::AcosOp, function<"acos">>(context);
    prints<math::AtanOp, function<"atan">>(context);
    prints<math::SinhOp, function<"sinh">>(context);
    prints<math::CoshOp, function<"cosh">>(context);
    prints<math::AsinhOp, function<"asinh">>(context);
    prints<math::AcoshOp, function<"acosh">>(context);
    prints<math::AtanhOp, function<"atanh">>(context);
    prints<math::IPowIOp, call<"integer_power">>(context);
  });
}

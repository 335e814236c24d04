// The formula of each elementwise op on scalars: a table.
#include "lib/Fusion/ExternalModels.h"

#include "dialects/NN/NN.h"
#include "dtc/Fusion/ScalarBodyInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::fusion;

#include "dtc/Fusion/ScalarBodyInterface.cpp.inc"

namespace {

/// Where a formula is built: creates ops, folding those on constants.
struct Formula {
  OpBuilder &builder;
  Location location;
  Type type;

  template <typename Op>
  Value make(Value a) {
    return builder.createOrFold<Op>(location, a);
  }
  template <typename Op>
  Value make(Value a, Value b) {
    return builder.createOrFold<Op>(location, a, b);
  }
  bool isInteger() const { return isa<IntegerType>(type); }
  Value constant(double value) {
    return arith::ConstantOp::create(builder, location,
                                     builder.getFloatAttr(type, value));
  }
  /// A whole number, of integers too; -1 is true as a boolean.
  Value number(int64_t value) {
    if (!isInteger())
      return constant(static_cast<double>(value));
    APInt bits(type.getIntOrFloatBitWidth(), static_cast<uint64_t>(value), /*isSigned=*/true, /*implicitTrunc=*/true);
    return arith::ConstantOp::create(builder, location, builder.getIntegerAttr(type, bits));
  }
  /// `a` where `left predicate right`, else `b`.
  Value select(arith::CmpFPredicate predicate, Value left, Value right, Value a,
               Value b) {
    Value condition =
        builder.createOrFold<arith::CmpFOp>(location, predicate, left, right);
    return builder.createOrFold<arith::SelectOp>(location, condition, a, b);
  }
  /// Ordered: false where one of the two is NaN.
  Value compare(arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofIntegers, Value left, Value right) {
    return isa<IntegerType>(left.getType()) ? builder.createOrFold<arith::CmpIOp>(location, ofIntegers, left, right)
                                            : builder.createOrFold<arith::CmpFOp>(location, ofFloats, left, right);
  }
  Value less(Value left, Value right) { return compare(arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, left, right); }
  Value choose(Value condition, Value a, Value b) {
    return builder.createOrFold<arith::SelectOp>(location, condition, a, b);
  }
  Value wherePositive(Value condition, Value a, Value b) {
    return select(arith::CmpFPredicate::OGT, condition, constant(0), a, b);
  }
};

using Body = Value (*)(Operation *, Formula &, ValueRange);

template <typename Op>
Value unary(Operation *, Formula &f, ValueRange x) {
  return f.make<Op>(x[0]);
}

template <typename Op>
Value integers(Operation *, Formula &f, ValueRange x) {
  return f.make<Op>(x[0], x[1]);
}

/// One op for floating-point numbers, another for integers and booleans.
template <typename OfFloats, typename OfIntegers>
Value binary(Operation *, Formula &f, ValueRange x) {
  return f.isInteger() ? f.make<OfIntegers>(x[0], x[1]) : f.make<OfFloats>(x[0], x[1]);
}

template <arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofIntegers>
Value compared(Operation *, Formula &f, ValueRange x) {
  return f.compare(ofFloats, ofIntegers, x[0], x[1]);
}

Value chosen(Operation *, Formula &f, ValueRange x) { return f.choose(x[0], x[1], x[2]); }

Value logicalNot(Operation *, Formula &f, ValueRange x) { return f.make<arith::XOrIOp>(x[0], f.number(-1)); }

Value negative(Operation *, Formula &f, ValueRange x) {
  return f.isInteger() ? f.make<arith::SubIOp>(f.number(0), x[0]) : f.make<arith::NegFOp>(x[0]);
}

Value absolute(Operation *op, Formula &f, ValueRange x) {
  return f.isInteger() ? f.choose(f.less(x[0], f.number(0)), negative(op, f, x), x[0]) : f.make<math::AbsFOp>(x[0]);
}

Value sign(Operation *, Formula &f, ValueRange x) {
  Value zero = f.number(0);
  return f.choose(f.less(zero, x[0]), f.number(1), f.choose(f.less(x[0], zero), f.number(-1), zero));
}

/// C's remainder has the dividend's sign; where b's is another, b is added.
Value modulo(Operation *, Formula &f, ValueRange x) {
  if (!f.isInteger())
    return f.make<arith::RemFOp>(x[0], x[1]);
  Value zero = f.number(0), rest = f.make<arith::RemSIOp>(x[0], x[1]);
  Value differs = f.make<arith::XOrIOp>(f.less(rest, zero), f.less(x[1], zero));
  Value isRest = f.builder.createOrFold<arith::CmpIOp>(f.location, arith::CmpIPredicate::ne, rest, zero);
  return f.choose(f.make<arith::AndIOp>(isRest, differs), f.make<arith::AddIOp>(rest, x[1]), rest);
}

/// `x` between two bounds; NaN stays NaN.
Value clipped(Formula &f, Value x, std::optional<double> low, std::optional<double> high) {
  if (low) {
    Value bound = f.constant(*low);
    x = f.choose(f.less(x, bound), bound, x);
  }
  if (high) {
    Value bound = f.constant(*high);
    x = f.choose(f.less(bound, x), bound, x);
  }
  return x;
}

Value clip(Operation *op, Formula &f, ValueRange x) {
  auto number = [](std::optional<APFloat> bound) -> std::optional<double> {
    return bound ? std::optional(bound->convertToDouble()) : std::nullopt;
  };
  auto clip = cast<nn::ClipOp>(op);
  return clipped(f, x[0], number(clip.getMin()), number(clip.getMax()));
}

/// NaN stays NaN (torch.relu): it is not below 0.
Value relu(Operation *, Formula &f, ValueRange x) {
  Value zero = f.constant(0);
  return f.select(arith::CmpFPredicate::OLT, x[0], zero, zero, x[0]);
}

Value leakyRelu(Operation *op, Formula &f, ValueRange x) {
  Value alpha = f.constant(cast<nn::LeakyReluOp>(op).getAlpha().convertToDouble());
  return f.wherePositive(x[0], x[0], f.make<arith::MulFOp>(alpha, x[0]));
}

/// expm1 keeps the digits that e^x - 1 loses near 0.
Value elu(Operation *op, Formula &f, ValueRange x) {
  Value alpha = f.constant(cast<nn::EluOp>(op).getAlpha().convertToDouble());
  return f.wherePositive(
      x[0], x[0], f.make<arith::MulFOp>(alpha, f.make<math::ExpM1Op>(x[0])));
}

/// a x + b
Value line(Formula &f, double a, Value x, double b) {
  return f.make<arith::AddFOp>(f.make<arith::MulFOp>(f.constant(a), x), f.constant(b));
}

constexpr double pi = llvm::numbers::pi;
constexpr double cubic = 0.044715; ///< of x^3 in the approximation of gelu

/// tanh(sqrt(2 / pi) (x + 0.044715 x^3)), which is nearly erf(x / sqrt(2)).
Value nearErf(Formula &f, Value x) {
  Value squares = f.make<arith::MulFOp>(x, x);
  Value inner = f.make<arith::MulFOp>(x, line(f, cubic, squares, 1));
  return f.make<math::TanhOp>(f.make<arith::MulFOp>(f.constant(std::sqrt(2 / pi)), inner));
}
Value exactErf(Formula &f, Value x) {
  return f.make<math::ErfOp>(f.make<arith::MulFOp>(x, f.constant(std::sqrt(0.5))));
}

Value gelu(Operation *op, Formula &f, ValueRange x) {
  Value erf = cast<nn::GeluOp>(op).getApproximate() ? nearErf(f, x[0]) : exactErf(f, x[0]);
  return f.make<arith::MulFOp>(x[0], line(f, 0.5, erf, 0.5));
}

/// With c for what stands in for erf(x / sqrt(2)): (1 + c) / 2 + x / 2 c'.
Value geluGradient(Operation *op, Formula &f, ValueRange operands) {
  Value dy = operands[0], x = operands[1], c, half;
  if (cast<nn::GeluGradientOp>(op).getApproximate()) {
    c = nearErf(f, x);
    // half c' = (1 - c^2) (sqrt(1 / (2 pi)) + 3 · 0.044715 sqrt(1 / (2 pi)) x^2)
    double factor = std::sqrt(0.5 / pi);
    half = f.make<arith::MulFOp>(line(f, -1, f.make<arith::MulFOp>(c, c), 1),
                                 line(f, 3 * cubic * factor, f.make<arith::MulFOp>(x, x), factor));
  } else {
    c = exactErf(f, x);
    Value power = f.make<arith::MulFOp>(f.make<arith::MulFOp>(x, x), f.constant(-0.5));
    half = f.make<arith::MulFOp>(f.constant(std::sqrt(0.5 / pi)), f.make<math::ExpOp>(power));
  }
  Value slope = f.make<arith::AddFOp>(line(f, 0.5, c, 0.5), f.make<arith::MulFOp>(x, half));
  return f.make<arith::MulFOp>(dy, slope);
}

Value hardSigmoid(Operation *op, Formula &f, ValueRange x) {
  auto sigmoid = cast<nn::HardSigmoidOp>(op);
  return clipped(f, line(f, sigmoid.getAlpha().convertToDouble(), x[0], sigmoid.getBeta().convertToDouble()), 0, 1);
}

Value hardSwish(Operation *, Formula &f, ValueRange x) {
  return f.make<arith::MulFOp>(x[0], clipped(f, line(f, 1.0 / 6, x[0], 0.5), 0, 1));
}

/// max(x, 0) + log(1 + e^-|x|): the exponential does not overflow, nor is a small one lost in the sum.
Value softplus(Operation *, Formula &f, ValueRange x) {
  Value power = f.make<math::ExpOp>(f.make<arith::NegFOp>(f.make<math::AbsFOp>(x[0])));
  return f.make<arith::AddFOp>(f.wherePositive(x[0], x[0], f.constant(0)), f.make<math::Log1pOp>(power));
}

Value mish(Operation *op, Formula &f, ValueRange x) {
  return f.make<arith::MulFOp>(x[0], f.make<math::TanhOp>(softplus(op, f, x)));
}

Value silu(Operation *, Formula &f, ValueRange x) {
  Value power = f.make<math::ExpOp>(f.make<arith::NegFOp>(x[0]));
  return f.make<arith::DivFOp>(x[0], f.make<arith::AddFOp>(f.constant(1), power));
}

Value sigmoid(Operation *, Formula &f, ValueRange x) {
  Value one = f.constant(1);
  Value power = f.make<math::ExpOp>(f.make<arith::NegFOp>(x[0]));
  return f.make<arith::DivFOp>(one, f.make<arith::AddFOp>(one, power));
}

/// NaN takes the first side (torch.nn.functional.threshold's gradient): it is not at most 0.
Value wherePositive(Operation *, Formula &f, ValueRange x) {
  return f.select(arith::CmpFPredicate::OLE, x[0], f.constant(0), x[2], x[1]);
}

/// A constant exponent takes the forms that torch.pow takes for it (so
/// (-inf)^0.5 is NaN, as there).
Value power(Operation *, Formula &f, ValueRange x) {
  if (f.isInteger())
    return f.make<math::IPowIOp>(x[0], x[1]);
  FloatAttr attribute;
  if (!matchPattern(x[1], m_Constant(&attribute)))
    return f.make<math::PowFOp>(x[0], x[1]);
  double exponent = attribute.getValueAsDouble();
  auto square = [&] { return f.make<arith::MulFOp>(x[0], x[0]); };
  auto reciprocal = [&](Value y) {
    return f.make<arith::DivFOp>(f.constant(1), y);
  };
  if (exponent == 0)
    return f.constant(1);
  if (exponent == 1)
    return x[0];
  if (exponent == 2)
    return square();
  if (exponent == 3)
    return f.make<arith::MulFOp>(square(), x[0]);
  if (exponent == 0.5)
    return f.make<math::SqrtOp>(x[0]);
  if (exponent == -0.5)
    return reciprocal(f.make<math::SqrtOp>(x[0]));
  if (exponent == -1)
    return reciprocal(x[0]);
  if (exponent == -2)
    return reciprocal(square());
  return f.make<math::PowFOp>(x[0], x[1]);
}

/// Broadcasting is a matter of which element is read, not of what is done.
Value same(Operation *, Formula &, ValueRange x) { return x[0]; }

/// Between floating-point types casting is a matter of how elements are read and written.
Value castTo(Operation *op, Formula &f, ValueRange x) {
  Type to = nn::accumulatedType(cast<nn::CastOp>(op).getType().getElementType());
  auto make = [&]<typename Op>() { return f.builder.createOrFold<Op>(f.location, to, x[0]); };
  bool fromFloat = !f.isInteger(), toFloat = isa<FloatType>(to), fromTruth = f.type.isInteger(1);
  if ((fromFloat && toFloat) || f.type == to)
    return x[0];
  if (to.isInteger(1))
    return f.compare(arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne, x[0], f.number(0));
  if (fromTruth) {
    Formula result{f.builder, f.location, to};
    return f.choose(x[0], result.number(1), result.number(0));
  }
  if (fromFloat)
    return make.template operator()<arith::FPToSIOp>();
  if (toFloat)
    return make.template operator()<arith::SIToFPOp>();
  return f.type.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth() ? make.template operator()<arith::ExtSIOp>()
                                                                     : make.template operator()<arith::TruncIOp>();
}

template <typename Op, Body body>
struct ScalarBody
    : ScalarBodyOpInterface::ExternalModel<ScalarBody<Op, body>, Op> {
  Value buildScalar(Operation *op, OpBuilder &builder, Location location,
                    ValueRange scalars) const {
    Formula formula{builder, location, scalars.front().getType()};
    return body(op, formula, scalars);
  }
};

template <typename Op, Body body>
void is(MLIRContext *context) {
  Op::template attachInterface<ScalarBody<Op, body>>(*context);
}

} // namespace

void fusion::registerScalarBodies(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    is<nn::NegOp, negative>(context);
    is<nn::AbsOp, absolute>(context);
    is<nn::SignOp, sign>(context);
    is<nn::FloorOp, unary<math::FloorOp>>(context);
    is<nn::CeilOp, unary<math::CeilOp>>(context);
    is<nn::RoundOp, unary<math::RoundEvenOp>>(context);
    is<nn::SinOp, unary<math::SinOp>>(context);
    is<nn::CosOp, unary<math::CosOp>>(context);
    is<nn::TanOp, unary<math::TanOp>>(context);
    is<nn::AsinOp, unary<math::AsinOp>>(context);
    is<nn::AcosOp, unary<math::AcosOp>>(context);
    is<nn::AtanOp, unary<math::AtanOp>>(context);
    is<nn::SinhOp, unary<math::SinhOp>>(context);
    is<nn::CoshOp, unary<math::CoshOp>>(context);
    is<nn::AsinhOp, unary<math::AsinhOp>>(context);
    is<nn::AcoshOp, unary<math::AcoshOp>>(context);
    is<nn::AtanhOp, unary<math::AtanhOp>>(context);
    is<nn::ExpOp, unary<math::ExpOp>>(context);
    is<nn::LogOp, unary<math::LogOp>>(context);
    is<nn::SqrtOp, unary<math::SqrtOp>>(context);
    is<nn::TanhOp, unary<math::TanhOp>>(context);
    is<nn::AddOp, binary<arith::AddFOp, arith::AddIOp>>(context);
    is<nn::SubOp, binary<arith::SubFOp, arith::SubIOp>>(context);
    is<nn::MulOp, binary<arith::MulFOp, arith::MulIOp>>(context);
    is<nn::DivOp, binary<arith::DivFOp, arith::DivSIOp>>(context);
    is<nn::ModOp, modulo>(context);
    is<nn::MinOp, binary<arith::MinimumFOp, arith::MinSIOp>>(context);
    is<nn::MaxOp, binary<arith::MaximumFOp, arith::MaxSIOp>>(context);
    is<nn::EqualOp, compared<arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq>>(context);
    is<nn::LessOp, compared<arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt>>(context);
    is<nn::LessOrEqualOp, compared<arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle>>(context);
    is<nn::GreaterOp, compared<arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt>>(context);
    is<nn::GreaterOrEqualOp, compared<arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge>>(context);
    is<nn::AndOp, integers<arith::AndIOp>>(context);
    is<nn::OrOp, integers<arith::OrIOp>>(context);
    is<nn::XorOp, integers<arith::XOrIOp>>(context);
    is<nn::NotOp, logicalNot>(context);
    is<nn::WhereOp, chosen>(context);
    is<nn::ClipOp, clip>(context);
    is<nn::HardSigmoidOp, hardSigmoid>(context);
    is<nn::HardSwishOp, hardSwish>(context);
    is<nn::SoftplusOp, softplus>(context);
    is<nn::MishOp, mish>(context);
    is<nn::SiluOp, silu>(context);
    is<nn::ReluOp, relu>(context);
    is<nn::LeakyReluOp, leakyRelu>(context);
    is<nn::EluOp, elu>(context);
    is<nn::SigmoidOp, sigmoid>(context);
    is<nn::ErfOp, unary<math::ErfOp>>(context);
    is<nn::GeluOp, gelu>(context);
    is<nn::GeluGradientOp, geluGradient>(context);
    is<nn::PowOp, power>(context);
    is<nn::WherePositiveOp, wherePositive>(context);
    is<nn::BroadcastOp, same>(context);
    is<nn::CastOp, castTo>(context);
  });
}

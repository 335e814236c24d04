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
  Value constant(double value) {
    return arith::ConstantOp::create(builder, location,
                                     builder.getFloatAttr(type, value));
  }
  /// `a` where `left predicate right`, else `b`.
  Value select(arith::CmpFPredicate predicate, Value left, Value right, Value a,
               Value b) {
    Value condition =
        builder.createOrFold<arith::CmpFOp>(location, predicate, left, right);
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
Value binary(Operation *, Formula &f, ValueRange x) {
  return f.make<Op>(x[0], x[1]);
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

/// Broadcasting is a matter of which element is read, and casting of how, not of what is done.
Value same(Operation *, Formula &, ValueRange x) { return x[0]; }

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
    is<nn::NegOp, unary<arith::NegFOp>>(context);
    is<nn::ExpOp, unary<math::ExpOp>>(context);
    is<nn::LogOp, unary<math::LogOp>>(context);
    is<nn::SqrtOp, unary<math::SqrtOp>>(context);
    is<nn::TanhOp, unary<math::TanhOp>>(context);
    is<nn::AddOp, binary<arith::AddFOp>>(context);
    is<nn::SubOp, binary<arith::SubFOp>>(context);
    is<nn::MulOp, binary<arith::MulFOp>>(context);
    is<nn::DivOp, binary<arith::DivFOp>>(context);
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
    is<nn::CastOp, same>(context);
  });
}

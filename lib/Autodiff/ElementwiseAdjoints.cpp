// Adjoints of elementwise ops: a table, one line an op.
#include "ExternalModels.h"
#include "Unbroadcast.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {

/// A value with arithmetic, so that the table reads as its formulas.
struct Term {
  ImplicitLocOpBuilder *builder;
  Value value;

  Term constant(double number) const {
    auto type = RankedTensorType::get({}, getElementTypeOrSelf(value));
    auto element = FloatAttr::get(type.getElementType(), number);
    return {builder, ConstantOp::create(*builder, type,
                                        DenseElementsAttr::get(type, element))};
  }

  template <typename Op>
  Term with(Term other) const {
    return {builder, Op::create(*builder, value, other.value)};
  }
  template <typename Op>
  Term of() const {
    return {builder, Op::create(*builder, value)};
  }
  Term squared() const { return with<MulOp>(*this); }

  friend Term operator+(Term a, Term b) { return a.with<AddOp>(b); }
  friend Term operator-(Term a, Term b) { return a.with<SubOp>(b); }
  friend Term operator*(Term a, Term b) { return a.with<MulOp>(b); }
  friend Term operator/(Term a, Term b) { return a.with<DivOp>(b); }
  friend Term operator+(Term a, double b) { return a + a.constant(b); }
  friend Term operator-(double a, Term b) { return b.constant(a) - b; }
  friend Term operator*(Term a, double b) { return a * a.constant(b); }
  friend Term operator-(Term a) { return a.of<NegOp>(); }
};

Term log(Term a) { return a.of<LogOp>(); }
Term pow(Term a, Term b) { return a.with<PowOp>(b); }
Term where(Term condition, Term a, Term b) {
  return {condition.builder, WherePositiveOp::create(*condition.builder, condition.value,
                                                     a.value, b.value)};
}
Term where(Term condition, Term a, double b) {
  return where(condition, a, a.constant(b));
}

/// a where the condition, a boolean, holds.
Term choose(Term condition, Term a, Term b) {
  return {condition.builder, WhereOp::create(*condition.builder, condition.value, a.value, b.value)};
}
Term choose(Term condition, Term a, double b) { return choose(condition, a, a.constant(b)); }
Term both(Term a, Term b) { return a.with<AndOp>(b); }

/// What a formula may use: the gradient g of the result, the result y, the
/// operands x(i), and alpha where the op has one.
struct Adjoint {
  ImplicitLocOpBuilder *builder;
  Operation *op;
  Term g, y;
  Term x(unsigned i = 0) const { return {builder, op->getOperand(i)}; }
  double alpha() const {
    return op->getAttrOfType<FloatAttr>("alpha").getValueAsDouble();
  }
  /// A term that is positive where x is: y, so that x need not be kept, unless
  /// a negative alpha turns y's sign.
  Term sign() const { return alpha() >= 0 ? y : x(); }
};

/// The gradient of one operand before it is summed to the operand's shape; a
/// null value stands for zero.
using Formula = Term (*)(Adjoint);

Term none(Adjoint a) { return {a.builder, Value()}; }

/// d/da a^b. With a constant exponent, as models have it, one product and one
/// power; otherwise b a^(b-1) is 0 wherever b is, even at a = 0 (PyTorch).
Term powBase(Adjoint a) {
  DenseFPElementsAttr exponent;
  if (matchPattern(a.x(1).value, m_Constant(&exponent)) && exponent.isSplat()) {
    double b = exponent.getSplatValue<APFloat>().convertToDouble();
    if (b == 0)
      return none(a);
    Term slope = b == 1   ? a.g
                 : b == 2 ? a.g * a.x(0)
                          : a.g * pow(a.x(0), a.g.constant(b - 1));
    return b == 1 ? slope : slope * b;
  }
  Term b = a.x(1), slope = a.g * b * pow(a.x(0), b + -1.0);
  return where(b, slope, where(-b, slope, 0.0));
}

/// d/db a^b = a^b log a, and 0 at a = 0 with b >= 0 (PyTorch).
Term powExponent(Adjoint a) {
  Term base = a.x(0), slope = a.g * a.y * log(base);
  return where(base, slope, where(-base, slope, where(-a.x(1), slope, 0.0)));
}

/// 1 strictly between the bounds and 0 at them, at NaN too: what torch.clamp does from PyTorch 2.15 on (1 at the bounds before). y says as
/// much as x unless bf16 cannot hold a bound: then x is kept.
Term clip(Adjoint a) {
  auto clip = cast<ClipOp>(a.op);
  auto isShort = [](std::optional<APFloat> bound) {
    bool loses = false;
    if (bound)
      bound->convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &loses);
    return !loses;
  };
  Term at = isShort(clip.getMin()) && isShort(clip.getMax()) ? a.y : a.x();
  auto number = [&](APFloat bound) { return at.constant(bound.convertToDouble()); };
  Term above = clip.getMin() ? number(*clip.getMin()).with<LessOp>(at) : none(a);
  Term below = clip.getMax() ? at.with<LessOp>(number(*clip.getMax())) : none(a);
  Term inside = !above.value ? below : !below.value ? above : both(above, below);
  return choose(inside, a.g, 0.0);
}

/// Strictly between the bounds, as in PyTorch; at NaN 0.
Term hardSigmoid(Adjoint a) {
  Term inside = both(a.y.constant(0).with<LessOp>(a.y), a.y.with<LessOp>(a.y.constant(1)));
  return choose(inside, a.g * a.alpha(), 0.0);
}

/// x / 3 + 1/2 between -3 and 3; 0 at the one, 1 at the other and at NaN (PyTorch).
Term hardSwish(Adjoint a) {
  Term x = a.x(), slope = a.g * (x * (1.0 / 3) + 0.5);
  return choose(x.with<LessOrEqualOp>(x.constant(-3)), a.g.constant(0), choose(x.with<LessOp>(x.constant(3)), slope, a.g));
}

Term sigmoid(Term x) { return x.of<SigmoidOp>(); }

Term silu(Adjoint a) {
  Term x = a.x(), s = sigmoid(x);
  return a.g * (s * (x * (1.0 - s) + 1.0));
}

Term mish(Adjoint a) {
  Term x = a.x(), t = x.of<SoftplusOp>().of<TanhOp>();
  return a.g * (t + x * sigmoid(x) * (1.0 - t.squared()));
}

/// Of two equal ones each takes half; NaN gives both all of it (torch.maximum).
template <typename Loses, unsigned mine>
Term extreme(Adjoint a) {
  Term own = a.x(mine), other = a.x(1 - mine);
  Term shared = choose(own.with<EqualOp>(other), a.g * 0.5, a.g);
  return choose(own.with<Loses>(other), a.g.constant(0), shared);
}

/// Of a = n b + y with a whole n.
Term modDivisor(Adjoint a) {
  return -(a.g * ((a.x(0) - a.y) / a.x(1)).of<RoundOp>());
}

Term erfSlope(Adjoint a) {
  return (-(a.x() * a.x())).of<ExpOp>() * (2 / std::sqrt(llvm::numbers::pi));
}

/// One op, which a matrix product can apply to its result.
Term gelu(Adjoint a) {
  return {a.builder, GeluGradientOp::create(*a.builder, a.g.value, a.x().value,
                                            cast<GeluOp>(a.op).getApproximateAttr())};
}

template <typename Op, auto... formulas>
struct ElementwiseAdjoint
    : DifferentiableOpInterface::ExternalModel<ElementwiseAdjoint<Op, formulas...>, Op> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    static constexpr Formula table[] = {formulas...};
    SmallVector<Value> gradients(op->getNumOperands());
    Adjoint adjoint{&builder, op, {&builder, resultGradients[0]},
                    {&builder, op->getResult(0)}};
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (needed[i])
        if (Value gradient = table[i](adjoint).value)
          gradients[i] = sumToType(builder, gradient,
                                   cast<RankedTensorType>(operand.getType()));
    return gradients;
  }
};

/// Attaches one formula for each operand of Op.
template <typename Op, auto... formulas>
void adjoint(MLIRContext *context) {
  Op::template attachInterface<ElementwiseAdjoint<Op, formulas...>>(*context);
}

} // namespace

void dtc::registerElementwiseAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *c, nn::NNDialect *) {
    using A = Adjoint;
    adjoint<NegOp, [](A a) { return -a.g; }>(c);
    adjoint<AbsOp, [](A a) { return a.g * a.x().of<SignOp>(); }>(c);
    adjoint<SignOp, none>(c);
    adjoint<FloorOp, none>(c);
    adjoint<CeilOp, none>(c);
    adjoint<RoundOp, none>(c);
    adjoint<SinOp, [](A a) { return a.g * a.x().of<CosOp>(); }>(c);
    adjoint<CosOp, [](A a) { return -(a.g * a.x().of<SinOp>()); }>(c);
    adjoint<TanOp, [](A a) { return a.g * (a.y.squared() + 1.0); }>(c);
    adjoint<AsinOp, [](A a) { return a.g / (1.0 - a.x().squared()).of<SqrtOp>(); }>(c);
    adjoint<AcosOp, [](A a) { return -(a.g / (1.0 - a.x().squared()).of<SqrtOp>()); }>(c);
    adjoint<AtanOp, [](A a) { return a.g / (a.x().squared() + 1.0); }>(c);
    adjoint<SinhOp, [](A a) { return a.g * a.x().of<CoshOp>(); }>(c);
    adjoint<CoshOp, [](A a) { return a.g * a.x().of<SinhOp>(); }>(c);
    adjoint<AsinhOp, [](A a) { return a.g / (a.x().squared() + 1.0).of<SqrtOp>(); }>(c);
    adjoint<AcoshOp, [](A a) { return a.g / (a.x().squared() + -1.0).of<SqrtOp>(); }>(c);
    adjoint<AtanhOp, [](A a) { return a.g / (1.0 - a.x().squared()); }>(c);
    adjoint<SoftplusOp, [](A a) { return a.g * sigmoid(a.x()); }>(c);
    adjoint<SiluOp, silu>(c);
    adjoint<MishOp, mish>(c);
    adjoint<HardSigmoidOp, hardSigmoid>(c);
    adjoint<HardSwishOp, hardSwish>(c);
    adjoint<ClipOp, clip>(c);
    adjoint<ExpOp, [](A a) { return a.g * a.y; }>(c);
    adjoint<LogOp, [](A a) { return a.g / a.x(); }>(c);
    adjoint<SqrtOp, [](A a) { return a.g / (a.y * 2.0); }>(c);
    adjoint<SigmoidOp, [](A a) { return a.g * (a.y * (1.0 - a.y)); }>(c);
    adjoint<TanhOp, [](A a) { return a.g * (1.0 - a.y * a.y); }>(c);
    adjoint<ReluOp, [](A a) { return where(a.y, a.g, 0.0); }>(c);
    adjoint<LeakyReluOp, [](A a) { return where(a.sign(), a.g, a.g * a.alpha()); }>(c);
    adjoint<EluOp, [](A a) { return where(a.sign(), a.g, a.g * (a.y + a.alpha())); }>(c);
    adjoint<ErfOp, [](A a) { return a.g * erfSlope(a); }>(c);
    adjoint<GeluOp, gelu>(c);
    adjoint<AddOp, [](A a) { return a.g; }, [](A a) { return a.g; }>(c);
    adjoint<SubOp, [](A a) { return a.g; }, [](A a) { return -a.g; }>(c);
    adjoint<MulOp, [](A a) { return a.g * a.x(1); }, [](A a) { return a.g * a.x(0); }>(c);
    adjoint<DivOp, [](A a) { return a.g / a.x(1); }, [](A a) { return -(a.g * a.y / a.x(1)); }>(c);
    adjoint<PowOp, powBase, powExponent>(c);
    adjoint<ModOp, [](A a) { return a.g; }, modDivisor>(c);
    adjoint<MaxOp, extreme<LessOp, 0>, extreme<LessOp, 1>>(c);
    adjoint<MinOp, extreme<GreaterOp, 0>, extreme<GreaterOp, 1>>(c);
    adjoint<WhereOp, none, [](A a) { return choose(a.x(0), a.g, 0.0); },
            [](A a) { return choose(a.x(0), a.g.constant(0.0), a.g); }>(c);
    adjoint<WherePositiveOp, none, [](A a) { return where(a.x(0), a.g, 0.0); },
            [](A a) { return where(a.x(0), a.g.constant(0.0), a.g); }>(c);
  });
}

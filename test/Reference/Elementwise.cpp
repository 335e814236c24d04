// Elementwise rules: one formula an op, operands broadcast as in numpy.
#include "test/Reference/Rules.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

template <double (*formula)(double)>
static LogicalResult unary(Operation *, Operands operands, Results results) {
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data))
    y = formula(x);
  return success();
}

template <typename Op, double (*formula)(double, double)>
static LogicalResult unaryWithAlpha(Operation *op, Operands operands,
                                    Results results) {
  double alpha = cast<Op>(op).getAlpha().convertToDouble();
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data))
    y = formula(x, alpha);
  return success();
}

template <double (*formula)(double, double)>
static LogicalResult binary(Operation *, Operands operands, Results results) {
  const Tensor &a = *operands[0], &b = *operands[1];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    results[0].data[flat] = formula(a.data[flatten(index, a.shape)],
                                    b.data[flatten(index, b.shape)]);
  });
  return success();
}

static bool isInteger(Value value) { return isa<IntegerType>(cast<RankedTensorType>(value.getType()).getElementType()); }

/// One formula of floating-point numbers, another of integers.
template <double (*ofFloats)(double, double), double (*ofIntegers)(double, double)>
static LogicalResult binary(Operation *op, Operands operands, Results results) {
  return isInteger(op->getResult(0)) ? binary<ofIntegers>(op, operands, results) : binary<ofFloats>(op, operands, results);
}

/// As bits of an integer; of a boolean there is one.
template <uint64_t (*formula)(uint64_t, uint64_t)>
static LogicalResult bitwise(Operation *op, Operands operands, Results results) {
  uint64_t mask = cast<RankedTensorType>(op->getResult(0).getType()).getElementType().isInteger(1) ? 1 : ~uint64_t(0);
  auto bits = [](double number) { return static_cast<uint64_t>(static_cast<int64_t>(number)); };
  const Tensor &a = *operands.front(), &b = *operands.back();
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    uint64_t result = formula(bits(a.data[flatten(index, a.shape)]), bits(b.data[flatten(index, b.shape)])) & mask;
    results[0].data[flat] = static_cast<double>(static_cast<int64_t>(result));
  });
  return success();
}

static LogicalResult where(Operation *, Operands operands, Results results) {
  const Tensor &condition = *operands[0], &a = *operands[1], &b = *operands[2];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    bool holds = condition.data[flatten(index, condition.shape)] != 0;
    results[0].data[flat] = holds ? a.data[flatten(index, a.shape)] : b.data[flatten(index, b.shape)];
  });
  return success();
}

static LogicalResult castRule(Operation *op, Operands operands, Results results) {
  auto cast = llvm::cast<nn::CastOp>(op);
  Type to = cast.getType().getElementType();
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data)) {
    if (to.isInteger(1)) {
      y = x != 0;
    } else if (!isa<IntegerType>(to)) {
      y = x;
    } else if (isInteger(cast.getX())) {
      y = to.isInteger(32) ? static_cast<int32_t>(static_cast<uint64_t>(static_cast<int64_t>(x))) : x;
    } else {
      double largest = std::ldexp(1.0, static_cast<int>(to.getIntOrFloatBitWidth()) - 1);
      y = std::isnan(x) ? 0 : x <= -largest ? -largest : x >= largest ? (to.isInteger(32) ? largest - 1 : largest) : std::trunc(x);
    }
  }
  return success();
}

static LogicalResult clipRule(Operation *op, Operands operands, Results results) {
  auto clip = cast<nn::ClipOp>(op);
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data)) {
    y = x;
    if (clip.getMin() && y < clip.getMin()->convertToDouble())
      y = clip.getMin()->convertToDouble();
    if (clip.getMax() && y > clip.getMax()->convertToDouble())
      y = clip.getMax()->convertToDouble();
  }
  return success();
}

static double cutOff(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static LogicalResult hardSigmoidRule(Operation *op, Operands operands, Results results) {
  auto sigmoid = cast<nn::HardSigmoidOp>(op);
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data))
    y = cutOff(sigmoid.getAlpha().convertToDouble() * x + sigmoid.getBeta().convertToDouble());
  return success();
}

static LogicalResult wherePositive(Operation *, Operands operands,
                                   Results results) {
  const Tensor &condition = *operands[0], &a = *operands[1], &b = *operands[2];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    results[0].data[flat] =
        condition.data[flatten(index, condition.shape)] <= 0
            ? b.data[flatten(index, b.shape)]
            : a.data[flatten(index, a.shape)]; // NaN too
  });
  return success();
}

static double negate(double x) { return -x; }
static double exponential(double x) { return std::exp(x); }
static double logarithm(double x) { return std::log(x); }
static double squareRoot(double x) { return std::sqrt(x); }
// NaN stays NaN, as in torch.relu.
static double relu(double x) { return x < 0 ? 0.0 : x; }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double hyperbolicTangent(double x) { return std::tanh(x); }
static double leakyRelu(double x, double alpha) { return x > 0 ? x : alpha * x; }
static double elu(double x, double alpha) {
  return x > 0 ? x : alpha * std::expm1(x);
}

static double errorFunction(double x) { return std::erf(x); }

/// Stands in for erf(x / sqrt(2)), and half of its derivative. 1 + c cancels for negative x, so the order of operations is the kernels'.
static double gaussian(double x, bool approximate) {
  return approximate ? std::tanh(std::sqrt(2 / std::numbers::pi) * (x * (0.044715 * (x * x) + 1)))
                     : std::erf(x * std::sqrt(0.5));
}
static double gaussianSlope(double x, bool approximate) {
  double c = gaussian(x, approximate), factor = std::sqrt(0.5 / std::numbers::pi);
  return approximate ? (1 - c * c) * (3 * 0.044715 * factor * (x * x) + factor)
                     : factor * std::exp(-0.5 * (x * x));
}
static double gelu(double x, bool approximate) { return x * (0.5 * gaussian(x, approximate) + 0.5); }

static LogicalResult geluRule(Operation *op, Operands operands, Results results) {
  bool approximate = cast<nn::GeluOp>(op).getApproximate();
  for (auto [x, y] : llvm::zip_equal(operands[0]->data, results[0].data))
    y = gelu(x, approximate);
  return success();
}

double reference::activationGradient(nn::Activation activation, double dy, double x) {
  if (activation == nn::Activation::Relu)
    return x > 0 ? dy : 0;
  bool approximate = activation == nn::Activation::GeluTanh;
  return dy * (0.5 * gaussian(x, approximate) + 0.5 + x * gaussianSlope(x, approximate));
}

static LogicalResult geluGradientRule(Operation *op, Operands operands, Results results) {
  bool approximate = cast<nn::GeluGradientOp>(op).getApproximate();
  const Tensor &dy = *operands[0], &x = *operands[1];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    results[0].data[flat] =
        activationGradient(approximate ? nn::Activation::GeluTanh : nn::Activation::Gelu,
                           dy.data[flatten(index, dy.shape)], x.data[flatten(index, x.shape)]);
  });
  return success();
}

static double add(double a, double b) { return a + b; }
static double subtract(double a, double b) { return a - b; }
static double multiply(double a, double b) { return a * b; }
static double divide(double a, double b) { return a / b; }
static double power(double a, double b) { return std::pow(a, b); }

static double absolute(double x) { return std::fabs(x); }
static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }
static double floored(double x) { return std::floor(x); }
static double ceiled(double x) { return std::ceil(x); }
static double rounded(double x) { return std::nearbyint(x); }
static double sine(double x) { return std::sin(x); }
static double cosine(double x) { return std::cos(x); }
static double tangent(double x) { return std::tan(x); }
static double arcSine(double x) { return std::asin(x); }
static double arcCosine(double x) { return std::acos(x); }
static double arcTangent(double x) { return std::atan(x); }
static double hyperbolicSine(double x) { return std::sinh(x); }
static double hyperbolicCosine(double x) { return std::cosh(x); }
static double areaSine(double x) { return std::asinh(x); }
static double areaCosine(double x) { return std::acosh(x); }
static double areaTangent(double x) { return std::atanh(x); }
// The order of operations is the kernels', where terms cancel.
static double softplus(double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }
static double silu(double x) { return x / (1 + std::exp(-x)); }
static double mish(double x) { return x * std::tanh(softplus(x)); }
static double hardSwish(double x) { return x * cutOff(1.0 / 6 * x + 0.5); }

static double quotient(double a, double b) { return b == 0 ? 0 : std::trunc(a / b); }
static double restOf(double a, double b) { return std::fmod(a, b); }
/// With the sign of b.
static double modulo(double a, double b) { return b == 0 ? 0 : a - b * std::floor(a / b); }
static double integerPower(double a, double b) { return a == 0 && b < 0 ? 0 : std::trunc(std::pow(a, b)); }
static double smaller(double a, double b) { return std::isnan(a) || a < b ? a : b; }
static double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

static double equal(double a, double b) { return a == b; }
static double less(double a, double b) { return a < b; }
static double lessOrEqual(double a, double b) { return a <= b; }
static double greater(double a, double b) { return a > b; }
static double greaterOrEqual(double a, double b) { return a >= b; }

static uint64_t both(uint64_t a, uint64_t b) { return a & b; }
static uint64_t either(uint64_t a, uint64_t b) { return a | b; }
static uint64_t oneAlone(uint64_t a, uint64_t b) { return a ^ b; }
static uint64_t inverted(uint64_t x, uint64_t) { return ~x; }

double reference::activate(nn::Activation activation, double alpha,
                           double value) {
  switch (activation) {
  case nn::Activation::None:
    return value;
  case nn::Activation::Relu:
    return relu(value);
  case nn::Activation::LeakyRelu:
    return leakyRelu(value, alpha);
  case nn::Activation::Elu:
    return elu(value, alpha);
  case nn::Activation::Sigmoid:
    return sigmoid(value);
  case nn::Activation::Tanh:
    return hyperbolicTangent(value);
  case nn::Activation::Gelu:
    return gelu(value, /*approximate=*/false);
  case nn::Activation::GeluTanh:
    return gelu(value, /*approximate=*/true);
  }
  llvm_unreachable("all activations are listed");
}

void reference::addElementwiseRules(Rules &rules) {
  rules["nn.neg"] = unary<negate>;
  rules["nn.exp"] = unary<exponential>;
  rules["nn.log"] = unary<logarithm>;
  rules["nn.sqrt"] = unary<squareRoot>;
  rules["nn.relu"] = unary<relu>;
  rules["nn.sigmoid"] = unary<sigmoid>;
  rules["nn.tanh"] = unary<hyperbolicTangent>;
  rules["nn.leaky_relu"] = unaryWithAlpha<nn::LeakyReluOp, leakyRelu>;
  rules["nn.elu"] = unaryWithAlpha<nn::EluOp, elu>;
  rules["nn.erf"] = unary<errorFunction>;
  rules["nn.gelu"] = geluRule;
  rules["nn.gelu_gradient"] = geluGradientRule;
  rules["nn.add"] = binary<add>;
  rules["nn.sub"] = binary<subtract>;
  rules["nn.mul"] = binary<multiply>;
  rules["nn.div"] = binary<divide, quotient>;
  rules["nn.pow"] = binary<power, integerPower>;
  rules["nn.mod"] = binary<restOf, modulo>;
  rules["nn.min"] = binary<smaller>;
  rules["nn.max"] = binary<larger>;
  rules["nn.equal"] = binary<equal>;
  rules["nn.less"] = binary<less>;
  rules["nn.less_or_equal"] = binary<lessOrEqual>;
  rules["nn.greater"] = binary<greater>;
  rules["nn.greater_or_equal"] = binary<greaterOrEqual>;
  rules["nn.and"] = bitwise<both>;
  rules["nn.or"] = bitwise<either>;
  rules["nn.xor"] = bitwise<oneAlone>;
  rules["nn.not"] = bitwise<inverted>;
  rules["nn.where"] = where;
  rules["nn.cast"] = castRule;
  rules["nn.clip"] = clipRule;
  rules["nn.hard_sigmoid"] = hardSigmoidRule;
  rules["nn.hard_swish"] = unary<hardSwish>;
  rules["nn.softplus"] = unary<softplus>;
  rules["nn.silu"] = unary<silu>;
  rules["nn.mish"] = unary<mish>;
  rules["nn.abs"] = unary<absolute>;
  rules["nn.sign"] = unary<sign>;
  rules["nn.floor"] = unary<floored>;
  rules["nn.ceil"] = unary<ceiled>;
  rules["nn.round"] = unary<rounded>;
  rules["nn.sin"] = unary<sine>;
  rules["nn.cos"] = unary<cosine>;
  rules["nn.tan"] = unary<tangent>;
  rules["nn.asin"] = unary<arcSine>;
  rules["nn.acos"] = unary<arcCosine>;
  rules["nn.atan"] = unary<arcTangent>;
  rules["nn.sinh"] = unary<hyperbolicSine>;
  rules["nn.cosh"] = unary<hyperbolicCosine>;
  rules["nn.asinh"] = unary<areaSine>;
  rules["nn.acosh"] = unary<areaCosine>;
  rules["nn.atanh"] = unary<areaTangent>;
  rules["nn.where_positive"] = wherePositive;
}

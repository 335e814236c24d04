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
  rules["nn.div"] = binary<divide>;
  rules["nn.pow"] = binary<power>;
  rules["nn.where_positive"] = wherePositive;
}

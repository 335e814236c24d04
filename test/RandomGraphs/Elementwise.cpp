// Operators on each element alone, of one, two and more operands that broadcast.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

/// Where an operator of one operand is defined, and tame.
enum class Domain { All, Within, Positive, AboveOne };

struct Unary {
  const char *op;
  Domain domain;
  int64_t since;
  /// Of the result; 0: that of the operand, and one more.
  double bound;
};

constexpr Unary unaries[] = {
    {"Tanh", Domain::All, 6, 1},      {"Sigmoid", Domain::All, 6, 1},      {"Erf", Domain::All, 9, 1},         {"Softplus", Domain::All, 1, 0},
    {"Sin", Domain::All, 7, 1},       {"Cos", Domain::All, 7, 1},          {"Atan", Domain::All, 7, 1.6},      {"Softsign", Domain::All, 1, 1},
    {"Neg", Domain::All, 6, 0},       {"Asinh", Domain::All, 9, 0},        {"Relu", Domain::All, 6, 0},        {"Abs", Domain::All, 6, 0},
    {"HardSwish", Domain::All, 14, 0}, {"Mish", Domain::All, 18, 0},       {"Identity", Domain::All, 1, 0},    {"Exp", Domain::Within, 6, 2.5},
    {"Sinh", Domain::Within, 9, 1.1}, {"Cosh", Domain::Within, 9, 1.5},    {"Tan", Domain::Within, 7, 1.3},    {"Asin", Domain::Within, 7, 1.2},
    {"Acos", Domain::Within, 7, 3},   {"Atanh", Domain::Within, 9, 1.5},   {"Log", Domain::Positive, 6, 2.4},  {"Sqrt", Domain::Positive, 6, 0},
    {"Reciprocal", Domain::Positive, 6, 4}, {"Acosh", Domain::AboveOne, 9, 2},
};

void addUnary(GraphMaker &maker) {
  const Unary &unary = unaries[maker.draw(std::size(unaries))];
  auto x = maker.takeOfRank(2);
  if (!x || unary.since > maker.opset)
    return;
  std::string operand = unary.domain == Domain::Within     ? maker.within(*x)
                        : unary.domain == Domain::Positive ? maker.positive(*x)
                        : unary.domain == Domain::AboveOne ? maker.aboveOne(*x)
                                                           : x->name;
  maker.keep(maker.node(unary.op, {operand}), x->shape, unary.bound ? unary.bound : x->bound + 1);
}

/// Activations with numbers of their own.
void addActivation(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  double alpha = maker.number(0.1, 1.5), beta = maker.number(0.2, 0.7);
  double bound = 2 * x->bound + 1;
  switch (maker.draw(8)) {
  case 0: maker.keep(maker.node("Elu", {x->name}, {{"alpha", alpha}}), x->shape, bound); break;
  case 1: maker.keep(maker.node("LeakyRelu", {x->name}, {{"alpha", alpha / 2}}), x->shape, bound); break;
  case 2: maker.keep(maker.node("Selu", {x->name}, {{"alpha", 1 + alpha}, {"gamma", 1 + beta / 4}}), x->shape, bound); break;
  case 3: maker.keep(maker.node("Celu", {x->name}, {{"alpha", 0.5 + alpha}}), x->shape, bound); break;
  case 4: maker.keep(maker.node("HardSigmoid", {x->name}, {{"alpha", alpha / 3}, {"beta", beta}}), x->shape, 1); break;
  case 5: maker.keep(maker.node("Shrink", {x->name}, {{"lambd", beta}, {"bias", beta}}), x->shape, bound); break;
  case 6:
    if (maker.opset >= 20)
      maker.keep(maker.node("Gelu", {x->name}, {{"approximate", maker.oneOf<std::string>({"none", "tanh"})}}), x->shape, x->bound + 1);
    break;
  default:
    Shape slopes = maker.broadcastShape(*x);
    maker.keep(maker.node("PRelu", {x->name, maker.parameter(slopes, 0.2, maker.chance(50) ? 0 : 0.25)}), x->shape, bound);
  }
}

void addClip(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  std::string low = maker.chance(75) ? maker.constant(-maker.number(0.3, 1.5)) : "";
  std::string high = low.empty() || maker.chance(75) ? maker.constant(maker.number(0.3, 1.5)) : "";
  std::vector<std::string> inputs = {x->name, low};
  if (!high.empty())
    inputs.push_back(high);
  maker.keep(maker.node("Clip", inputs), x->shape, x->bound);
}

void addPow(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  double exponent = maker.oneOf({0.5, 1.5, 2.0, 3.0, -1.0, -0.5});
  // Squares and cubes are defined everywhere.
  std::string base = exponent >= 2 ? maker.within(*x) : maker.positive(*x);
  maker.keep(maker.node("Pow", {base, maker.constant(exponent)}), x->shape, exponent < 0 ? 4 : exponent >= 2 ? 1 : x->bound * 2);
}

/// A second operand that x's shape holds: a value, a parameter or a constant.
Value other(GraphMaker &maker, const Value &x) {
  if (maker.chance(55)) {
    auto broadcasts = [&](const Value &y) {
      if (y.rank() != x.rank())
        return false;
      for (auto [mine, its] : llvm::zip(x.shape, y.shape))
        if (its != mine && its != 1)
          return false;
      return y.shape[0] == x.shape[0];
    };
    if (auto y = maker.take(broadcasts))
      return *y;
  }
  Shape shape = maker.broadcastShape(x);
  if (maker.chance(15))
    return {maker.constant(maker.number(-1.5, 1.5)), {}, 1.5};
  return {maker.parameter(shape, 0.5), shape, 1.5};
}

void addBinary(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  Value y = other(maker, *x);
  std::vector<std::string> operands = {x->name, y.name};
  // Draws stand in statements of their own, or in lists: arguments of a call have no order.
  if (maker.chance(30))
    std::swap(operands[0], operands[1]);
  switch (maker.draw(6)) {
  case 0:
  case 1: maker.keep(maker.node("Add", operands), x->shape, x->bound + y.bound); break;
  case 2: maker.keep(maker.node("Sub", operands), x->shape, x->bound + y.bound); break;
  case 3: maker.keep(maker.node("Mul", operands), x->shape, x->bound * y.bound); break;
  case 4: maker.keep(maker.node("Div", {x->name, maker.positive(y)}), x->shape, 4 * x->bound); break;
  default: maker.keep(maker.node(maker.oneOf({"Max", "Min"}), operands), x->shape, std::max(x->bound, y.bound));
  }
}

void addVariadic(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  std::vector<std::string> operands = {x->name};
  double sum = x->bound;
  for (int64_t more = maker.draw(3); more > 0; --more) {
    Value y = other(maker, *x);
    sum += y.bound;
    operands.insert(operands.begin() + maker.draw(2), y.name);
  }
  const char *op = maker.oneOf({"Sum", "Mean", "Max", "Min"});
  maker.keep(maker.node(op, operands), x->shape, sum);
}

/// A residual around a layer that keeps the shape: what networks mostly are.
void addResidual(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  int64_t width = x->shape.back();
  std::string h = maker.node("MatMul", {x->name, maker.weight({width, width}, width)});
  h = maker.node("Add", {h, maker.parameter({width}, 0.1)});
  h = maker.node(maker.oneOf({"Tanh", "Sigmoid", "Relu", "Softplus"}), {h});
  maker.keep(maker.node("Add", {h, x->name}), x->shape, x->bound + 2);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::elementwiseFamilies() {
  static constexpr Family families[] = {{"unary", addUnary},   {"unary", addUnary},   {"unary", addUnary},       {"activation", addActivation},
                                        {"activation", addActivation}, {"clip", addClip}, {"pow", addPow},       {"binary", addBinary},
                                        {"binary", addBinary}, {"binary", addBinary}, {"variadic", addVariadic}, {"residual", addResidual},
                                        {"residual", addResidual}};
  return families;
}

// Elementwise operators: arithmetic, functions of one tensor, choices; and what the families of elementwise operators share.
#include "ElementwiseOps.h"
#include "Operators.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

//===-- Operands --------------------------------------------------------------------------------------------------------------------===//

static bool isOfKind(Type element, Kind kind) {
  bool isFloat = isa<FloatType>(element), isTruth = element.isInteger(1);
  switch (kind) {
  case Kind::Floats: return isFloat;
  case Kind::Numbers: return !isTruth;
  case Kind::Integers: return !isFloat && !isTruth;
  case Kind::Booleans: return isTruth;
  case Kind::Any: return true;
  }
  llvm_unreachable("all kinds are handled");
}

static StringRef describe(Kind kind) {
  switch (kind) {
  case Kind::Floats: return "floating-point numbers";
  case Kind::Numbers: return "numbers";
  case Kind::Integers: return "integers";
  case Kind::Booleans: return "booleans";
  case Kind::Any: return "tensors";
  }
  llvm_unreachable("all kinds are handled");
}

Value onnximport::operand(Node &node, unsigned i, Kind kind) {
  Value x = node.tensor(i);
  if (!x || isOfKind(getElementTypeOrSelf(x), kind))
    return x;
  node.error() << "operand " << i << " is " << x.getType() << ", but this operator takes " << describe(kind);
  return {};
}

Value onnximport::numberLike(Node &node, Value like, double value) {
  Type element = getElementTypeOrSelf(like);
  auto type = RankedTensorType::get({}, element);
  Attribute number = isa<FloatType>(element) ? Attribute(FloatAttr::get(element, value))
                                             : IntegerAttr::get(element, static_cast<int64_t>(value));
  return node.constant(DenseElementsAttr::get(type, number));
}

//===-- Arithmetic ------------------------------------------------------------------------------------------------------------------===//

template <typename Op, Kind kind>
static FailureOr<Binding> importUnary(Node &node) {
  return given(make<Op>(node, operand(node, 0, kind)));
}

template <typename Op, Kind kind>
static FailureOr<Binding> importBinary(Node &node) {
  Value a = operand(node, 0, kind), b = operand(node, 1, kind);
  return given(make<Op>(node, {a, b}));
}

/// Of any number of operands, from the first to the last.
template <typename Op, Kind kind>
static Value accumulate(Node &node) {
  Value result = operand(node, 0, kind);
  for (unsigned i = 1; i < node.inputCount() && result; ++i)
    result = make<Op>(node, {result, operand(node, i, kind)});
  return result;
}

template <typename Op, Kind kind>
static FailureOr<Binding> importVariadic(Node &node) {
  return given(accumulate<Op, kind>(node));
}

static FailureOr<Binding> importMean(Node &node) {
  Value sum = accumulate<nn::AddOp, Kind::Floats>(node);
  if (!sum || node.inputCount() == 1)
    return given(sum);
  return given(make<nn::DivOp>(node, {sum, numberLike(node, sum, node.inputCount())}));
}

static FailureOr<Binding> importReciprocal(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  if (!x)
    return failure();
  return given(make<nn::DivOp>(node, {numberLike(node, x, 1), x}));
}

/// Without `fmod` the sign is the divisor's, which is there for integers alone.
static FailureOr<Binding> importMod(Node &node) {
  Value a = operand(node, 0, Kind::Numbers), b = operand(node, 1, Kind::Numbers);
  bool fmod = node.flag("fmod", false);
  if (node.failed())
    return failure();
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(a));
  if (isFloat && !fmod)
    return node.error() << "attribute 'fmod' must be 1 for floating-point numbers";
  if (isFloat || !fmod)
    return given(make<nn::ModOp>(node, {a, b}));
  Value whole = make<nn::MulOp>(node, {make<nn::DivOp>(node, {a, b}), b});
  return given(make<nn::SubOp>(node, {a, whole}));
}

/// Integers that stand for an exponent, as the base's floating-point numbers.
static Value exponentAsFloats(Node &node, Value exponent, Type element) {
  constexpr int64_t limit = 1 << 24; // float32 holds all integers up to here
  DenseIntElementsAttr known;
  if (matchPattern(exponent, m_Constant(&known)))
    for (const APInt &value : known)
      if (value.abs().ugt(limit)) {
        node.error() << "exponent " << value.getSExtValue() << " is not exact in float32 (at most 2^24)";
        return {};
      }
  return castTo(node, exponent, element);
}

/// Floating-point numbers that stand for an exponent of integers: they are known, and whole.
static Value exponentAsIntegers(Node &node, Value exponent, Type element) {
  DenseFPElementsAttr known;
  if (!matchPattern(exponent, m_Constant(&known)) || !llvm::all_of(known, [](const APFloat &value) { return value.isInteger(); })) {
    node.error() << "integers have powers with whole exponents alone, known at compile time if they are floating-point numbers";
    return {};
  }
  return castTo(node, exponent, element);
}

/// The result has the base's type; the exponent may have another.
static FailureOr<Binding> importPow(Node &node) {
  Value base = operand(node, 0, Kind::Numbers), exponent = operand(node, 1, Kind::Numbers);
  if (node.failed())
    return failure();
  Type element = getElementTypeOrSelf(base);
  bool ofFloats = isa<FloatType>(element), byFloats = isa<FloatType>(getElementTypeOrSelf(exponent));
  exponent = ofFloats == byFloats ? castTo(node, exponent, element)
             : ofFloats           ? exponentAsFloats(node, exponent, element)
                                  : exponentAsIntegers(node, exponent, element);
  return given(make<nn::PowOp>(node, {base, exponent}));
}

//===-- Choices ---------------------------------------------------------------------------------------------------------------------===//

static FailureOr<Binding> importWhere(Node &node) {
  Value condition = operand(node, 0, Kind::Booleans), a = operand(node, 1, Kind::Any), b = operand(node, 2, Kind::Any);
  return given(make<nn::WhereOp>(node, {condition, a, b}));
}

/// The number that a constant of floating-point numbers has in all its elements.
static std::optional<double> knownNumber(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat() || elements.getSplatValue<APFloat>().isNaN())
    return std::nullopt;
  return elements.getSplatValue<APFloat>().convertToDouble();
}

/// Bounds that are known become attributes, others operands of a maximum and a minimum.
static FailureOr<Binding> importClip(Node &node) {
  Value x = operand(node, 0, Kind::Numbers), bounds[2];
  StringRef names[] = {"min", "max"};
  for (unsigned i : {0u, 1u}) {
    if (!node.hasInput(i + 1))
      continue;
    bounds[i] = operand(node, i + 1, Kind::Numbers);
    if (bounds[i] && cast<RankedTensorType>(bounds[i].getType()).getRank() > 0)
      node.error() << "the bound '" << names[i] << "' is " << bounds[i].getType() << ", no single number";
  }
  if (node.failed())
    return failure();
  std::optional<double> known[2];
  for (unsigned i : {0u, 1u})
    if (bounds[i] && getElementTypeOrSelf(bounds[i]) == getElementTypeOrSelf(x))
      known[i] = knownNumber(bounds[i]);
  if (known[0] && known[1])
    return given(make<nn::ClipOp>(node, x, {node.real("min", *known[0]), node.real("max", *known[1])}));
  // Where the bounds contradict each other the upper one counts: it comes last.
  if (bounds[0])
    x = known[0] ? make<nn::ClipOp>(node, x, node.real("min", *known[0])) : make<nn::MaxOp>(node, {x, bounds[0]});
  if (bounds[1])
    x = known[1] ? make<nn::ClipOp>(node, x, node.real("max", *known[1])) : make<nn::MinOp>(node, {x, bounds[1]});
  return given(x);
}

void dtc::onnximport::addElementwiseOperators(OperatorTable &table) {
  constexpr Kind floats = Kind::Floats, numbers = Kind::Numbers;
  table.add({
      {"Add", 13, 2, 2, 1, importBinary<nn::AddOp, numbers>, "`nn.add`"},
      {"Sub", 13, 2, 2, 1, importBinary<nn::SubOp, numbers>, "`nn.sub`"},
      {"Mul", 13, 2, 2, 1, importBinary<nn::MulOp, numbers>, "`nn.mul`"},
      {"Div", 13, 2, 2, 1, importBinary<nn::DivOp, numbers>, "`nn.div`"},
      {"Mod", 13, 2, 2, 1, importMod, "`nn.mod`; of integers with `fmod` from `nn.div`"},
      {"Pow", 13, 2, 2, 1, importPow, "`nn.pow`; an exponent of another type is cast"},
      {"Sum", 13, 1, variadic, 1, importVariadic<nn::AddOp, floats>, "`nn.add`"},
      {"Mean", 13, 1, variadic, 1, importMean, "`nn.add`, `nn.div`"},
      {"Max", 13, 1, variadic, 1, importVariadic<nn::MaxOp, numbers>, "`nn.max`"},
      {"Min", 13, 1, variadic, 1, importVariadic<nn::MinOp, numbers>, "`nn.min`"},
      {"Clip", 13, 1, 3, 1, importClip, "`nn.clip`; `nn.max` and `nn.min` with bounds that are not known at compile time, and of integers"},
      {"Where", 9, 3, 3, 1, importWhere, "`nn.where`"},
      {"Neg", 13, 1, 1, 1, importUnary<nn::NegOp, numbers>, "`nn.neg`"},
      {"Abs", 13, 1, 1, 1, importUnary<nn::AbsOp, numbers>, "`nn.abs`"},
      {"Sign", 13, 1, 1, 1, importUnary<nn::SignOp, numbers>, "`nn.sign`"},
      {"Reciprocal", 13, 1, 1, 1, importReciprocal, "`nn.div`"},
      {"Floor", 13, 1, 1, 1, importUnary<nn::FloorOp, floats>, "`nn.floor`"},
      {"Ceil", 13, 1, 1, 1, importUnary<nn::CeilOp, floats>, "`nn.ceil`"},
      {"Round", 11, 1, 1, 1, importUnary<nn::RoundOp, floats>, "`nn.round`"},
      {"Exp", 13, 1, 1, 1, importUnary<nn::ExpOp, floats>, "`nn.exp`"},
      {"Log", 13, 1, 1, 1, importUnary<nn::LogOp, floats>, "`nn.log`"},
      {"Sqrt", 13, 1, 1, 1, importUnary<nn::SqrtOp, floats>, "`nn.sqrt`"},
      {"Erf", 13, 1, 1, 1, importUnary<nn::ErfOp, floats>, "`nn.erf`"},
      {"Sin", 7, 1, 1, 1, importUnary<nn::SinOp, floats>, "`nn.sin`"},
      {"Cos", 7, 1, 1, 1, importUnary<nn::CosOp, floats>, "`nn.cos`"},
      {"Tan", 7, 1, 1, 1, importUnary<nn::TanOp, floats>, "`nn.tan`"},
      {"Asin", 7, 1, 1, 1, importUnary<nn::AsinOp, floats>, "`nn.asin`"},
      {"Acos", 7, 1, 1, 1, importUnary<nn::AcosOp, floats>, "`nn.acos`"},
      {"Atan", 7, 1, 1, 1, importUnary<nn::AtanOp, floats>, "`nn.atan`"},
      {"Sinh", 9, 1, 1, 1, importUnary<nn::SinhOp, floats>, "`nn.sinh`"},
      {"Cosh", 9, 1, 1, 1, importUnary<nn::CoshOp, floats>, "`nn.cosh`"},
      {"Tanh", 13, 1, 1, 1, importUnary<nn::TanhOp, floats>, "`nn.tanh`"},
      {"Asinh", 9, 1, 1, 1, importUnary<nn::AsinhOp, floats>, "`nn.asinh`"},
      {"Acosh", 9, 1, 1, 1, importUnary<nn::AcoshOp, floats>, "`nn.acosh`"},
      {"Atanh", 9, 1, 1, 1, importUnary<nn::AtanhOp, floats>, "`nn.atanh`"},
  });
}

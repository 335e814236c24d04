// What ops give whose operands are known: a row an op.
#include "Evaluation.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

SmallVector<int64_t> dtc::onnximport::rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

std::vector<int64_t> dtc::onnximport::readIntegers(DenseElementsAttr elements) {
  bool isBoolean = elements.getElementType().isInteger(1);
  if (!elements.isSplat() && elements.getElementType().isInteger(64)) {
    auto values = elements.getValues<int64_t>();
    return {values.begin(), values.end()};
  }
  std::vector<int64_t> integers;
  integers.reserve(elements.getNumElements());
  if (isBoolean) {
    for (bool value : elements.getValues<bool>())
      integers.push_back(value);
    return integers;
  }
  for (const APInt &value : elements.getValues<APInt>())
    integers.push_back(value.getSExtValue());
  return integers;
}

template <typename T>
static DenseElementsAttr pickValues(RankedTensorType type, ArrayRef<int64_t> places, DenseElementsAttr x, DenseElementsAttr y) {
  std::vector<T> from(x.getValues<T>().begin(), x.getValues<T>().end()), values;
  if (y)
    llvm::append_range(from, y.getValues<T>());
  values.reserve(places.size());
  for (int64_t place : places)
    values.push_back(from[place]);
  return DenseElementsAttr::get(type, ArrayRef<T>(values));
}

DenseElementsAttr dtc::onnximport::pick(RankedTensorType type, ArrayRef<int64_t> places, DenseElementsAttr x, DenseElementsAttr y) {
  return isa<FloatType>(type.getElementType()) ? pickValues<APFloat>(type, places, x, y) : pickValues<APInt>(type, places, x, y);
}

namespace {

/// The elements of a tensor: integers and booleans as int64, floats as double.
struct Elements {
  RankedTensorType type;
  std::vector<int64_t> integers;
  std::vector<double> reals;

  bool isReal() const { return isa<FloatType>(type.getElementType()); }
  ArrayRef<int64_t> shape() const { return type.getShape(); }
  void resize() {
    if (isReal())
      reals.resize(type.getNumElements());
    else
      integers.resize(type.getNumElements());
  }
  void copy(int64_t to, const Elements &from, int64_t at) {
    if (isReal())
      reals[to] = from.reals[at];
    else
      integers[to] = from.integers[at];
  }
};

using Operands = ArrayRef<Elements>;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

Elements read(DenseElementsAttr attribute) {
  Elements elements{cast<RankedTensorType>(attribute.getType()), {}, {}};
  if (elements.isReal()) {
    elements.reals.reserve(elements.type.getNumElements());
    if (elements.type.getElementType().isF32()) {
      for (float value : attribute.getValues<float>())
        elements.reals.push_back(static_cast<double>(value));
      return elements;
    }
    for (const APFloat &value : attribute.getValues<APFloat>()) {
      APFloat wide = value;
      bool inexact;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      elements.reals.push_back(wide.convertToDouble());
    }
    return elements;
  }
  elements.integers = readIntegers(attribute);
  return elements;
}

DenseElementsAttr write(const Elements &elements) {
  Type element = elements.type.getElementType();
  if (element.isF32())
    return DenseElementsAttr::get(elements.type, ArrayRef(std::vector<float>(elements.reals.begin(), elements.reals.end())));
  if (element.isInteger(64))
    return DenseElementsAttr::get(elements.type, ArrayRef(elements.integers));
  if (auto type = dyn_cast<FloatType>(element)) {
    SmallVector<APFloat> values;
    values.reserve(elements.reals.size());
    for (double real : elements.reals) {
      APFloat value(real);
      bool inexact;
      value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
      values.push_back(value);
    }
    return DenseElementsAttr::get(elements.type, values);
  }
  unsigned width = element.getIntOrFloatBitWidth();
  SmallVector<APInt> values;
  values.reserve(elements.integers.size());
  // Integers wrap around.
  for (int64_t integer : elements.integers)
    values.emplace_back(width, static_cast<uint64_t>(integer), /*isSigned=*/false, /*implicitTrunc=*/true);
  return DenseElementsAttr::get(elements.type, values);
}

//===----------------------------------------------------------------------===//
// Moving elements
//===----------------------------------------------------------------------===//

/// Calls `visit` with each position of `shape`, row-major, and where it lies from `base` on when dimension d moves by strides[d].
template <typename Visit>
void forEach(ArrayRef<int64_t> shape, int64_t base, ArrayRef<int64_t> strides, Visit visit) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t at = base;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, at);
    for (size_t d = shape.size(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < shape[d])
        break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

/// Strides with which a tensor of `from` is read as one of `to`, by numpy's rules.
SmallVector<int64_t> broadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> strides(to.size(), 0), own = rowMajorStrides(from);
  size_t missing = to.size() - from.size();
  for (size_t d = 0; d < from.size(); ++d)
    if (from[d] != 1)
      strides[missing + d] = own[d];
  return strides;
}

void take(const Elements &x, int64_t base, ArrayRef<int64_t> strides, Elements &y) {
  y.resize();
  forEach(y.shape(), base, strides, [&](int64_t to, int64_t at) { y.copy(to, x, at); });
}

bool reshape(Operation *, Operands x, Elements &y) {
  y.integers = x[0].integers;
  y.reals = x[0].reals;
  return true;
}

bool transpose(Operation *op, Operands x, Elements &y) {
  SmallVector<int64_t> own = rowMajorStrides(x[0].shape()), strides;
  for (int64_t dim : cast<nn::TransposeOp>(op).getPermutation())
    strides.push_back(own[dim]);
  take(x[0], 0, strides, y);
  return true;
}

bool broadcast(Operation *, Operands x, Elements &y) {
  take(x[0], 0, broadcastStrides(x[0].shape(), y.shape()), y);
  return true;
}

bool slice(Operation *op, Operands x, Elements &y) {
  SmallVector<int64_t> strides = rowMajorStrides(x[0].shape());
  int64_t base = 0;
  for (auto [offset, stride] : llvm::zip_equal(cast<nn::SliceOp>(op).getOffsets(), strides))
    base += offset * stride;
  take(x[0], base, strides, y);
  return true;
}

/// Puts x into y, where `offsets` say.
void put(const Elements &x, ArrayRef<int64_t> offsets, Elements &y) {
  SmallVector<int64_t> strides = rowMajorStrides(y.shape());
  int64_t base = 0;
  for (auto [offset, stride] : llvm::zip_equal(offsets, strides))
    base += offset * stride;
  forEach(x.shape(), base, strides, [&](int64_t from, int64_t at) { y.copy(at, x, from); });
}

bool pad(Operation *op, Operands x, Elements &y) {
  y.resize();
  put(x[0], cast<nn::PadOp>(op).getOffsets(), y);
  return true;
}

bool concat(Operation *op, Operands x, Elements &y) {
  y.resize();
  SmallVector<int64_t> offsets(y.shape().size(), 0);
  int64_t axis = cast<nn::ConcatOp>(op).getAxis();
  for (const Elements &part : x) {
    put(part, offsets, y);
    offsets[axis] += part.shape()[axis];
  }
  return true;
}

/// Data [outer, size, inner] at any shape of indices; what lies outside is not folded.
bool gather(Operation *op, Operands x, Elements &y) {
  int64_t axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
  ArrayRef<int64_t> shape = x[0].shape();
  int64_t outer = 1, size = shape[axis], inner = 1;
  for (int64_t d = 0; d < axis; ++d)
    outer *= shape[d];
  for (size_t d = axis + 1; d < shape.size(); ++d)
    inner *= shape[d];
  y.resize();
  int64_t to = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : x[1].integers) {
      int64_t row = index < 0 ? index + size : index;
      if (row < 0 || row >= size)
        return false;
      for (int64_t i = 0; i < inner; ++i)
        y.copy(to++, x[0], (o * size + row) * inner + i);
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// One number of an element type: `i` of integers and booleans, `r` of floats.
struct Number {
  int64_t i = 0;
  double r = 0;
};

/// Fails where the result is not defined.
using Formula = bool (*)(Operation *op, const Elements *x, const Number *a, Number &y);

uint64_t bits(int64_t i) { return static_cast<uint64_t>(i); }

/// formula(integers) and formula(reals): the rows below.
template <auto ofIntegers, auto ofReals>
bool arithmetic(Operation *, const Elements *x, const Number *a, Number &y) {
  if constexpr (std::is_invocable_v<decltype(ofReals), double, double>) {
    if (x[0].isReal())
      y.r = ofReals(a[0].r, a[1].r);
    else
      y.i = ofIntegers(a[0].i, a[1].i);
  } else {
    if (x[0].isReal())
      y.r = ofReals(a[0].r);
    else
      y.i = ofIntegers(a[0].i);
  }
  return true;
}

template <auto formula>
bool ofReal(Operation *, const Elements *x, const Number *a, Number &y) {
  if (!x[0].isReal())
    return false;
  y.r = formula(a[0].r);
  return true;
}

template <auto compare>
bool comparison(Operation *, const Elements *x, const Number *a, Number &y) {
  y.i = x[0].isReal() ? compare(a[0].r, a[1].r) : compare(a[0].i, a[1].i);
  return true;
}

template <auto formula>
bool logic(Operation *, const Elements *, const Number *a, Number &y) {
  y.i = formula(a[0].i, a[1].i);
  return true;
}

bool divide(Operation *, const Elements *x, const Number *a, Number &y) {
  if (x[0].isReal()) {
    y.r = a[0].r / a[1].r;
    return true;
  }
  if (a[1].i == 0 || (a[1].i == -1 && a[0].i == INT64_MIN))
    return false;
  y.i = a[0].i / a[1].i;
  return true;
}

bool isBoolean(Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isInteger(1); }

/// Of integers with the divisor's sign.
bool remainder(Operation *, const Elements *x, const Number *a, Number &y) {
  if (x[0].isReal()) {
    y.r = std::fmod(a[0].r, a[1].r);
    return true;
  }
  if (a[1].i == 0)
    return false;
  y.i = a[1].i == -1 ? 0 : a[0].i % a[1].i;
  if (y.i != 0 && (y.i < 0) != (a[1].i < 0))
    y.i += a[1].i;
  return true;
}

bool power(Operation *, const Elements *x, const Number *a, Number &y) {
  if (x[0].isReal()) {
    y.r = std::pow(a[0].r, x[1].isReal() ? a[1].r : static_cast<double>(a[1].i));
    return true;
  }
  if (x[1].isReal() || a[1].i < 0)
    return false;
  uint64_t result = 1, base = bits(a[0].i);
  for (uint64_t exponent = bits(a[1].i); exponent; exponent >>= 1, base *= base)
    if (exponent & 1)
      result *= base;
  y.i = static_cast<int64_t>(result);
  return true;
}

bool select(Operation *, const Elements *, const Number *a, Number &y) {
  y = a[0].i ? a[1] : a[2];
  return true;
}

/// Truncates towards zero; what no integer holds is not folded.
bool convert(Operation *op, const Elements *x, const Number *a, Number &y) {
  Type to = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  double real = x[0].isReal() ? a[0].r : static_cast<double>(a[0].i);
  if (isa<FloatType>(to)) {
    y.r = real;
  } else if (to.isInteger(1)) {
    y.i = x[0].isReal() ? a[0].r != 0 : a[0].i != 0;
  } else if (!x[0].isReal()) {
    y.i = a[0].i;
  } else {
    if (!(std::abs(real) < 9.2e18))
      return false;
    y.i = static_cast<int64_t>(real);
    return to.isInteger(64) || y.i == static_cast<int32_t>(y.i);
  }
  return true;
}

const llvm::StringMap<Formula> &formulas() {
  using I = int64_t;
  static const llvm::StringMap<Formula> table = {
      {"nn.add", arithmetic<[](I a, I b) { return I(bits(a) + bits(b)); }, [](double a, double b) { return a + b; }>},
      {"nn.sub", arithmetic<[](I a, I b) { return I(bits(a) - bits(b)); }, [](double a, double b) { return a - b; }>},
      {"nn.mul", arithmetic<[](I a, I b) { return I(bits(a) * bits(b)); }, [](double a, double b) { return a * b; }>},
      {"nn.min", arithmetic<[](I a, I b) { return std::min(a, b); }, [](double a, double b) { return a < b || a != a ? a : b; }>},
      {"nn.max", arithmetic<[](I a, I b) { return std::max(a, b); }, [](double a, double b) { return b < a || a != a ? a : b; }>},
      {"nn.neg", arithmetic<[](I a) { return I(-bits(a)); }, [](double a) { return -a; }>},
      {"nn.abs", arithmetic<[](I a) { return a < 0 ? I(-bits(a)) : a; }, [](double a) { return std::abs(a); }>},
      {"nn.sign", arithmetic<[](I a) { return I((a > 0) - (a < 0)); }, [](double a) { return double((a > 0) - (a < 0)); }>},
      {"nn.div", divide},
      {"nn.pow", power},
      {"nn.exp", ofReal<[](double a) { return std::exp(a); }>},
      {"nn.log", ofReal<[](double a) { return std::log(a); }>},
      {"nn.sqrt", ofReal<[](double a) { return std::sqrt(a); }>},
      {"nn.sin", ofReal<[](double a) { return std::sin(a); }>},
      {"nn.cos", ofReal<[](double a) { return std::cos(a); }>},
      {"nn.floor", ofReal<[](double a) { return std::floor(a); }>},
      {"nn.ceil", ofReal<[](double a) { return std::ceil(a); }>},
      {"nn.round", ofReal<[](double a) { return std::nearbyint(a); }>},
      {"nn.relu", ofReal<[](double a) { return a > 0 || a != a ? a : 0; }>},
      {"nn.reciprocal", ofReal<[](double a) { return 1 / a; }>},
      {"nn.equal", comparison<[](auto a, auto b) { return a == b; }>},
      {"nn.less", comparison<[](auto a, auto b) { return a < b; }>},
      {"nn.less_or_equal", comparison<[](auto a, auto b) { return a <= b; }>},
      {"nn.greater", comparison<[](auto a, auto b) { return b < a; }>},
      {"nn.greater_or_equal", comparison<[](auto a, auto b) { return a >= b; }>},
      {"nn.and", logic<[](I a, I b) { return a & b; }>},
      {"nn.or", logic<[](I a, I b) { return a | b; }>},
      {"nn.xor", logic<[](I a, I b) { return a ^ b; }>},
      {"nn.not", [](Operation *op, const Elements *, const Number *a, Number &y) {
         y.i = isBoolean(op->getOperand(0)) ? !a[0].i : ~a[0].i;
         return true;
       }},
      {"nn.mod", remainder},
      {"nn.where", select},
      {"nn.cast", convert},
  };
  return table;
}

bool elementwise(Operation *op, Formula formula, Operands x, Elements &y) {
  y.resize();
  int64_t count = y.type.getNumElements();
  std::vector<std::vector<int64_t>> places;
  for (const Elements &operand : x) {
    std::vector<int64_t> &at = places.emplace_back(count);
    forEach(y.shape(), 0, broadcastStrides(operand.shape(), y.shape()), [&](int64_t i, int64_t from) { at[i] = from; });
  }
  bool single = y.isReal() && y.type.getElementType().isF32();
  SmallVector<Number> numbers(x.size());
  for (int64_t i = 0; i < count; ++i) {
    for (auto [k, operand] : llvm::enumerate(x)) {
      int64_t at = places[k][i];
      numbers[k] = operand.isReal() ? Number{0, operand.reals[at]} : Number{operand.integers[at], 0};
    }
    Number result;
    if (!formula(op, x.data(), numbers.data(), result))
      return false;
    if (y.isReal())
      y.reals[i] = single ? static_cast<double>(static_cast<float>(result.r)) : result.r;
    else
      y.integers[i] = result.i;
  }
  return true;
}

using Movement = bool (*)(Operation *, Operands, Elements &);

const llvm::StringMap<Movement> &movements() {
  static const llvm::StringMap<Movement> table = {{"nn.reshape", reshape}, {"nn.transpose", transpose}, {"nn.broadcast", broadcast},
                                                  {"nn.slice", slice},     {"nn.pad", pad},             {"nn.concat", concat},
                                                  {"nn.gather", gather}};
  return table;
}

} // namespace

std::optional<DenseElementsAttr> dtc::onnximport::evaluate(Operation *op, int64_t most) {
  StringRef name = op->getName().getStringRef();
  auto formula = formulas().find(name);
  auto movement = movements().find(name);
  if (formula == formulas().end() && movement == movements().end())
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getNumElements() > most)
    return std::nullopt;
  SmallVector<Elements> operands;
  for (Value operand : op->getOperands()) {
    DenseElementsAttr value;
    if (!matchPattern(operand, m_Constant(&value)))
      return std::nullopt;
    operands.push_back(read(value));
  }
  Elements result{type, {}, {}};
  bool known = formula != formulas().end() ? elementwise(op, formula->second, operands, result) : movement->second(op, operands, result);
  return known ? std::optional(write(result)) : std::nullopt;
}

// Comparisons, logic, casts.
#include "ElementwiseOps.h"
#include "Operators.h"

#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

template <typename Op, Kind kind>
static FailureOr<Binding> importUnary(Node &node) {
  return given(make<Op>(node, operand(node, 0, kind)));
}

template <typename Op, Kind kind>
static FailureOr<Binding> importBinary(Node &node) {
  Value a = operand(node, 0, kind), b = operand(node, 1, kind);
  return given(make<Op>(node, {a, b}));
}

/// Only NaN differs from itself.
static FailureOr<Binding> importIsNaN(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  return given(make<nn::NotOp>(node, make<nn::EqualOp>(node, {x, x})));
}

static FailureOr<Binding> importIsInf(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  bool negative = node.flag("detect_negative", true), positive = node.flag("detect_positive", true);
  if (node.failed())
    return failure();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!negative && !positive)
    return given(make<nn::LessOp>(node, {x, x}));
  Value compared = negative && positive ? make<nn::AbsOp>(node, x) : x;
  return given(make<nn::EqualOp>(node, {compared, numberLike(node, x, positive ? infinity : -infinity)}));
}

Value onnximport::castTo(Node &node, Value x, Type element) {
  if (node.failed() || !x)
    return {};
  auto type = cast<RankedTensorType>(x.getType()).clone(element);
  return node.builder().createOrFold<nn::CastOp>(node.location(), type, x);
}

/// The element type that ONNX numbers so; null, with an error, if no model holds it.
static Type elementType(Node &node, int64_t number) {
  Builder &builder = node.builder();
  switch (number) {
  case ::onnx::TensorProto::FLOAT: return builder.getF32Type();
  case ::onnx::TensorProto::INT64: return builder.getI64Type();
  case ::onnx::TensorProto::INT32: return builder.getI32Type();
  case ::onnx::TensorProto::BOOL: return builder.getI1Type();
  default: break;
  }
  bool isNamed = number >= INT_MIN && number <= INT_MAX && ::onnx::TensorProto::DataType_IsValid(static_cast<int>(number));
  std::string name = isNamed ? ::onnx::TensorProto::DataType_Name(static_cast<::onnx::TensorProto::DataType>(number))
                             : "type " + std::to_string(number);
  node.error() << "casts to " << name << "; models compute with FLOAT, INT64, INT32 and BOOL";
  return {};
}

static FailureOr<Binding> importCast(Node &node) {
  Value x = operand(node, 0, Kind::Any);
  int64_t to = node.requiredInteger("to");
  // It says what casts to 8 bits do, of which there are none.
  node.integer("saturate", 1);
  if (node.failed())
    return failure();
  Type element = elementType(node, to);
  return given(element ? castTo(node, x, element) : Value());
}

static FailureOr<Binding> importCastLike(Node &node) {
  Value x = operand(node, 0, Kind::Any), like = operand(node, 1, Kind::Any);
  node.integer("saturate", 1);
  if (node.failed())
    return failure();
  return given(castTo(node, x, getElementTypeOrSelf(like)));
}

void dtc::onnximport::addComparisonOperators(OperatorTable &table) {
  constexpr Kind numbers = Kind::Numbers, booleans = Kind::Booleans, integers = Kind::Integers;
  table.add({
      {"Equal", 13, 2, 2, 1, importBinary<nn::EqualOp, Kind::Any>, "`nn.equal`"},
      {"Less", 13, 2, 2, 1, importBinary<nn::LessOp, numbers>, "`nn.less`"},
      {"LessOrEqual", 12, 2, 2, 1, importBinary<nn::LessOrEqualOp, numbers>, "`nn.less_or_equal`"},
      {"Greater", 13, 2, 2, 1, importBinary<nn::GreaterOp, numbers>, "`nn.greater`"},
      {"GreaterOrEqual", 12, 2, 2, 1, importBinary<nn::GreaterOrEqualOp, numbers>, "`nn.greater_or_equal`"},
      {"And", 7, 2, 2, 1, importBinary<nn::AndOp, booleans>, "`nn.and`"},
      {"Or", 7, 2, 2, 1, importBinary<nn::OrOp, booleans>, "`nn.or`"},
      {"Xor", 7, 2, 2, 1, importBinary<nn::XorOp, booleans>, "`nn.xor`"},
      {"Not", 1, 1, 1, 1, importUnary<nn::NotOp, booleans>, "`nn.not`"},
      {"BitwiseAnd", 18, 2, 2, 1, importBinary<nn::AndOp, integers>, "`nn.and`"},
      {"BitwiseOr", 18, 2, 2, 1, importBinary<nn::OrOp, integers>, "`nn.or`"},
      {"BitwiseXor", 18, 2, 2, 1, importBinary<nn::XorOp, integers>, "`nn.xor`"},
      {"BitwiseNot", 18, 1, 1, 1, importUnary<nn::NotOp, integers>, "`nn.not`"},
      {"IsNaN", 13, 1, 1, 1, importIsNaN, "`nn.equal`, `nn.not`"},
      {"IsInf", 10, 1, 1, 1, importIsInf, "`nn.abs`, `nn.equal`"},
      {"Cast", 13, 1, 1, 1, importCast, "`nn.cast` to float32, int64, int32, bool"},
      {"CastLike", 15, 2, 2, 1, importCastLike, "`nn.cast`"},
  });
}

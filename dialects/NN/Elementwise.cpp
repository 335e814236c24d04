// Elementwise ops: broadcasting, precisions.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"
#include "llvm/ADT/APSInt.h"

using namespace mlir;
using namespace dtc::nn;

Type dtc::nn::accumulatedType(Type element) {
  return element.isBF16() ? Float32Type::get(element.getContext()) : element;
}

bool dtc::nn::hasGradient(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

std::optional<SmallVector<int64_t>> dtc::nn::broadcastShape(ValueRange operands) {
  SmallVector<int64_t> shape, merged;
  for (Value operand : operands) {
    if (!OpTrait::util::getBroadcastedShape(shape, cast<RankedTensorType>(operand.getType()).getShape(), merged))
      return std::nullopt;
    shape = merged;
  }
  return shape;
}

/// The shape that `operands` are brought to, which have elements of `element`; fails with the first that does not fit.
static FailureOr<SmallVector<int64_t>> broadcastAll(std::optional<Location> location, ValueRange operands, Type element) {
  SmallVector<int64_t> shape;
  for (Value operand : operands) {
    auto type = cast<RankedTensorType>(operand.getType());
    SmallVector<int64_t> merged;
    if (!OpTrait::util::getBroadcastedShape(shape, type.getShape(), merged))
      return emitOptionalError(
          location, "shapes ", RankedTensorType::get(shape, element),
          " and ", type, " cannot be broadcast together (numpy's rule: equal, or 1)");
    shape = std::move(merged);
  }
  return shape;
}

/// Their common element type.
static FailureOr<Type> mergeElements(std::optional<Location> location, ValueRange operands) {
  Type element = cast<RankedTensorType>(operands.front().getType()).getElementType();
  for (Value operand : operands.drop_front()) {
    Type other = cast<RankedTensorType>(operand.getType()).getElementType();
    if (accumulatedType(other) != accumulatedType(element))
      return emitOptionalError(location, "element types ", element, " and ", other, " differ");
    if (other.isBF16())
      element = other;
  }
  return element;
}

LogicalResult dtc::nn::inferElementwise(std::optional<Location> location,
                                        ValueRange operands,
                                        SmallVectorImpl<Type> &types) {
  FailureOr<Type> element = mergeElements(location, operands);
  if (failed(element))
    return failure();
  FailureOr<SmallVector<int64_t>> shape = broadcastAll(location, operands, *element);
  if (failed(shape))
    return failure();
  types.push_back(RankedTensorType::get(*shape, *element));
  return success();
}

LogicalResult dtc::nn::inferComparison(std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &types) {
  SmallVector<Type, 1> compared;
  if (failed(inferElementwise(location, operands, compared)))
    return failure();
  types.push_back(cast<RankedTensorType>(compared.front()).clone(IntegerType::get(compared.front().getContext(), 1)));
  return success();
}

LogicalResult dtc::nn::inferWhere(std::optional<Location> location, ValueRange operands, SmallVectorImpl<Type> &types) {
  FailureOr<Type> element = mergeElements(location, operands.drop_front());
  if (failed(element))
    return failure();
  FailureOr<SmallVector<int64_t>> shape = broadcastAll(location, operands, *element);
  if (failed(shape))
    return failure();
  types.push_back(RankedTensorType::get(*shape, *element));
  return success();
}

LogicalResult ClipOp::verify() {
  if (!getMin() && !getMax())
    return emitOpError("has neither min nor max: it would give back x");
  for (std::optional<APFloat> bound : {getMin(), getMax()})
    if (bound && bound->isNaN())
      return emitOpError("has a bound that is no number");
  return success();
}

LogicalResult CastOp::verify() {
  if (getX().getType().getShape() != getY().getType().getShape())
    return emitOpError("changes the element type alone, not ") << getX().getType() << " to " << getY().getType();
  return success();
}

/// An element as one of another type.
static Attribute castElement(APFloat value, Type to) {
  if (to.isInteger(1))
    return BoolAttr::get(to.getContext(), !value.isZero());
  if (auto integer = dyn_cast<IntegerType>(to)) {
    // Saturates, and gives 0 for NaN.
    APSInt result(integer.getWidth(), /*isUnsigned=*/false);
    bool exact;
    value.convertToInteger(result, APFloat::rmTowardZero, &exact);
    return IntegerAttr::get(to, result);
  }
  bool inexact;
  value.convert(cast<FloatType>(to).getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return FloatAttr::get(to, value);
}

static Attribute castElement(const APInt &value, Type to) {
  bool isTruth = value.getBitWidth() == 1;
  if (to.isInteger(1))
    return BoolAttr::get(to.getContext(), !value.isZero());
  if (auto integer = dyn_cast<IntegerType>(to))
    return IntegerAttr::get(to, isTruth ? value.zext(integer.getWidth()) : value.sextOrTrunc(integer.getWidth()));
  APFloat result(cast<FloatType>(accumulatedType(to)).getFloatSemantics());
  result.convertFromAPInt(value, /*IsSigned=*/!isTruth, APFloat::rmNearestTiesToEven);
  return castElement(result, to);
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // Widening keeps every value, so rounding it back gives the old one.
  auto inner = getX().getDefiningOp<CastOp>();
  if (inner && inner.getX().getType() == getType() && accumulatedType(getType().getElementType()) == getX().getType().getElementType())
    return inner.getX();
  // Larger constants are data; casting them is what the program does.
  constexpr int64_t most = 1 << 16;
  auto elements = dyn_cast_if_present<DenseElementsAttr>(adaptor.getX());
  if (!elements || (!elements.isSplat() && elements.getNumElements() > most))
    return {};
  Type element = getType().getElementType();
  auto castAll = [&](auto values) {
    return llvm::map_to_vector(values, [&](const auto &value) { return castElement(value, element); });
  };
  bool isFloat = isa<FloatType>(getX().getType().getElementType());
  if (elements.isSplat())
    return DenseElementsAttr::get(getType(), isFloat ? castElement(elements.getSplatValue<APFloat>(), element)
                                                     : castElement(elements.getSplatValue<APInt>(), element));
  return DenseElementsAttr::get(getType(), isFloat ? castAll(elements.getValues<APFloat>()) : castAll(elements.getValues<APInt>()));
}

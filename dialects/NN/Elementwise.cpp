// Elementwise ops: broadcasting, precisions.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"

using namespace mlir;
using namespace dtc::nn;

Type dtc::nn::accumulatedType(Type element) {
  return element.isBF16() ? Float32Type::get(element.getContext()) : element;
}

LogicalResult dtc::nn::inferElementwise(std::optional<Location> location,
                                        ValueRange operands,
                                        SmallVectorImpl<Type> &types) {
  auto first = cast<RankedTensorType>(operands.front().getType());
  SmallVector<int64_t> shape(first.getShape());
  Type element = first.getElementType();
  for (Value operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (accumulatedType(type.getElementType()) != accumulatedType(element))
      return emitOptionalError(location, "element types ",
                               element, " and ",
                               type.getElementType(), " differ");
    if (type.getElementType().isBF16())
      element = type.getElementType();
    SmallVector<int64_t> merged;
    if (!OpTrait::util::getBroadcastedShape(shape, type.getShape(), merged))
      return emitOptionalError(
          location, "shapes ", RankedTensorType::get(shape, type.getElementType()),
          " and ", type, " cannot be broadcast together (numpy's rule: equal, or 1)");
    shape = std::move(merged);
  }
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

LogicalResult CastOp::verify() {
  if (getX().getType().getShape() != getY().getType().getShape())
    return emitOpError("changes the element type alone, not ") << getX().getType() << " to " << getY().getType();
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // Widening keeps every value, so rounding it back gives the old one.
  auto inner = getX().getDefiningOp<CastOp>();
  if (inner && inner.getX().getType() == getType() && accumulatedType(getType().getElementType()) == getX().getType().getElementType())
    return inner.getX();
  auto splat = dyn_cast_if_present<SplatElementsAttr>(adaptor.getX());
  if (!splat)
    return {};
  auto element = cast<FloatType>(getType().getElementType());
  APFloat value = splat.getSplatValue<APFloat>();
  bool inexact;
  value.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return DenseElementsAttr::get(getType(), value);
}

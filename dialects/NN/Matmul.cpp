// Matrix product: shape inference.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"

using namespace mlir;
using namespace dtc::nn;

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto a = cast<RankedTensorType>(adaptor.getA().getType());
  auto b = cast<RankedTensorType>(adaptor.getB().getType());
  if (a.getElementType() != b.getElementType())
    return emitOptionalError(location, "element types ", a.getElementType(),
                             " and ", b.getElementType(), " differ");
  if (a.getRank() < 2 || b.getRank() < 2)
    return emitOptionalError(location, "operands ", a, " and ", b,
                             " must have rank 2 or more");
  SmallVector<int64_t> aMatrix(a.getShape().take_back(2));
  SmallVector<int64_t> bMatrix(b.getShape().take_back(2));
  if (adaptor.getTransposeA())
    std::swap(aMatrix[0], aMatrix[1]);
  if (adaptor.getTransposeB())
    std::swap(bMatrix[0], bMatrix[1]);
  if (aMatrix[1] != bMatrix[0])
    return emitOptionalError(location, "inner dimensions ", aMatrix[1], " of ", a,
                             " and ", bMatrix[0], " of ", b, " differ");
  SmallVector<int64_t> shape;
  if (!OpTrait::util::getBroadcastedShape(a.getShape().drop_back(2),
                                          b.getShape().drop_back(2), shape))
    return emitOptionalError(location, "leading dimensions of ", a, " and ", b,
                             " cannot be broadcast together");
  shape.append({aMatrix[0], bMatrix[1]});
  Type element = adaptor.getWide() ? accumulatedType(a.getElementType()) : a.getElementType();
  if (Value bias = adaptor.getBias()) {
    auto biasType = cast<RankedTensorType>(bias.getType());
    if (biasType.getShape() != ArrayRef(shape).take_back(1) ||
        biasType.getElementType() != element)
      return emitOptionalError(location, "bias ", biasType,
                               " is not one element for each of the ",
                               shape.back(), " columns");
  }
  if (EpilogueAttr epilogue = adaptor.getEpilogueAttr(); epilogue && epilogue.hasGradient() && adaptor.getBias())
    return emitOptionalError(location, "the gradient of an activation leaves no place for a bias");
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

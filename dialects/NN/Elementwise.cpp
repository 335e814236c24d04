// Elementwise ops: broadcasting.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"

using namespace mlir;

LogicalResult dtc::nn::inferElementwise(std::optional<Location> location,
                                        ValueRange operands,
                                        SmallVectorImpl<Type> &types) {
  auto first = cast<RankedTensorType>(operands.front().getType());
  SmallVector<int64_t> shape(first.getShape());
  for (Value operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getElementType() != first.getElementType())
      return emitOptionalError(location, "element types ",
                               first.getElementType(), " and ",
                               type.getElementType(), " differ");
    SmallVector<int64_t> merged;
    if (!OpTrait::util::getBroadcastedShape(shape, type.getShape(), merged))
      return emitOptionalError(
          location, "shapes ", RankedTensorType::get(shape, type.getElementType()),
          " and ", type, " cannot be broadcast together (numpy's rule: equal, or 1)");
    shape = std::move(merged);
  }
  types.push_back(RankedTensorType::get(shape, first.getElementType()));
  return success();
}

// Gather and its gradient: inference and checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

/// What gather gives: [a…, i…, b…] of data [a…, rows, b…] and indices [i…].
static SmallVector<int64_t> gatheredShape(ArrayRef<int64_t> data, ArrayRef<int64_t> indices, int64_t axis) {
  SmallVector<int64_t> shape(data.take_front(axis));
  llvm::append_range(shape, indices);
  llvm::append_range(shape, data.drop_front(axis + 1));
  return shape;
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto data = cast<RankedTensorType>(adaptor.getData().getType()), indices = cast<RankedTensorType>(adaptor.getIndices().getType());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= data.getRank())
    return emitOptionalError(location, "axis ", axis, " is no dimension of ", data);
  if (data.getDimSize(axis) == 0 && indices.getNumElements() > 0)
    return emitOptionalError(location, "nothing can be gathered along axis ", axis, " of ", data);
  types.push_back(data.clone(gatheredShape(data.getShape(), indices.getShape(), axis)));
  return success();
}

LogicalResult GatherGradientOp::verify() {
  RankedTensorType dy = getDy().getType(), indices = getIndices().getType(), ddata = getDdata().getType();
  auto axis = static_cast<int64_t>(getAxis());
  if (axis < 0 || axis >= ddata.getRank())
    return emitOpError("axis ") << axis << " is no dimension of " << ddata;
  if (dy.getShape() != ArrayRef(gatheredShape(ddata.getShape(), indices.getShape(), axis)))
    return emitOpError("dy is ") << dy << ", but " << indices << " along axis " << axis << " of " << ddata << " gather "
                                 << formatShape(gatheredShape(ddata.getShape(), indices.getShape(), axis));
  if (ddata.getElementType() != accumulatedType(dy.getElementType()))
    return emitOpError("adds up ") << dy << " as " << accumulatedType(dy.getElementType()) << ", not as " << ddata.getElementType();
  return success();
}

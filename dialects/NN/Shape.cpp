// Constants, shapes, reductions and softmax: inference, checks, folds.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Traits.h"

using namespace mlir;
using namespace dtc::nn;

LogicalResult ConstantOp::verify() {
  if (getValue().getType() != getType())
    return emitOpError("value has type ")
           << getValue().getType() << " but the result has type " << getType();
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ReshapeOp::verify() {
  auto x = getX().getType(), y = getY().getType();
  if (x.getElementType() != y.getElementType() ||
      x.getNumElements() != y.getNumElements())
    return emitOpError("cannot make ")
           << y << " (" << y.getNumElements() << " elements) from " << x << " ("
           << x.getNumElements() << " elements)";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  return getX().getType() == getType() ? getX() : Value();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  SmallVector<bool> seen(x.getRank(), false);
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= x.getRank() || seen[dim])
      break;
    seen[dim] = true;
    shape.push_back(x.getDimSize(dim));
  }
  if (static_cast<int64_t>(shape.size()) != x.getRank() ||
      static_cast<int64_t>(permutation.size()) != x.getRank())
    return emitOptionalError(location, formatShape(permutation),
                             " is no permutation of the dimensions of ", x);
  types.push_back(RankedTensorType::get(shape, x.getElementType()));
  return success();
}

/// A transpose of a transpose is one of what that reads: one copy instead of two.
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::is_sorted(getPermutation()))
    return getX();
  auto inner = getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> permutation;
  for (int64_t dim : getPermutation())
    permutation.push_back(inner.getPermutation()[dim]);
  getXMutable().assign(inner.getX());
  setPermutation(permutation);
  return getResult();
}

LogicalResult BroadcastOp::verify() {
  auto x = getX().getType(), y = getY().getType();
  SmallVector<int64_t> shape;
  if (x.getElementType() != y.getElementType() ||
      !OpTrait::util::getBroadcastedShape(x.getShape(), y.getShape(), shape) ||
      ArrayRef(shape) != y.getShape())
    return emitOpError("cannot broadcast ") << x << " to " << y;
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  return getX().getType() == getType() ? getX() : Value();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getOperands().empty())
    return emitOptionalError(location, "concat needs an operand");
  auto first = cast<RankedTensorType>(adaptor.getOperands().front().getType());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= first.getRank())
    return emitOptionalError(location, "axis ", axis, " is no dimension of ", first);
  SmallVector<int64_t> shape(first.getShape());
  for (Value operand : adaptor.getOperands().drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    SmallVector<int64_t> expected(first.getShape());
    if (type.getRank() == first.getRank())
      expected[axis] = type.getDimSize(axis);
    if (type.getShape() != ArrayRef(expected) ||
        type.getElementType() != first.getElementType())
      return emitOptionalError(location, "operands ", first, " and ", type,
                               " differ in more than axis ", axis);
    if (llvm::AddOverflow(shape[axis], type.getDimSize(axis), shape[axis]))
      return emitOptionalError(location, "the result is too large");
  }
  types.push_back(RankedTensorType::get(shape, first.getElementType()));
  return success();
}

/// Checks that a block of `small`'s shape at `offsets` lies inside `large`.
static LogicalResult verifyBlock(Operation *op, RankedTensorType small,
                                 RankedTensorType large,
                                 ArrayRef<int64_t> offsets) {
  bool inside = small.getRank() == large.getRank() &&
                static_cast<int64_t>(offsets.size()) == large.getRank() &&
                small.getElementType() == large.getElementType();
  for (int64_t d = 0; inside && d < large.getRank(); ++d)
    inside = offsets[d] >= 0 && small.getDimSize(d) <= large.getDimSize(d) &&
             offsets[d] <= large.getDimSize(d) - small.getDimSize(d);
  if (!inside)
    return op->emitOpError("a block ")
           << small << " at " << formatShape(offsets)
           << " does not lie inside " << large;
  return success();
}

LogicalResult SliceOp::verify() {
  return verifyBlock(*this, getType(), getX().getType(), getOffsets());
}

LogicalResult PadOp::verify() {
  return verifyBlock(*this, getX().getType(), getType(), getOffsets());
}

template <typename Adaptor>
static LogicalResult inferReduction(std::optional<Location> location, Adaptor adaptor,
                                    SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<bool> reduced(x.getRank(), false);
  for (int64_t axis : adaptor.getAxes()) {
    if (axis < 0 || axis >= x.getRank() || reduced[axis])
      return emitOptionalError(location, "axes ", formatShape(adaptor.getAxes()),
                               " are not distinct dimensions of ", x);
    reduced[axis] = true;
  }
  SmallVector<int64_t> shape;
  for (int64_t d = 0; d < x.getRank(); ++d) {
    if (!reduced[d])
      shape.push_back(x.getDimSize(d));
    else if (adaptor.getKeepDims())
      shape.push_back(1);
  }
  types.push_back(RankedTensorType::get(shape, accumulatedType(x.getElementType())));
  return success();
}

LogicalResult ReduceSumOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                            Adaptor adaptor, SmallVectorImpl<Type> &types) {
  return inferReduction(location, adaptor, types);
}

LogicalResult ReduceMeanOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                             Adaptor adaptor, SmallVectorImpl<Type> &types) {
  return inferReduction(location, adaptor, types);
}

static LogicalResult inferAlongAxis(std::optional<Location> location, Value x, int64_t axis, bool wide,
                                    SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(x.getType());
  if (axis < 0 || axis >= type.getRank())
    return emitOptionalError(location, "axis ", axis, " is no dimension of ", type);
  types.push_back(wide ? type.clone(accumulatedType(type.getElementType())) : type);
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferAlongAxis(location, adaptor.getX(), adaptor.getAxis(), adaptor.getWide(), types);
}

LogicalResult LogSoftmaxOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  return inferAlongAxis(location, adaptor.getX(), adaptor.getAxis(), adaptor.getWide(), types);
}

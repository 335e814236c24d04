// Layer, RMS and group normalisation: shape inference and checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static LogicalResult checkEpsilon(std::optional<Location> location, const APFloat &epsilon) {
  if (epsilon.isFinite() && !epsilon.isNegative() && !epsilon.isZero())
    return success();
  return emitOptionalError(location, "epsilon ", epsilon.convertToDouble(), " must be positive");
}

//===-- rows --===//

/// The type of what has one value a row of x.
static RankedTensorType typeOfStatistics(RankedTensorType x, int64_t axis) {
  return RankedTensorType::get(x.getShape().take_front(axis), accumulatedType(x.getElementType()));
}

/// Checks that rows of x from `axis` on have elements, and that each of `parameters` that is there has one value for each.
static LogicalResult checkRows(std::optional<Location> location, RankedTensorType x, int64_t axis, TypeRange parameters) {
  if (axis < 0 || axis >= x.getRank())
    return emitOptionalError(location, "axis ", axis, " is no dimension of x ", x);
  ArrayRef<int64_t> row = x.getShape().drop_front(axis);
  if (llvm::is_contained(row, 0))
    return emitOptionalError(location, "rows of x ", x, " from axis ", axis, " on have no elements");
  auto expected = RankedTensorType::get(row, accumulatedType(x.getElementType()));
  for (Type type : parameters)
    if (type != expected)
      return emitOptionalError(location, type, " has not one value for each element of a row of x ", x, " from axis ", axis, " on: ",
                               expected);
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  if (failed(checkRows(location, x, adaptor.getAxis(), ValueRange(adaptor.getOperands().drop_front()).getTypes())) ||
      failed(checkEpsilon(location, adaptor.getEpsilon())))
    return failure();
  types.push_back(x);
  types.append(2, typeOfStatistics(x, adaptor.getAxis()));
  return success();
}

LogicalResult RmsNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  if (failed(checkRows(location, x, adaptor.getAxis(), ValueRange(adaptor.getOperands().drop_front()).getTypes())) ||
      failed(checkEpsilon(location, adaptor.getEpsilon())))
    return failure();
  types.append({x, typeOfStatistics(x, adaptor.getAxis())});
  return success();
}

LogicalResult LayerNormGradientOp::verify() {
  RankedTensorType x = getX().getType();
  if (getDy().getType() != x || getDx().getType() != x)
    return emitOpError("dy ") << getDy().getType() << " and dx " << getDx().getType() << " must have the type of x " << x;
  SmallVector<Type> parameters;
  for (Value value : {Value(getScale()), Value(getDscale()), Value(getDbias())})
    if (value)
      parameters.push_back(value.getType());
  if (failed(checkRows(getLoc(), x, getAxis(), parameters)))
    return failure();
  if (getDbias() && !getMean())
    return emitOpError("has a gradient of a bias, which rms_norm, without a mean, does not have");
  for (Value statistic : {Value(getInverse()), Value(getMean())})
    if (statistic && statistic.getType() != typeOfStatistics(x, getAxis()))
      return emitOpError("statistics ") << statistic.getType() << " are not one for each row of x " << x << ": "
                                        << typeOfStatistics(x, getAxis());
  return success();
}

//===-- groups --===//

/// Checks x and its groups, and that all of `channels` have one value for each of its channels.
static LogicalResult checkGroups(std::optional<Location> location, RankedTensorType x, int64_t groups, ValueRange channels) {
  if (x.getRank() < 2 || x.getRank() > 5)
    return emitOptionalError(location, "x ", x, " must have a rank from 2 to 5");
  if (groups < 1 || x.getDimSize(1) % groups != 0)
    return emitOptionalError(location, "groups ", groups, " must divide the ", x.getDimSize(1), " channels of x ", x);
  if (llvm::is_contained(x.getShape().drop_front(), 0))
    return emitOptionalError(location, "groups of x ", x, " have no elements");
  auto expected = RankedTensorType::get({x.getDimSize(1)}, accumulatedType(x.getElementType()));
  for (Value value : channels)
    if (value.getType() != expected)
      return emitOptionalError(location, value.getType(), " has not one value for each of the ", x.getDimSize(1), " channels of x ", x, ": ",
                               expected);
  return success();
}

static RankedTensorType typeOfGroups(RankedTensorType x, int64_t groups) {
  return RankedTensorType::get({x.getDimSize(0), groups}, accumulatedType(x.getElementType()));
}

LogicalResult GroupNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  if (failed(checkGroups(location, x, adaptor.getGroups(), {adaptor.getScale(), adaptor.getBias()})) ||
      failed(checkEpsilon(location, adaptor.getEpsilon())))
    return failure();
  types.push_back(x);
  types.append(2, typeOfGroups(x, adaptor.getGroups()));
  return success();
}

LogicalResult GroupNormGradientOp::verify() {
  RankedTensorType x = getX().getType(), mean = getMean().getType();
  if (getDy().getType() != x || getDx().getType() != x)
    return emitOpError("dy ") << getDy().getType() << " and dx " << getDx().getType() << " must have the type of x " << x;
  if (mean.getRank() != 2)
    return emitOpError("mean ") << mean << " is not one for each sample and group";
  if (failed(checkGroups(getLoc(), x, getGroups(), {getScale(), getDscale(), getDbias()})))
    return failure();
  for (Value statistic : {Value(getMean()), Value(getInverse())})
    if (statistic.getType() != typeOfGroups(x, getGroups()))
      return emitOpError("statistics ") << statistic.getType() << " are not one for each sample and group of x " << x << ": "
                                        << typeOfGroups(x, getGroups());
  return success();
}

// Batch normalisation: shape inference and checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

/// Checks x, and that all of `channels` have one value for each of its channels.
static LogicalResult checkChannels(std::optional<Location> location, Value input,
                                   ValueRange channels) {
  auto x = cast<RankedTensorType>(input.getType());
  if (x.getRank() < 2 || x.getRank() > 5)
    return emitOptionalError(location, "x ", x, " must have a rank from 2 to 5");
  auto expected = RankedTensorType::get({x.getDimSize(1)}, accumulatedType(x.getElementType()));
  for (Value value : channels)
    if (value.getType() != expected)
      return emitOptionalError(location, value.getType(), " has not one value for each of the ",
                               x.getDimSize(1), " channels of x ", x, ": ", expected);
  return success();
}

static LogicalResult checkSampleWeight(std::optional<Location> location, Value x,
                                       Value weight) {
  auto type = cast<RankedTensorType>(x.getType());
  if (cast<RankedTensorType>(weight.getType()).getShape() != type.getShape().take_front(1))
    return emitOptionalError(location, "sample weights ", weight.getType(),
                             " are not one for each sample of ", type);
  return success();
}

static LogicalResult checkEpsilon(std::optional<Location> location, const APFloat &epsilon) {
  if (epsilon.isFinite() && !epsilon.isNegative() && !epsilon.isZero())
    return success();
  return emitOptionalError(location, "epsilon ", epsilon.convertToDouble(), " must be positive");
}

LogicalResult BatchNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                            Adaptor adaptor, SmallVectorImpl<Type> &types) {
  if (failed(checkChannels(location, adaptor.getX(), adaptor.getOperands().drop_front())) ||
      failed(checkEpsilon(location, adaptor.getEpsilon())))
    return failure();
  double momentum = adaptor.getMomentum().convertToDouble();
  if (!(momentum >= 0 && momentum <= 1))
    return emitOptionalError(location, "momentum ", momentum, " must be from 0 to 1");
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult BatchNormTrainingOp::inferReturnTypes(MLIRContext *,
                                                    std::optional<Location> location,
                                                    Adaptor adaptor,
                                                    SmallVectorImpl<Type> &types) {
  SmallVector<Value> channels = {adaptor.getScale(), adaptor.getBias()};
  for (Value statistic : {adaptor.getRunningMean(), adaptor.getRunningVariance()})
    if (statistic)
      channels.push_back(statistic);
  if (channels.size() == 3)
    return emitOptionalError(location, "has one running statistic without the other");
  if (failed(checkChannels(location, adaptor.getX(), channels)) ||
      failed(checkSampleWeight(location, adaptor.getX(), adaptor.getSampleWeight())) ||
      failed(checkEpsilon(location, adaptor.getEpsilon())))
    return failure();
  types.push_back(adaptor.getX().getType());
  types.append(4, adaptor.getScale().getType());
  return success();
}

LogicalResult BatchNormGradientOp::verify() {
  if (getDy().getType() != getX().getType() || getDx().getType() != getX().getType())
    return emitOpError("dy ") << getDy().getType() << " and dx " << getDx().getType()
                              << " must have the type of x " << getX().getType();
  SmallVector<Value> channels = {getScale(), getMean(), getInverse(), getDscale(), getDbias()};
  if (getBias())
    channels.push_back(getBias());
  return success(succeeded(checkChannels(getLoc(), getX(), channels)) &&
                 succeeded(checkSampleWeight(getLoc(), getX(), getSampleWeight())));
}

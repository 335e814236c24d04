// Dropout: shape inference, checks, folds.
#include "dialects/NN/NN.h"

#include <cstdint>

using namespace mlir;
using namespace dtc::nn;

static LogicalResult checkRatio(std::optional<Location> location, const APFloat &attribute) {
  double ratio = attribute.convertToDouble();
  if (ratio >= 0 && ratio <= 1)
    return success();
  return emitOptionalError(location, "ratio ", ratio, " must be from 0 to 1");
}

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  if (failed(checkRatio(location, adaptor.getRatio())))
    return failure();
  types.push_back(adaptor.getX().getType());
  return success();
}

OpFoldResult DropoutOp::fold(FoldAdaptor) { return getRatio().isZero() ? getX() : Value(); }

LogicalResult DropoutTrainingOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  if (failed(checkRatio(location, adaptor.getRatio())))
    return failure();
  types.push_back(adaptor.getX().getType());
  return success();
}

OpFoldResult DropoutTrainingOp::fold(FoldAdaptor) { return getRatio().isZero() ? getX() : Value(); }

std::optional<DropoutTrainingOp::Samples> DropoutTrainingOp::getSamples() {
  if (!getSample())
    return std::nullopt;
  int64_t samples = cast<RankedTensorType>(getSample().getType()).getDimSize(0), outer = getOuter(), before = 1;
  if (outer > getX().getType().getNumElements())
    return std::nullopt;
  for (auto [dim, size] : llvm::enumerate(getX().getType().getShape())) {
    if (outer % before != 0)
      return std::nullopt;
    if (size % (outer / before * samples) == 0)
      return Samples{static_cast<unsigned>(dim), outer / before};
    before *= size;
  }
  return std::nullopt;
}

LogicalResult DropoutTrainingOp::verify() {
  RankedTensorType x = getX().getType();
  // One word of the counter each.
  if (static_cast<int64_t>(getStream()) < 0 || static_cast<int64_t>(getStream()) > UINT32_MAX)
    return emitOpError("stream ") << static_cast<int64_t>(getStream()) << " must be from 0 to " << UINT32_MAX;
  if (static_cast<int64_t>(getOuter()) < 1)
    return emitOpError("outer ") << static_cast<int64_t>(getOuter()) << " must be positive";
  if (llvm::is_contained(x.getShape(), 0))
    return emitOpError("x ") << x << " has no elements";
  if (!getSample()) {
    if (getOuter() != 1)
      return emitOpError("has parts of samples (outer ") << static_cast<int64_t>(getOuter()) << ") but no samples";
    return success();
  }
  auto sample = cast<RankedTensorType>(getSample().getType());
  if (sample.getDimSize(0) < 1 || !getSamples())
    return emitOpError("x ") << x << " has no dimension of " << static_cast<int64_t>(getOuter()) << " x samples, of which " << sample
                             << " has the numbers";
  return success();
}

// Convolution and its gradients: shape inference and checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

namespace {
/// The shapes and attributes of one convolution, whichever op holds them.
struct ConvShape {
  RankedTensorType x, weight;
  ArrayRef<int64_t> strides, dilations, pads;
  int64_t groups;
};
} // namespace

/// The shape of y, or a diagnostic. Source: ONNX Conv.
static LogicalResult inferConv(std::optional<Location> location,
                               const ConvShape &conv,
                               SmallVectorImpl<int64_t> &result) {
  int64_t rank = conv.x.getRank();
  if (rank < 3 || rank > 5 || conv.weight.getRank() != rank)
    return emitOptionalError(location, "x ", conv.x, " and weight ", conv.weight,
                             " must have the same rank, from 3 to 5");
  if (conv.x.getElementType() != conv.weight.getElementType())
    return emitOptionalError(location, "element types of x ", conv.x,
                             " and weight ", conv.weight, " differ");
  size_t spatial = rank - 2;
  if (conv.strides.size() != spatial || conv.dilations.size() != spatial ||
      conv.pads.size() != 2 * spatial)
    return emitOptionalError(location, "x ", conv.x, " needs ", spatial,
                             " strides and dilations and ", 2 * spatial, " pads");
  ArrayRef<int64_t> x = conv.x.getShape(), w = conv.weight.getShape();
  if (conv.groups < 1 || w[0] % conv.groups != 0)
    return emitOptionalError(location, "groups ", conv.groups,
                             " must divide the ", w[0], " output channels");
  if (x[1] % conv.groups != 0 || x[1] / conv.groups != w[1])
    return emitOptionalError(location, "x has ", x[1], " channels but weight ",
                             conv.weight, " in ", conv.groups,
                             " groups takes ", w[1], " a group");
  result.assign({x[0], w[0]});
  for (size_t d = 0; d < spatial; ++d) {
    if (conv.strides[d] < 1 || conv.dilations[d] < 1 || conv.pads[d] < 0 ||
        conv.pads[d + spatial] < 0)
      return emitOptionalError(location,
                               "strides and dilations must be positive and "
                               "pads not negative");
    int64_t window = (w[2 + d] - 1) * conv.dilations[d] + 1;
    int64_t padded = x[2 + d] + conv.pads[d] + conv.pads[d + spatial];
    if (padded < window)
      return emitOptionalError(location, "the padded extent ", padded,
                               " of spatial dimension ", d,
                               " is smaller than the window ", window);
    result.push_back((padded - window) / conv.strides[d] + 1);
  }
  return success();
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  ConvShape conv{cast<RankedTensorType>(adaptor.getX().getType()),
                 cast<RankedTensorType>(adaptor.getWeight().getType()),
                 adaptor.getStrides(), adaptor.getDilations(),
                 adaptor.getPads(), static_cast<int64_t>(adaptor.getGroups())};
  SmallVector<int64_t> shape;
  if (failed(inferConv(location, conv, shape)))
    return failure();
  if (Value bias = adaptor.getBias()) {
    auto type = cast<RankedTensorType>(bias.getType());
    if (type.getShape() != ArrayRef<int64_t>{shape[1]} ||
        type.getElementType() != conv.x.getElementType())
      return emitOptionalError(location, "bias ", type,
                               " is not one element for each of the ",
                               shape[1], " output channels");
  }
  types.push_back(RankedTensorType::get(shape, conv.x.getElementType()));
  return success();
}

/// Checks that a gradient op stands for a convolution x * weight -> dy.
static LogicalResult verifyGradient(Operation *op, const ConvShape &conv,
                                    Type dy) {
  SmallVector<int64_t> shape;
  if (failed(inferConv(op->getLoc(), conv, shape)))
    return failure();
  if (cast<RankedTensorType>(dy).getElementType() != conv.x.getElementType())
    return op->emitOpError("dy is ") << dy << " but the convolution is of " << conv.x;
  if (cast<RankedTensorType>(dy).getShape() != ArrayRef(shape))
    return op->emitOpError("dy is ")
           << dy << " but the convolution of " << conv.x << " with "
           << conv.weight << " has shape "
           << formatShape(shape);
  return success();
}

LogicalResult ConvInputGradientOp::verify() {
  return verifyGradient(*this,
                        {getDx().getType(), getWeight().getType(), getStrides(),
                         getDilations(), getPads(),
                         static_cast<int64_t>(getGroups())},
                        getDy().getType());
}

LogicalResult ConvWeightGradientOp::verify() {
  Type element = getX().getType().getElementType();
  for (Value gradient : getResults())
    if (cast<RankedTensorType>(gradient.getType()).getElementType() != accumulatedType(element))
      return emitOpError("gives ") << gradient.getType() << ", but products of " << element << " add up to "
                                   << accumulatedType(element);
  if (Value dbias = getDbias())
    if (cast<RankedTensorType>(dbias.getType()).getShape() !=
        getDweight().getType().getShape().take_front(1))
      return emitOpError("dbias is ")
             << dbias.getType() << " but dweight is " << getDweight().getType();
  return verifyGradient(*this,
                        {getX().getType(), getDweight().getType().clone(element), getStrides(),
                         getDilations(), getPads(),
                         static_cast<int64_t>(getGroups())},
                        getDy().getType());
}

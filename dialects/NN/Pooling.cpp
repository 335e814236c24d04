// Pooling and its gradients: shape inference and checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

namespace {
/// The attributes of one pooling, whichever op holds them.
struct Window {
  ArrayRef<int64_t> kernel, strides, pads, dilations;
};
} // namespace

/// The shape of y, or a diagnostic. Source: ONNX MaxPool and AveragePool.
static LogicalResult inferPool(std::optional<Location> location,
                               RankedTensorType x, const Window &window,
                               bool ceilMode,
                               SmallVectorImpl<int64_t> &result) {
  int64_t rank = x.getRank();
  if (rank < 3 || rank > 5)
    return emitOptionalError(location, "x ", x, " must have a rank from 3 to 5");
  size_t spatial = rank - 2;
  if (window.kernel.size() != spatial || window.strides.size() != spatial ||
      window.dilations.size() != spatial || window.pads.size() != 2 * spatial)
    return emitOptionalError(location, "x ", x, " needs ", spatial,
                             " kernel sizes, strides and dilations and ",
                             2 * spatial, " pads");
  result.assign(x.getShape().take_front(2).begin(),
                x.getShape().take_front(2).end());
  for (size_t d = 0; d < spatial; ++d) {
    int64_t kernel = window.kernel[d], stride = window.strides[d];
    int64_t begin = window.pads[d], end = window.pads[d + spatial];
    if (kernel < 1 || stride < 1 || window.dilations[d] < 1 || begin < 0 || end < 0)
      return emitOptionalError(location,
                               "kernel, strides and dilations must be positive "
                               "and pads not negative");
    int64_t extent = (kernel - 1) * window.dilations[d] + 1;
    if (begin >= extent || end >= extent)
      return emitOptionalError(location, "pads ", begin, " and ", end,
                               " of spatial dimension ", d,
                               " leave a window of ", extent,
                               " that sees padding alone");
    int64_t input = x.getDimSize(2 + d);
    // A window that begins in the padding reaches the input within one step.
    if (begin > 0 && window.dilations[d] > input)
      return emitOptionalError(location, "a dilation of ", window.dilations[d],
                               " over ", input, " padded elements of spatial "
                               "dimension ", d,
                               " leaves windows that see padding alone");
    int64_t padded = input + begin + end;
    if (padded < extent)
      return emitOptionalError(location, "the padded extent ", padded,
                               " of spatial dimension ", d,
                               " is smaller than the window ", extent);
    int64_t steps = padded - extent;
    int64_t size = (ceilMode ? (steps + stride - 1) / stride : steps / stride) + 1;
    // A window must begin inside the input or its begin padding (PyTorch, ONNX).
    if (ceilMode && (size - 1) * stride >= input + begin)
      --size;
    result.push_back(size);
  }
  return success();
}

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<int64_t> shape;
  if (failed(inferPool(location, x,
                       {adaptor.getKernel(), adaptor.getStrides(),
                        adaptor.getPads(), adaptor.getDilations()},
                       adaptor.getCeilMode(), shape)))
    return failure();
  int64_t positions = 1;
  for (int64_t kernel : adaptor.getKernel())
    if (llvm::MulOverflow(positions, kernel, positions) || positions > INT32_MAX)
      return emitOptionalError(location, "the window has too many elements");
  Type index = positions <= 256
                   ? IntegerType::get(context, 8, IntegerType::Unsigned)
                   : IntegerType::get(context, 32);
  types.push_back(RankedTensorType::get(shape, x.getElementType()));
  types.push_back(RankedTensorType::get(shape, index));
  return success();
}

LogicalResult AvgPoolOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<int64_t> shape;
  if (failed(inferPool(location, x,
                       {adaptor.getKernel(), adaptor.getStrides(),
                        adaptor.getPads(), adaptor.getDilations()},
                       adaptor.getCeilMode(), shape)))
    return failure();
  types.push_back(RankedTensorType::get(shape, x.getElementType()));
  return success();
}

/// Checks that dy is what pooling dx's shape gives, with or without ceil mode.
static LogicalResult verifyGradient(Operation *op, RankedTensorType dx,
                                    RankedTensorType dy, const Window &window) {
  SmallVector<int64_t> floor, ceil;
  if (failed(inferPool(op->getLoc(), dx, window, false, floor)) ||
      failed(inferPool(op->getLoc(), dx, window, true, ceil)))
    return failure();
  if (dy.getShape() != ArrayRef(floor) && dy.getShape() != ArrayRef(ceil))
    return op->emitOpError("dy is ")
           << dy << " but pooling " << dx << " gives "
           << formatShape(floor);
  return success();
}

LogicalResult MaxPoolGradientOp::verify() {
  if (getIndex().getType().getShape() != getDy().getType().getShape())
    return emitOpError("index ") << getIndex().getType()
                                 << " and dy " << getDy().getType()
                                 << " differ in shape";
  return verifyGradient(*this, getDx().getType(), getDy().getType(),
                        {getKernel(), getStrides(), getPads(), getDilations()});
}

LogicalResult AvgPoolGradientOp::verify() {
  return verifyGradient(*this, getDx().getType(), getDy().getType(),
                        {getKernel(), getStrides(), getPads(), getDilations()});
}

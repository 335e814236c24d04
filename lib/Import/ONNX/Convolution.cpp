// Conv and ConvTranspose.
#include "Operators.h"
#include "Windows.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static FailureOr<Binding> importConv(Node &node) {
  Value x = node.tensor(0), weight = node.tensor(1);
  SmallVector<Value> operands{x, weight};
  if (node.hasInput(2))
    operands.push_back(node.tensor(2));
  int64_t groups = node.integer("group", 1);
  auto kernelShape = node.integerList("kernel_shape");
  if (node.failed())
    return failure();

  int64_t rank = shapeOf(x).size();
  if (rank < 3 || rank > 5 || shapeOf(weight).size() != shapeOf(x).size())
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x))
                        << " and weight of shape "
                        << nn::formatShape(shapeOf(weight))
                        << " must have the same rank, from 3 to 5";
  ArrayRef<int64_t> kernel = shapeOf(weight).drop_front(2);
  if (kernelShape && ArrayRef(*kernelShape) != kernel)
    return node.error() << "kernel_shape " << nn::formatShape(*kernelShape)
                        << " disagrees with the weight of shape "
                        << nn::formatShape(shapeOf(weight));
  FailureOr<Window> window = readWindow(node, shapeOf(x).drop_front(2), kernel,
                                        /*hasDilations=*/true);
  if (failed(window))
    return failure();
  return node.create<nn::ConvOp>(operands,
                                 {node.list("strides", window->strides),
                                  node.list("dilations", window->dilations),
                                  node.list("pads", window->pads),
                                  node.number("groups", groups),
                                  {StringAttr::get(x.getContext(), nn::ConvOp::getOperandSegmentSizeAttr()),
                                   DenseI32ArrayAttr::get(x.getContext(), {1, 1, node.hasInput(2), 0})}});
}

/// The extent of the result of a transposed convolution along a spatial dimension, and the pads that make it so (ONNX ConvTranspose).
static LogicalResult resolveExtents(Node &node, ArrayRef<int64_t> input, Window &window, SmallVectorImpl<int64_t> &result) {
  size_t spatial = input.size();
  auto outputPadding = node.integerList("output_padding"), outputShape = node.integerList("output_shape");
  StringRef autoPad = node.string("auto_pad", "NOTSET");
  if (node.failed())
    return failure();
  if (outputPadding && outputPadding->size() != spatial)
    return node.error() << "attribute 'output_padding' is not one number for each of " << spatial << " spatial dimensions";
  if (outputShape && outputShape->size() == spatial + 2)
    outputShape->erase(outputShape->begin(), outputShape->begin() + 2);
  if (outputShape && outputShape->size() != spatial)
    return node.error() << "attribute 'output_shape' is not one size for each of " << spatial << " spatial dimensions";
  bool isSame = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  for (size_t d = 0; d < spatial; ++d) {
    int64_t stride = window.strides[d], more = outputPadding ? (*outputPadding)[d] : 0;
    if (more < 0 || more >= std::max(stride, window.dilations[d]))
      return node.error() << "output_padding " << more << " is not from 0 to below the stride or the dilation";
    // All factors are below 2^31.
    int64_t full = stride * (input[d] - 1) + (window.kernel[d] - 1) * window.dilations[d] + 1 + more;
    if (!outputShape && !isSame) {
      result.push_back(full - window.pads[d] - window.pads[spatial + d]);
      continue;
    }
    int64_t size = outputShape ? (*outputShape)[d] : input[d] * stride, total = full - size;
    // Asked for more than there is: zeros behind it, as output_padding adds them.
    if (more - total >= std::max(stride, window.dilations[d]))
      return node.error() << "asks for " << size << " elements along spatial dimension " << d << ", of which there are " << full;
    total = std::max<int64_t>(total, 0);
    int64_t small = total / 2;
    window.pads[d] = autoPad == "SAME_UPPER" ? small : total - small;
    window.pads[spatial + d] = total - window.pads[d];
    result.push_back(size);
  }
  return success();
}

/// The gradient of a convolution with respect to its input is a transposed convolution.
static FailureOr<Binding> importConvTranspose(Node &node) {
  Value x = node.tensor(0), weight = node.tensor(1);
  Value bias = node.hasInput(2) ? node.tensor(2) : Value();
  int64_t groups = node.integer("group", 1);
  auto kernelShape = node.integerList("kernel_shape");
  if (node.failed())
    return failure();
  int64_t rank = shapeOf(x).size();
  if (rank < 3 || rank > 5 || shapeOf(weight).size() != shapeOf(x).size())
    return node.error() << "input of shape " << nn::formatShape(shapeOf(x)) << " and weight of shape " << nn::formatShape(shapeOf(weight))
                        << " must have the same rank, from 3 to 5";
  ArrayRef<int64_t> kernel = shapeOf(weight).drop_front(2);
  if (kernelShape && ArrayRef(*kernelShape) != kernel)
    return node.error() << "kernel_shape " << nn::formatShape(*kernelShape) << " disagrees with the weight of shape "
                        << nn::formatShape(shapeOf(weight));
  FailureOr<Window> window = readWindow(node, shapeOf(x).drop_front(2), kernel, /*hasDilations=*/true);
  if (failed(window))
    return failure();
  SmallVector<int64_t> extents;
  if (failed(resolveExtents(node, shapeOf(x).drop_front(2), *window, extents)))
    return failure();
  int64_t channels;
  if (groups < 1 || llvm::MulOverflow(shapeOf(weight)[1], groups, channels))
    return node.error() << "groups " << groups << " are none";
  SmallVector<int64_t> shape{shapeOf(x)[0], channels};
  shape.append(extents);
  if (failed(checkShape(shape, [&] { return node.error(); })))
    return failure();
  OpBuilder &builder = node.builder();
  FailureOr<Value> y = node.finish(nn::ConvInputGradientOp::create(
      builder, node.location(), cast<RankedTensorType>(x.getType()).clone(shape), x, weight, builder.getDenseI64ArrayAttr(window->strides),
      builder.getDenseI64ArrayAttr(window->dilations), builder.getDenseI64ArrayAttr(window->pads), builder.getI64IntegerAttr(groups)));
  if (failed(y) || !bias)
    return y;
  if (shapeOf(bias) != ArrayRef<int64_t>{channels})
    return node.error() << "bias of shape " << nn::formatShape(shapeOf(bias)) << " is not one element for each of the " << channels
                        << " output channels";
  SmallVector<int64_t> along(rank, 1);
  along[1] = channels;
  FailureOr<Value> addend = node.reshape(bias, along);
  return failed(addend) ? addend : node.create<nn::AddOp>({*y, *addend});
}

void dtc::onnximport::addConvolutionOperators(OperatorTable &table) {
  table.add(
      {{"Conv", 11, 2, 3, 1, importConv,
        "`nn.conv` over 1 to 3 spatial dimensions; `auto_pad` becomes pads"},
       {"ConvTranspose", 11, 2, 3, 1, importConvTranspose,
        "`nn.conv_input_gradient` over 1 to 3 spatial dimensions, then `nn.add` of the bias"}});
}

// Conv.
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

void dtc::onnximport::addConvolutionOperators(OperatorTable &table) {
  table.add(
      {{"Conv", 11, 2, 3, 1, importConv,
        "`nn.conv` over 1 to 3 spatial dimensions; `auto_pad` becomes pads"}});
}

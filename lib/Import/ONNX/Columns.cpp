// Col2Im: blocks of an image, each a column, added up where they lie.
#include "ElementwiseOps.h"
#include "Operators.h"
#include "Windows.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Columns [N, C * block elements, blocks]: a transposed convolution of each channel by itself, whose weights write element e of a column to place e
/// of its block.
static FailureOr<Binding> importCol2Im(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  SmallVector<int64_t> image = node.listInput(1), block = node.listInput(2);
  if (node.failed())
    return failure();
  size_t spatial = image.size();
  if (shapeOf(x).size() != 3 || spatial < 1 || spatial > 3 || block.size() != spatial)
    return node.error() << "takes columns [batch, channels * block elements, blocks], an image and a block of 1 to 3 dimensions, not "
                        << nn::formatShape(shapeOf(x)) << ", " << nn::formatShape(image) << " and " << nn::formatShape(block);
  if (failed(checkShape(image, [&] { return node.error(); })) || failed(checkShape(block, [&] { return node.error(); })))
    return failure();
  FailureOr<Window> window = readWindow(node, image, block, /*hasDilations=*/true);
  if (failed(window))
    return failure();
  int64_t batch = shapeOf(x)[0], rows = shapeOf(x)[1], blocks = shapeOf(x)[2], elements = 1, count = 1;
  for (int64_t size : block)
    elements *= size;
  SmallVector<int64_t> columns{batch, rows}, result{batch, rows / elements}, weight{rows, 1};
  for (size_t d = 0; d < spatial; ++d) {
    int64_t extent = image[d] + window->pads[d] + window->pads[spatial + d] - (block[d] - 1) * window->dilations[d] - 1;
    columns.push_back(extent < 0 ? 0 : extent / window->strides[d] + 1);
    count *= std::min(columns.back(), blocks + 1); // no more than is told apart
    count = std::min(count, blocks + 1);
  }
  if (rows % elements != 0 || count != blocks)
    return node.error() << "columns of shape " << nn::formatShape(shapeOf(x)) << " are no blocks " << nn::formatShape(block) << " of an image "
                        << nn::formatShape(image) << ": there are " << (count > blocks ? "more" : std::to_string(count)) << " blocks of "
                        << elements << " elements";
  result.append(image);
  weight.append(block);
  int64_t numbers;
  if (llvm::MulOverflow(rows, elements, numbers) || !node.affords(numbers) || failed(checkShape(result, [&] { return node.error(); })))
    return node.failed() ? FailureOr<Binding>() : node.error() << "its weights have too many elements";
  std::vector<float> values(numbers, 0);
  for (int64_t row = 0; row < rows; ++row)
    values[row * elements + row % elements] = 1;
  OpBuilder &builder = node.builder();
  Value weights = node.constant(DenseElementsAttr::get(RankedTensorType::get(weight, builder.getF32Type()), ArrayRef<float>(values)));
  FailureOr<Value> y = node.reshape(x, columns);
  if (failed(y))
    return failure();
  return node.finish(nn::ConvInputGradientOp::create(
      builder, node.location(), cast<RankedTensorType>(x.getType()).clone(result), *y, weights, builder.getDenseI64ArrayAttr(window->strides),
      builder.getDenseI64ArrayAttr(window->dilations), builder.getDenseI64ArrayAttr(window->pads), builder.getI64IntegerAttr(rows / elements)));
}

void dtc::onnximport::addColumnOperators(OperatorTable &table) {
  table.add({{"Col2Im", 18, 3, 3, 1, importCol2Im, "`nn.conv_input_gradient` with weights of 0 and 1; shapes known at compile time"}});
}

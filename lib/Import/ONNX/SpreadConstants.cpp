// What an exporter computed for a whole batch though every sample has the same (a causal mask, positions), and what expands to the batch in the
// file: one row, spread over the batch. So every device makes the rows of its own samples, and the program holds one.
#include "SpreadConstants.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace dtc;

/// The first row of `elements` if all along the first dimension are equal; null otherwise.
static DenseElementsAttr equalRow(DenseElementsAttr elements) {
  auto type = cast<RankedTensorType>(elements.getType());
  SmallVector<int64_t> shape(type.getShape());
  int64_t rows = shape.front(), columns = type.getNumElements() / rows;
  shape.front() = 1;
  auto rowType = RankedTensorType::get(shape, type.getElementType());
  if (columns == 0)
    return {};
  if (elements.isSplat())
    return elements.resizeSplat(rowType);
  if (type.getElementType().isInteger(1)) { // eight in a byte
    auto values = elements.getValues<bool>();
    auto begin = values.begin();
    for (int64_t i = columns; i < rows * columns; ++i)
      if (*(begin + i) != *(begin + (i - columns)))
        return {};
    return DenseElementsAttr::get(rowType, SmallVector<bool>(begin, begin + columns));
  }
  // Bits tell a NaN from another, and 0 from -0.
  ArrayRef<char> bytes = elements.getRawData();
  size_t row = bytes.size() / rows;
  if (bytes.drop_front(row) != bytes.drop_back(row))
    return {};
  return DenseElementsAttr::getFromRawBuffer(rowType, bytes.take_front(row));
}

void dtc::onnximport::spreadConstants(func::FuncOp model) {
  int64_t batch = 0;
  for (BlockArgument argument : model.getArguments())
    if (auto type = cast<RankedTensorType>(argument.getType()); !batch && type.getRank() && model.getArgAttr(argument.getArgNumber(), nn::names::input))
      batch = type.getDimSize(0);
  if (batch < 2)
    return;
  for (auto constant : llvm::make_early_inc_range(model.getOps<nn::ConstantOp>())) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    auto type = elements ? cast<RankedTensorType>(elements.getType()) : RankedTensorType();
    if (!type || type.getRank() == 0 || type.getDimSize(0) != batch)
      continue;
    DenseElementsAttr row = equalRow(elements);
    if (!row)
      continue;
    OpBuilder builder(constant);
    Value one = nn::ConstantOp::create(builder, constant.getLoc(), row.getType(), row);
    Value all = nn::BroadcastOp::create(builder, constant.getLoc(), type, one);
    constant.replaceAllUsesWith(all);
    constant.erase();
  }
}

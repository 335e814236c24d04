// Gather and its gradient, an element of the slices at a time.
#include "test/Reference/Rules.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

/// Calls `visit(element of data, element of slices)` for all elements of the slices [a…, i…, b…]; fails where an index names no row.
static LogicalResult forEachSliced(Operation *op, ArrayRef<int64_t> data, const Tensor &indices, ArrayRef<int64_t> slices, size_t axis,
                                   llvm::function_ref<void(int64_t, int64_t)> visit) {
  LogicalResult found = success();
  forEachIndex(slices, [&](ArrayRef<int64_t> place, int64_t flat) {
    ArrayRef<int64_t> which = place.slice(axis, indices.shape.size());
    int64_t number = 0;
    for (auto [i, size] : llvm::zip_equal(which, indices.shape))
      number = number * size + i;
    auto row = static_cast<int64_t>(indices.data[number]);
    if (row < 0)
      row += data[axis];
    if (row < 0 || row >= data[axis]) {
      found = op->emitError() << "index " << row << " names no row of " << data[axis];
      return;
    }
    SmallVector<int64_t> source(place.take_front(axis));
    source.push_back(row);
    llvm::append_range(source, place.drop_front(axis + which.size()));
    int64_t element = 0;
    for (auto [i, size] : llvm::zip_equal(source, data))
      element = element * size + i;
    visit(element, flat);
  });
  return found;
}

static LogicalResult gather(Operation *op, Operands operands, Results results) {
  const Tensor &data = *operands[0];
  return forEachSliced(op, data.shape, *operands[1], results[0].shape, cast<nn::GatherOp>(op).getAxis(),
                       [&](int64_t element, int64_t slice) { results[0].data[slice] = data.data[element]; });
}

static LogicalResult gatherGradient(Operation *op, Operands operands, Results results) {
  const Tensor &dy = *operands[0];
  return forEachSliced(op, results[0].shape, *operands[1], dy.shape, cast<nn::GatherGradientOp>(op).getAxis(),
                       [&](int64_t element, int64_t slice) { results[0].data[element] += dy.data[slice]; });
}

void reference::addGatherRules(Rules &rules) {
  rules["nn.gather"] = gather;
  rules["nn.gather_gradient"] = gatherGradient;
}

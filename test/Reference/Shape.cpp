// Constants, and ops that move elements or sum them over axes.
#include "test/Reference/Rules.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

template <typename T>
static void copyBytes(ArrayRef<char> bytes, std::vector<double> &data) {
  for (auto [i, value] : llvm::enumerate(data)) {
    T element;
    memcpy(&element, bytes.data() + i * sizeof(T), sizeof(T));
    value = static_cast<double>(element);
  }
}

static LogicalResult constant(Operation *op, Operands, Results results) {
  auto value = cast<nn::ConstantOp>(op).getValue();
  std::vector<double> &data = results[0].data;
  Type type = value.getElementType();
  if (auto dense = dyn_cast<DenseFPElementsAttr>(value)) {
    for (auto [element, to] : llvm::zip_equal(dense.getValues<APFloat>(), data))
      to = element.convertToDouble();
    return success();
  }
  if (auto dense = dyn_cast<DenseIntElementsAttr>(value)) {
    for (auto [element, to] : llvm::zip_equal(dense.getValues<APInt>(), data))
      to = element.getBitWidth() == 1 ? element.getZExtValue() : static_cast<double>(element.getSExtValue());
    return success();
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob && blob->getData().size() ==
                    data.size() * (type.getIntOrFloatBitWidth() / 8)) {
      if (type.isF32())
        return copyBytes<float>(blob->getData(), data), success();
      if (type.isF64())
        return copyBytes<double>(blob->getData(), data), success();
      if (type.isInteger(64))
        return copyBytes<int64_t>(blob->getData(), data), success();
    }
  }
  return op->emitError("the reference cannot read this constant");
}

static LogicalResult reshape(Operation *, Operands operands, Results results) {
  results[0].data = operands[0]->data;
  return success();
}

static LogicalResult transpose(Operation *op, Operands operands, Results results) {
  ArrayRef<int64_t> permutation = cast<nn::TransposeOp>(op).getPermutation();
  const Tensor &x = *operands[0];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    SmallVector<int64_t> source(index.size());
    for (size_t d = 0; d < index.size(); ++d)
      source[permutation[d]] = index[d];
    results[0].data[flat] = x.data[flatten(source, x.shape)];
  });
  return success();
}

static LogicalResult broadcast(Operation *, Operands operands, Results results) {
  const Tensor &x = *operands[0];
  forEachIndex(results[0].shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    results[0].data[flat] = x.data[flatten(index, x.shape)];
  });
  return success();
}

/// Copies the block at `offsets` of `large` from or to all of `small`.
template <typename Small, typename Large>
static void forBlock(Small &small, Large &large, ArrayRef<int64_t> offsets,
                     llvm::function_ref<void(int64_t, int64_t)> body) {
  forEachIndex(small.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    SmallVector<int64_t> at(index);
    for (size_t d = 0; d < at.size(); ++d)
      at[d] += offsets[d];
    body(flat, flatten(at, large.shape));
  });
}

static LogicalResult concat(Operation *op, Operands operands, Results results) {
  SmallVector<int64_t> offsets(results[0].shape.size(), 0);
  int64_t axis = cast<nn::ConcatOp>(op).getAxis();
  for (const Tensor *x : operands) {
    forBlock(*x, results[0], offsets, [&](int64_t from, int64_t to) {
      results[0].data[to] = x->data[from];
    });
    offsets[axis] += x->shape[axis];
  }
  return success();
}

static LogicalResult slice(Operation *op, Operands operands, Results results) {
  forBlock(results[0], *operands[0], cast<nn::SliceOp>(op).getOffsets(),
           [&](int64_t to, int64_t from) {
             results[0].data[to] = operands[0]->data[from];
           });
  return success();
}

static LogicalResult pad(Operation *op, Operands operands, Results results) {
  forBlock(*operands[0], results[0], cast<nn::PadOp>(op).getOffsets(),
           [&](int64_t from, int64_t to) {
             results[0].data[to] = operands[0]->data[from];
           });
  return success();
}

template <typename OpT>
static LogicalResult reduceSum(Operation *op, Operands operands, Results results) {
  auto reduce = cast<OpT>(op);
  const Tensor &x = *operands[0];
  SmallVector<int64_t> kept(x.shape);
  for (int64_t axis : reduce.getAxes())
    kept[axis] = 1;
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    results[0].data[flatten(index, kept)] += x.data[flat];
  });
  return success();
}

static LogicalResult reduceMean(Operation *op, Operands operands, Results results) {
  if (failed(reduceSum<nn::ReduceMeanOp>(op, operands, results)))
    return failure();
  for (double &value : results[0].data)
    value *= static_cast<double>(results[0].data.size()) / operands[0]->data.size();
  return success();
}

void reference::addShapeRules(Rules &rules) {
  rules["nn.constant"] = constant;
  rules["nn.reshape"] = reshape;
  // In double: what a type cannot hold is not the reference's matter.
  rules["nn.transpose"] = transpose;
  rules["nn.broadcast"] = broadcast;
  rules["nn.concat"] = concat;
  rules["nn.slice"] = slice;
  rules["nn.pad"] = pad;
  rules["nn.reduce_sum"] = reduceSum<nn::ReduceSumOp>;
  rules["nn.reduce_mean"] = reduceMean;
}

// Operators that choose elements by integers.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Checks what of the indices is known at compile time. Fails after one error.
static LogicalResult checkIndices(Node &node, Value indices, int64_t rows) {
  Type element = cast<RankedTensorType>(indices.getType()).getElementType();
  if (!element.isInteger(64) && !element.isInteger(32))
    return node.error() << "its indices are " << indices.getType() << ", not int64 or int32";
  DenseIntElementsAttr known;
  if (!matchPattern(indices, m_Constant(&known)))
    return success();
  if (!node.affords(known.getNumElements()))
    return failure();
  for (const APInt &value : known.getValues<APInt>())
    if (int64_t index = value.getSExtValue(); index < -rows || index >= rows)
      return node.error() << "index " << index << " is outside " << -rows << " to " << rows - 1;
  return success();
}

static FailureOr<Binding> importGather(Node &node) {
  Value data = node.tensor(0), indices = node.tensor(1);
  int64_t axis = node.integer("axis", 0);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(data).size());
  if (node.failed() || failed(checkIndices(node, indices, shapeOf(data)[axis])))
    return failure();
  return node.create<nn::GatherOp>({data, indices}, node.number("axis", axis));
}

void dtc::onnximport::addGatherOperators(OperatorTable &table) {
  table.add({{"Gather", 13, 2, 2, 1, importGather, "`nn.gather`; indices int64 or int32"}});
}

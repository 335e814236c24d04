// Operators that write elements at given indices: ScatterElements, ScatterND. What is written to one place twice is undefined in ONNX, and the
// mean of both here.
#include "Indexing.h"
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// What of `updates` falls into each row of `type`, added up.
static FailureOr<Value> addedUp(Node &node, Value updates, Value places, RankedTensorType type) {
  return node.finish(nn::GatherGradientOp::create(node.builder(), node.location(), type, updates, places, /*axis=*/0));
}

/// Rows of `data` [rows, …] with `updates` [places…, …] added to them or in their place.
static FailureOr<Value> scatterRows(Node &node, Value data, Value places, Value updates, StringRef reduction) {
  RankedTensorType type = typeOf(data);
  if (!type.getElementType().isF32() || !typeOf(updates).getElementType().isF32())
    return node.error() << "scatters " << typeOf(updates) << " to " << type << ", but only float32 tensors unless all is known at compile time";
  if (reduction != "none" && reduction != "add")
    return node.error() << "reduction " << quoted(reduction) << " is not supported, only none and add";
  FailureOr<Value> sum = addedUp(node, updates, places, type);
  if (failed(sum))
    return failure();
  if (reduction == "add")
    return node.create<nn::AddOp>({data, *sum});
  FailureOr<Value> ones = node.broadcast(node.scalar(1), shapeOf(places));
  FailureOr<Value> hits = failed(ones) ? ones : addedUp(node, *ones, places, RankedTensorType::get(type.getDimSize(0), type.getElementType()));
  SmallVector<int64_t> shape(type.getRank(), 1);
  shape[0] = type.getDimSize(0);
  FailureOr<Value> count = failed(hits) ? hits : node.reshape(*hits, shape);
  FailureOr<Value> mean = failed(count) ? count : node.create<nn::DivOp>({*sum, *count});
  FailureOr<Value> isHit = failed(mean) ? mean : node.create<nn::GreaterOp>({*count, node.scalar(0)});
  return failed(isHit) ? isHit : node.create<nn::WhereOp>({*isHit, *mean, data});
}

/// data[indices[i][j]][j] = updates[i][j], here for axis 0.
static FailureOr<Binding> importScatterElements(Node &node) {
  Value data = node.tensor(0), indices = node.tensor(1), updates = node.tensor(2);
  int64_t axis = node.integer("axis", 0);
  StringRef reduction = node.string("reduction", "none");
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(data).size());
  if (node.failed())
    return failure();
  if (shapeOf(updates) != shapeOf(indices))
    return node.error() << "updates of shape " << nn::formatShape(shapeOf(updates)) << " do not fit indices of shape "
                        << nn::formatShape(shapeOf(indices));
  FailureOr<Value> places = placesAlong(node, data, indices, axis);
  FailureOr<Value> flat = failed(places) ? places : node.reshape(data, typeOf(data).getNumElements());
  FailureOr<Value> result = failed(flat) ? flat : scatterRows(node, *flat, *places, updates, reduction);
  return failed(result) ? result : node.reshape(*result, shapeOf(data));
}

/// The last dimension of the indices counts along the first dimensions of the data.
static FailureOr<Binding> importScatterND(Node &node) {
  StringRef reduction = node.string("reduction", "none");
  Value data = node.tensor(0), indices = node.tensor(1), updates = node.tensor(2);
  if (node.failed())
    return failure();
  if (reduction == "none" && llvm::all_of(ArrayRef{data, indices, updates}, [](Value value) { return matchPattern(value, m_Constant()); }))
    return scatterKnownRows(node);
  int64_t rows = 0;
  FailureOr<Value> places = placesOfRows(node, data, indices, /*batchDims=*/0, rows);
  if (failed(places))
    return failure();
  ArrayRef<int64_t> rest = shapeOf(data).drop_front(shapeOf(indices).back());
  SmallVector<int64_t> expected(shapeOf(indices).drop_back()), table{rows};
  llvm::append_range(expected, rest);
  llvm::append_range(table, rest);
  if (shapeOf(updates) != ArrayRef(expected))
    return node.error() << "updates have the shape " << nn::formatShape(shapeOf(updates)) << ", not " << nn::formatShape(expected);
  FailureOr<Value> flat = node.reshape(data, table);
  FailureOr<Value> result = failed(flat) ? flat : scatterRows(node, *flat, *places, updates, reduction);
  return failed(result) ? result : node.reshape(*result, shapeOf(data));
}

void dtc::onnximport::addScatterOperators(OperatorTable &table) {
  table.add({{"ScatterElements", 11, 3, 3, 1, importScatterElements, "`nn.gather_gradient`, which adds up, and `nn.where`"},
             {"ScatterND", 13, 3, 3, 1, importScatterND,
              "`nn.gather_gradient`, which adds up, and `nn.where`; `nn.constant` of what is known at compile time"}});
}

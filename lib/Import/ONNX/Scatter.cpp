// Operators that write elements at given indices: ScatterElements, ScatterND, MaxUnpool. What is written to one place twice is undefined in ONNX, and
// the mean of both here.
#include "Indexing.h"
#include "Operators.h"
#include "Reduction.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// What of `updates` falls into each row of `type`, added up.
static FailureOr<Value> addedUp(Node &node, Value updates, Value places, RankedTensorType type) {
  return node.finish(nn::GatherGradientOp::create(node.builder(), node.location(), type, updates, places, /*axis=*/0));
}

namespace {
/// How what is written joins what is there.
struct Joining {
  StringRef reduction;
  int64_t since;
  /// What changes nothing.
  double neutral;
  FailureOr<Value> (*ofAll)(Node &, Value, ArrayRef<int64_t>);
  FailureOr<Value> (*ofTwo)(Node &, Value, Value);
};
} // namespace

template <typename Op> static FailureOr<Value> joinTwo(Node &node, Value a, Value b) { return node.create<Op>({a, b}); }

static const Joining joinings[] = {
    {"mul", 16, 1, product, joinTwo<nn::MulOp>},
    {"min", 18, std::numeric_limits<double>::infinity(), smallest, joinTwo<nn::MinOp>},
    {"max", 18, -std::numeric_limits<double>::infinity(), largest, joinTwo<nn::MaxOp>},
};

/// Every row is compared with every place: what is not written to it changes nothing.
static FailureOr<Value> joinRows(Node &node, Value data, Value places, Value updates, const Joining &by) {
  ArrayRef<int64_t> table = shapeOf(data);
  int64_t rows = table[0], writes = typeOf(places).getNumElements(), block = typeOf(data).getNumElements() / rows, pairs;
  constexpr int64_t most = int64_t(1) << 24;
  if (llvm::MulOverflow(rows, writes, pairs) || pairs > most / block)
    return node.error() << "reduction " << quoted(by.reduction) << " compares " << rows << " places with " << writes << " updates of " << block
                        << " elements, more than 2^24 in all";
  SmallVector<int64_t> each{1, writes}, column(table.size() + 1, 1);
  llvm::append_range(each, table.drop_front());
  column[1] = writes;
  FailureOr<Value> at = node.reshape(places, column), update = node.reshape(updates, each);
  FailureOr<Value> row = ramp(node, places, rows, 1, 0, column.size());
  if (failed(at) || failed(update) || failed(row))
    return failure();
  FailureOr<Value> isThere = node.create<nn::EqualOp>({*row, *at});
  FailureOr<Value> written = failed(isThere) ? isThere : node.create<nn::WhereOp>({*isThere, *update, node.scalar(by.neutral)});
  FailureOr<Value> all = failed(written) ? written : by.ofAll(node, *written, 1);
  FailureOr<Value> flat = failed(all) ? all : node.reshape(*all, table);
  return failed(flat) ? flat : by.ofTwo(node, data, *flat);
}

/// Rows of `data` [rows, …] with `updates` [places…, …] joined to them or in their place.
static FailureOr<Value> scatterRows(Node &node, Value data, Value places, Value updates, StringRef reduction) {
  RankedTensorType type = typeOf(data);
  if (!type.getElementType().isF32() || !typeOf(updates).getElementType().isF32())
    return node.error() << "scatters " << typeOf(updates) << " to " << type << ", but only float32 tensors unless all is known at compile time";
  for (const Joining &by : joinings)
    if (reduction == by.reduction && node.opset() >= by.since)
      return joinRows(node, data, places, updates, by);
  if (reduction != "none" && reduction != "add")
    return node.error() << "reduction " << quoted(reduction) << " is none of this opset's: none and add, mul since 16, min and max since 18";
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

/// The elements where their indices say, counted in all of what is unpooled; zeros elsewhere, and behind it up to output_shape.
static FailureOr<Binding> importMaxUnpool(Node &node) {
  Value x = node.tensor(0), indices = node.tensor(1);
  SmallVector<int64_t> wanted = node.hasInput(2) ? node.listInput(2) : SmallVector<int64_t>();
  auto kernel = node.integerList("kernel_shape");
  if (node.failed())
    return failure();
  ArrayRef<int64_t> from = shapeOf(x);
  int64_t spatial = static_cast<int64_t>(from.size()) - 2;
  if (spatial < 1 || !kernel || static_cast<int64_t>(kernel->size()) != spatial)
    return node.error() << "needs a kernel_shape of the spatial dimensions of " << nn::formatShape(from);
  auto strides = node.integerList("strides").value_or(SmallVector<int64_t>(spatial, 1));
  auto pads = node.integerList("pads").value_or(SmallVector<int64_t>(2 * spatial, 0));
  if (node.failed())
    return failure();
  if (static_cast<int64_t>(strides.size()) != spatial || static_cast<int64_t>(pads.size()) != 2 * spatial)
    return node.error() << "strides and pads must be those of " << spatial << " spatial dimensions";
  auto isSize = [](int64_t size) { return size >= 0 && size <= INT32_MAX; };
  if (!llvm::all_of(*kernel, isSize) || !llvm::all_of(strides, isSize) || !llvm::all_of(pads, isSize))
    return node.error() << "kernel_shape, strides and pads must be from 0 to " << INT32_MAX;
  SmallVector<int64_t> shape(from.take_front(2));
  for (int64_t d = 0; d < spatial; ++d) {
    if (!isSize(from[d + 2]))
      return node.error() << "takes at most 2^31 elements along an axis";
    shape.push_back((from[d + 2] - 1) * strides[d] + (*kernel)[d] - pads[d] - pads[spatial + d]);
  }
  if (shapeOf(indices) != from || !isInteger(indices))
    return node.error() << "indices must be integers of the shape of the elements, " << nn::formatShape(from);
  if (failed(checkShape(shape, [&] { return node.error(); })))
    return failure();
  RankedTensorType type = typeOf(x).clone(shape);
  if (type.getNumElements() > INT32_MAX)
    return node.error() << "writes to more than 2^31 elements";
  if (!wanted.empty() && (wanted.size() != shape.size() || !llvm::all_of_zip(wanted, shape, [](int64_t to, int64_t size) { return to >= size; })))
    return node.error() << "output_shape " << nn::formatShape(wanted) << " does not hold " << nn::formatShape(shape) << ", what is unpooled";
  FailureOr<Value> zeros = node.broadcast(node.scalar(0), type.getNumElements());
  FailureOr<Value> places = failed(zeros) ? zeros : countedFromFront(node, indices, type.getNumElements());
  FailureOr<Value> flat = failed(places) ? places : scatterRows(node, *zeros, *places, x, "none");
  FailureOr<Value> y = failed(flat) ? flat : node.reshape(*flat, shape);
  if (failed(y) || wanted.empty() || ArrayRef(wanted) == ArrayRef(shape))
    return y;
  if (failed(checkShape(wanted, [&] { return node.error(); })))
    return failure();
  return node.finish(nn::PadOp::create(node.builder(), node.location(), type.clone(wanted), *y, SmallVector<int64_t>(wanted.size(), 0)));
}

void dtc::onnximport::addScatterOperators(OperatorTable &table) {
  table.add({{"ScatterElements", 11, 3, 3, 1, importScatterElements, "`nn.gather_gradient`, which adds up, and `nn.where`; of mul, min and max, comparisons of all with all"},
             {"ScatterND", 13, 3, 3, 1, importScatterND,
              "as ScatterElements; `nn.constant` of what is known at compile time"},
             {"MaxUnpool", 11, 2, 3, 1, importMaxUnpool, "`nn.gather_gradient`, as ScatterElements to zeros"}});
}

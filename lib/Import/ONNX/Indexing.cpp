// Operators that take or set elements by their indices: GatherElements, GatherND, OneHot, CumSum, Trilu, EyeLike, NonZero,
// Compress.
#include "Indexing.h"
#include "Evaluation.h"
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool dtc::onnximport::isInteger(Value value) { return typeOf(value).getElementType().isInteger(64) || typeOf(value).getElementType().isInteger(32); }

Value dtc::onnximport::number(Node &node, Value like, int64_t value) {
  auto type = RankedTensorType::get({}, typeOf(like).getElementType());
  TypedAttr element = isa<FloatType>(type.getElementType())
                          ? TypedAttr(FloatAttr::get(type.getElementType(), static_cast<double>(value)))
                          : TypedAttr(IntegerAttr::get(type.getElementType(), value));
  return node.constant(DenseElementsAttr::get(type, Attribute(element)));
}

FailureOr<Value> dtc::onnximport::countedFromFront(Node &node, Value indices, int64_t size) {
  FailureOr<Value> isNegative = node.create<nn::LessOp>({indices, number(node, indices, 0)});
  FailureOr<Value> shifted = node.create<nn::AddOp>({indices, number(node, indices, size)});
  if (failed(isNegative) || failed(shifted))
    return failure();
  return node.create<nn::WhereOp>({*isNegative, *shifted, indices});
}

FailureOr<Value> dtc::onnximport::takeFlat(Node &node, Value data, Value places) {
  FailureOr<Value> flat = node.reshape(data, {typeOf(data).getNumElements()});
  return failed(flat) ? flat : node.create<nn::GatherOp>({*flat, places}, node.number("axis", 0));
}

FailureOr<Value> dtc::onnximport::ramp(Node &node, Value like, int64_t size, int64_t stride, int64_t axis, int64_t rank) {
  if (!node.affords(size))
    return failure();
  SmallVector<APInt> values;
  Type element = typeOf(like).getElementType();
  for (int64_t i = 0; i < size; ++i)
    values.emplace_back(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(i * stride), /*isSigned=*/false, /*implicitTrunc=*/true);
  SmallVector<int64_t> shape(rank, 1);
  shape[axis] = size;
  return node.constant(DenseElementsAttr::get(RankedTensorType::get(shape, element), values));
}

FailureOr<Value> dtc::onnximport::placesAlong(Node &node, Value data, Value indices, int64_t axis) {
  ArrayRef<int64_t> from = shapeOf(data), to = shapeOf(indices);
  if (!isInteger(indices) || to.size() != from.size())
    return node.error() << "indices must be integers of the rank of the data, " << from.size();
  if (typeOf(data).getNumElements() > INT32_MAX)
    return node.error() << "takes from more than 2^31 elements";
  SmallVector<int64_t> strides = rowMajorStrides(from);
  FailureOr<Value> places = countedFromFront(node, indices, from[axis]);
  if (succeeded(places))
    places = node.create<nn::MulOp>({*places, number(node, indices, strides[axis])});
  for (size_t d = 0; succeeded(places) && d < from.size(); ++d) {
    if (static_cast<int64_t>(d) == axis)
      continue;
    if (to[d] > from[d])
      return node.error() << "indices of shape " << nn::formatShape(to) << " go beyond the data of shape " << nn::formatShape(from);
    FailureOr<Value> offset = ramp(node, indices, to[d], strides[d], d, from.size());
    places = failed(offset) ? offset : node.create<nn::AddOp>({*places, *offset});
  }
  return places;
}

/// y[i][j] = data[indices[i][j]][j], here for axis 0.
static FailureOr<Binding> importGatherElements(Node &node) {
  Value data = node.tensor(0), indices = node.tensor(1);
  int64_t axis = node.integer("axis", 0);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(data).size());
  if (node.failed())
    return failure();
  FailureOr<Value> places = placesAlong(node, data, indices, axis);
  return failed(places) ? places : takeFlat(node, data, *places);
}

FailureOr<Value> dtc::onnximport::placesOfRows(Node &node, Value data, Value indices, int64_t batchDims, int64_t &rows) {
  ArrayRef<int64_t> from = shapeOf(data), to = shapeOf(indices);
  int64_t rank = from.size(), depth = to.empty() ? 0 : to.back();
  if (!isInteger(indices) || to.empty() || depth < 1 || batchDims + depth > rank)
    return node.error() << "indices must be integers whose last dimension is from 1 to the rank of the data, " << rank - batchDims;
  if (batchDims < 0 || batchDims >= static_cast<int64_t>(to.size()) || from.take_front(batchDims) != to.take_front(batchDims))
    return node.error() << "batch_dims " << batchDims << " are no equal first dimensions of shapes " << nn::formatShape(from) << " and "
                        << nn::formatShape(to);
  rows = 1;
  for (int64_t size : from.take_front(batchDims + depth))
    rows *= size;
  if (rows > INT32_MAX)
    return node.error() << "takes from more than 2^31 rows";
  SmallVector<int64_t> strides = rowMajorStrides(from.take_front(batchDims + depth));
  FailureOr<Value> places = failure();
  for (int64_t d = 0; d < depth; ++d) {
    FailureOr<Value> column = node.slice(indices, to.size() - 1, d, 1);
    if (succeeded(column))
      column = node.reshape(*column, to.drop_back());
    if (succeeded(column))
      column = countedFromFront(node, *column, from[batchDims + d]);
    if (succeeded(column))
      column = node.create<nn::MulOp>({*column, number(node, indices, strides[batchDims + d])});
    if (succeeded(column) && d > 0)
      column = node.create<nn::AddOp>({*places, *column});
    if (failed(column))
      return failure();
    places = column;
  }
  for (int64_t d = 0; d < batchDims; ++d) {
    FailureOr<Value> offset = ramp(node, indices, from[d], strides[d], d, to.size() - 1);
    places = failed(offset) ? offset : node.create<nn::AddOp>({*places, *offset});
    if (failed(places))
      return failure();
  }
  return places;
}

static FailureOr<Binding> importGatherND(Node &node) {
  Value data = node.tensor(0), indices = node.tensor(1);
  int64_t batchDims = node.integer("batch_dims", 0), rows = 0;
  if (node.failed())
    return failure();
  FailureOr<Value> places = placesOfRows(node, data, indices, batchDims, rows);
  if (failed(places))
    return failure();
  SmallVector<int64_t> flat{rows};
  llvm::append_range(flat, shapeOf(data).drop_front(batchDims + shapeOf(indices).back()));
  FailureOr<Value> table = node.reshape(data, flat);
  return failed(table) ? table : node.create<nn::GatherOp>({*table, *places}, node.number("axis", 0));
}

FailureOr<Value> dtc::onnximport::scatterKnownRows(Node &node) {
  DenseElementsAttr data = node.constant(0), indices = node.constant(1), updates = node.constant(2);
  if (node.failed())
    return failure();
  auto type = cast<RankedTensorType>(data.getType()), at = cast<RankedTensorType>(indices.getType());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t depth = at.getRank() ? at.getShape().back() : 0;
  if (!indices.getElementType().isInteger(64) || depth < 1 || depth > type.getRank())
    return node.error() << "indices must be int64 whose last dimension is from 1 to the rank of the data, " << type.getRank();
  SmallVector<int64_t> expected(at.getShape().drop_back());
  llvm::append_range(expected, shape.drop_front(depth));
  if (cast<RankedTensorType>(updates.getType()) != RankedTensorType::get(expected, type.getElementType()))
    return node.error() << "updates are " << updates.getType() << ", not " << RankedTensorType::get(expected, type.getElementType());
  if (!node.affords(type.getNumElements()) || !node.affords(indices.getNumElements()) || !node.affords(updates.getNumElements()))
    return failure();
  int64_t block = 1, count = type.getNumElements();
  for (int64_t size : shape.drop_front(depth))
    block *= size;
  std::vector<int64_t> places(count);
  std::iota(places.begin(), places.end(), 0);
  std::vector<int64_t> given = readIntegers(indices);
  SmallVector<int64_t> strides = rowMajorStrides(shape);
  for (int64_t row = 0, rows = given.size() / depth; row < rows; ++row) {
    int64_t base = 0;
    for (int64_t d = 0; d < depth; ++d) {
      int64_t index = given[row * depth + d];
      index = index < 0 ? index + shape[d] : index;
      if (index < 0 || index >= shape[d])
        return node.error() << "index " << given[row * depth + d] << " is outside dimension " << d << " of " << nn::formatShape(shape);
      base += index * strides[d];
    }
    for (int64_t i = 0; i < block; ++i)
      places[base + i] = count + row * block + i;
  }
  return node.constant(pick(type, places, data, updates));
}

/// values[1] where the index along the new axis is the given one, else values[0].
static FailureOr<Binding> importOneHot(Node &node) {
  Value indices = node.tensor(0), values = node.tensor(2);
  int64_t axis = node.integer("axis", -1);
  DenseElementsAttr given = node.constant(1);
  if (node.failed())
    return failure();
  // Of any number's type.
  int64_t depth = 0;
  if (given.getNumElements() == 1 && isa<IntegerType>(given.getElementType())) {
    depth = (*given.value_begin<APInt>()).getSExtValue();
  } else if (given.getNumElements() == 1) {
    double number = (*given.value_begin<APFloat>()).convertToDouble();
    depth = number >= 1 && number <= INT32_MAX ? static_cast<int64_t>(number) : 0;
  }
  int64_t rank = shapeOf(indices).size();
  axis = node.normalizeAxis(axis, rank + 1);
  if (node.failed())
    return failure();
  if (isa<FloatType>(cast<RankedTensorType>(indices.getType()).getElementType())) {
    FailureOr<Value> whole = node.finish(nn::CastOp::create(
        node.builder(), node.location(), RankedTensorType::get(shapeOf(indices), node.builder().getI64Type()), indices));
    if (failed(whole))
      return failure();
    indices = *whole;
  }
  if (!isInteger(indices) || depth < 1 || depth > INT32_MAX || shapeOf(values) != ArrayRef<int64_t>{2})
    return node.error() << "takes integer indices, a positive depth and two values";
  SmallVector<int64_t> shape(shapeOf(indices));
  shape.insert(shape.begin() + axis, 1);
  FailureOr<Value> at = countedFromFront(node, indices, depth);
  if (succeeded(at))
    at = node.reshape(*at, shape);
  FailureOr<Value> along = ramp(node, indices, depth, 1, axis, rank + 1);
  if (failed(at) || failed(along))
    return failure();
  FailureOr<Value> isThere = node.create<nn::EqualOp>({*at, *along});
  FailureOr<Value> off = node.slice(values, 0, 0, 1), on = node.slice(values, 0, 1, 1);
  if (succeeded(off))
    off = node.reshape(*off, {});
  if (succeeded(on))
    on = node.reshape(*on, {});
  if (failed(isThere) || failed(off) || failed(on))
    return failure();
  return node.create<nn::WhereOp>({*isThere, *on, *off});
}

/// x moved by `by` elements towards the end, zeros coming in.
static FailureOr<Value> shift(Node &node, Value x, int64_t axis, int64_t by) {
  int64_t size = shapeOf(x)[axis];
  FailureOr<Value> part = by > 0 ? node.slice(x, axis, 0, size - by) : node.slice(x, axis, -by, size + by);
  if (failed(part))
    return failure();
  SmallVector<int64_t> offsets(shapeOf(x).size(), 0);
  offsets[axis] = std::max<int64_t>(by, 0);
  return node.finish(nn::PadOp::create(node.builder(), node.location(), typeOf(x), *part, offsets));
}

/// Doubling: after k rounds each element is the sum of the 2^k up to it (Hillis and Steele 1986).
static FailureOr<Binding> importCumSum(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integerInput(1);
  bool exclusive = node.flag("exclusive", false), reverse = node.flag("reverse", false);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  int64_t size = shapeOf(x)[axis], sign = reverse ? -1 : 1;
  if (exclusive) {
    FailureOr<Value> before = size == 1 ? node.create<nn::SubOp>({x, x}) : shift(node, x, axis, sign);
    if (failed(before))
      return failure();
    x = *before;
  }
  for (int64_t by = 1; by < size; by *= 2) {
    FailureOr<Value> before = shift(node, x, axis, sign * by);
    FailureOr<Value> sum = failed(before) ? before : node.create<nn::AddOp>({x, *before});
    if (failed(sum))
      return failure();
    x = *sum;
  }
  return x;
}

/// Keeps what is not below (upper: not above) the k-th diagonal.
static FailureOr<Binding> importTrilu(Node &node) {
  Value x = node.tensor(0);
  bool upper = node.flag("upper", true);
  int64_t k = node.hasInput(1) ? node.integerInput(1) : 0;
  if (node.failed())
    return failure();
  if (shapeOf(x).size() < 2)
    return node.error() << "takes a matrix or a batch of such, not shape " << nn::formatShape(shapeOf(x));
  int64_t rows = shapeOf(x).end()[-2], columns = shapeOf(x).back();
  k = std::clamp<int64_t>(k, -rows, columns);
  Value counter = node.integers(0);
  FailureOr<Value> row = ramp(node, counter, rows, 1, 0, 2), column = ramp(node, counter, columns, 1, 1, 2);
  if (succeeded(row))
    row = node.create<nn::AddOp>({*row, number(node, counter, k)});
  if (failed(row) || failed(column))
    return failure();
  FailureOr<Value> isKept = upper ? node.create<nn::GreaterOrEqualOp>({*column, *row}) : node.create<nn::LessOrEqualOp>({*column, *row});
  if (failed(isKept))
    return failure();
  if (typeOf(x).getElementType().isInteger(1))
    return node.create<nn::AndOp>({*isKept, x});
  return node.create<nn::WhereOp>({*isKept, x, number(node, x, 0)});
}

static FailureOr<Binding> importEyeLike(Node &node) {
  Value x = node.tensor(0);
  int64_t k = node.integer("k", 0), dtype = node.integer("dtype", 0);
  if (node.failed())
    return failure();
  OpBuilder &builder = node.builder();
  Type element = typeOf(x).getElementType();
  if (dtype == ::onnx::TensorProto::FLOAT)
    element = builder.getF32Type();
  else if (dtype == ::onnx::TensorProto::INT64 || dtype == ::onnx::TensorProto::INT32)
    element = builder.getIntegerType(dtype == ::onnx::TensorProto::INT64 ? 64 : 32);
  else if (dtype != 0)
    return node.error() << "attribute 'dtype' is no element type that is computed with";
  if (shapeOf(x).size() != 2 || typeOf(x).getNumElements() > (1 << 20))
    return node.error() << "takes a matrix of at most 2^20 elements, not shape " << nn::formatShape(shapeOf(x));
  if (!node.affords(typeOf(x).getNumElements()))
    return failure();
  int64_t rows = shapeOf(x)[0], columns = shapeOf(x)[1];
  SmallVector<Attribute> values;
  auto of = [&](bool one) -> Attribute {
    if (isa<FloatType>(element))
      return FloatAttr::get(element, one);
    return IntegerAttr::get(element, one);
  };
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      values.push_back(of(j == i + k));
  return node.constant(DenseElementsAttr::get(RankedTensorType::get({rows, columns}, element), values));
}

/// How many there are depends on the values: at compile time alone.
static FailureOr<Binding> importNonZero(Node &node) {
  DenseElementsAttr x = node.constant(0);
  if (node.failed())
    return failure();
  auto type = cast<RankedTensorType>(x.getType());
  if (!node.affords(type.getNumElements() * std::max<int64_t>(1, type.getRank()))) // each has an index a dimension
    return failure();
  SmallVector<int64_t> places;
  int64_t i = 0;
  if (isa<FloatType>(x.getElementType())) {
    for (const APFloat &value : x.getValues<APFloat>())
      places.append(!value.isZero(), i++);
  } else {
    for (const APInt &value : x.getValues<APInt>())
      places.append(!value.isZero(), i++);
  }
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape()), values;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    for (int64_t place : places)
      values.push_back(place / stride % size);
  int64_t count = places.size();
  return node.reshape(node.integers(values), {type.getRank(), count});
}

/// The slices along an axis, or the elements, where a condition holds. How many depends on it: it is known at compile time.
static FailureOr<Binding> importCompress(Node &node) {
  Value x = node.tensor(0);
  DenseElementsAttr condition = node.constant(1);
  bool hasAxis = node.hasAttribute("axis");
  int64_t axis = node.integer("axis", 0);
  if (node.failed())
    return failure();
  FailureOr<Value> from = hasAxis ? x : node.reshape(x, {typeOf(x).getNumElements()});
  if (failed(from))
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(*from).size());
  if (node.failed())
    return failure();
  if (!condition.getElementType().isInteger(1) || condition.getNumElements() > shapeOf(*from)[axis])
    return node.error() << "the condition must be booleans, at most " << shapeOf(*from)[axis];
  SmallVector<int64_t> kept;
  for (auto [i, holds] : llvm::enumerate(condition.getValues<bool>()))
    if (holds)
      kept.push_back(i);
  if (kept.empty())
    return node.error() << "the condition holds nowhere: nothing is left";
  return node.create<nn::GatherOp>({*from, node.integers(kept)}, node.number("axis", axis));
}

void dtc::onnximport::addIndexingOperators(OperatorTable &table) {
  table.add({{"GatherElements", 13, 2, 2, 1, importGatherElements, "`nn.gather` from the flattened data"},
             {"GatherND", 13, 2, 2, 1, importGatherND, "`nn.gather` from the data with its first dimensions flattened"},
             {"OneHot", 11, 3, 3, 1, importOneHot, "`nn.equal` and `nn.where`"},
             {"CumSum", 11, 2, 2, 1, importCumSum, "`nn.add` of shifted tensors, in rounds"},
             {"CumSum", 14, 2, 2, 1, importCumSum, "`nn.add` of shifted tensors, in rounds"},
             {"Trilu", 14, 1, 2, 1, importTrilu, "`nn.where`"},
             {"EyeLike", 9, 1, 1, 1, importEyeLike, "`nn.constant`"},
             {"Compress", 11, 2, 2, 1, importCompress, "`nn.gather`; the condition known at compile time"},
             {"NonZero", 13, 1, 1, 1, importNonZero, "`nn.constant`; its operand known at compile time"}});
}

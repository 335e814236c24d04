// Operators that find the largest elements: ArgMax, ArgMin, Hardmax, TopK. Indices have no gradient; what TopK chooses has.
#include "Indexing.h"
#include "Operators.h"
#include "Reduction.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

FailureOr<Value> dtc::onnximport::indexOf(Node &node, Value x, int64_t axis, bool smallestWanted, bool last) {
  ArrayRef<int64_t> shape = shapeOf(x);
  FailureOr<Value> found = smallestWanted ? smallest(node, x, axis) : largest(node, x, axis);
  if (failed(found))
    return failure();
  // Beyond all that are smaller: what is no number is neither.
  FailureOr<Value> isOther = smallestWanted ? node.create<nn::GreaterOp>({x, *found}) : node.create<nn::LessOp>({x, *found});
  FailureOr<Value> places = ramp(node, node.integers(0), shape[axis], 1, axis, shape.size());
  if (failed(isOther) || failed(places))
    return failure();
  FailureOr<Value> candidates = node.create<nn::WhereOp>({*isOther, number(node, *places, last ? 0 : shape[axis] - 1), *places});
  if (failed(candidates))
    return failure();
  return last ? largest(node, *candidates, axis) : smallest(node, *candidates, axis);
}

static FailureOr<Value> withoutAxis(Node &node, Value x, int64_t axis) {
  SmallVector<int64_t> shape(shapeOf(x));
  shape.erase(shape.begin() + axis);
  return node.reshape(x, shape);
}

template <bool isSmallest> static FailureOr<Binding> importArgument(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", 0);
  bool keepDims = node.flag("keepdims", true), last = node.flag("select_last_index", false);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  FailureOr<Value> index = indexOf(node, x, axis, isSmallest, last);
  return failed(index) || keepDims ? index : withoutAxis(node, *index, axis);
}

/// 1 at the first of the largest elements, else 0.
static FailureOr<Binding> importHardmax(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", -1);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  FailureOr<Value> index = indexOf(node, x, axis, /*smallestWanted=*/false, /*last=*/false);
  FailureOr<Value> places = ramp(node, node.integers(0), shapeOf(x)[axis], 1, axis, shapeOf(x).size());
  if (failed(index) || failed(places))
    return failure();
  FailureOr<Value> isThere = node.create<nn::EqualOp>({*index, *places});
  return failed(isThere) ? isThere : node.create<nn::WhereOp>({*isThere, node.scalar(1), node.scalar(0)});
}

/// By ranks: an element's is the number of those that come before it, larger ones and equal ones with smaller indices. All are compared with all.
static FailureOr<Binding> importTopK(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", -1), k = node.integerInput(1);
  bool largestWanted = node.flag("largest", true);
  node.flag("sorted", true); // they are
  if (node.failed())
    return failure();
  int64_t rank = shapeOf(x).size();
  axis = node.normalizeAxis(axis, rank);
  if (node.failed())
    return failure();
  if (!cast<RankedTensorType>(x.getType()).getElementType().isF32())
    return node.error() << "takes float32 elements, not " << x.getType();
  SmallVector<int64_t> shape(shapeOf(x));
  int64_t size = shape[axis], elements = cast<RankedTensorType>(x.getType()).getNumElements();
  if (k < 1 || k > size)
    return node.error() << "k is " << k << ", not from 1 to the " << size << " elements along the axis";
  constexpr int64_t most = int64_t(1) << 28;
  if (size > most / elements)
    return node.error() << "compares " << elements << " elements with " << size << " each, more than 2^28 in all";
  // [..., i, j]: whether j comes before i.
  SmallVector<int64_t> column(shape), row(shape);
  column.insert(column.begin() + axis + 1, 1);
  row.insert(row.begin() + axis, 1);
  FailureOr<Value> own = node.reshape(x, column), other = node.reshape(x, row);
  Value counter = node.integers(0);
  FailureOr<Value> i = ramp(node, counter, size, 1, axis, rank + 1), j = ramp(node, counter, size, 1, axis + 1, rank + 1);
  if (failed(own) || failed(other) || failed(i) || failed(j))
    return failure();
  FailureOr<Value> isBetter = largestWanted ? node.create<nn::GreaterOp>({*other, *own}) : node.create<nn::LessOp>({*other, *own});
  FailureOr<Value> isEqual = node.create<nn::EqualOp>({*other, *own}), isEarlier = node.create<nn::LessOp>({*j, *i});
  if (failed(isBetter) || failed(isEqual) || failed(isEarlier))
    return failure();
  FailureOr<Value> isTie = node.create<nn::AndOp>({*isEqual, *isEarlier});
  FailureOr<Value> isBefore = failed(isTie) ? isTie : node.create<nn::OrOp>({*isBetter, *isTie});
  // Counts are whole and below 2^24, so that sums of float32 are exact; one term alone is not 0 where an element is chosen.
  auto count = [&](Value counted, Value condition, int64_t over) -> FailureOr<Value> {
    FailureOr<Value> numbers = node.create<nn::WhereOp>({condition, counted, node.scalar(0)});
    return failed(numbers) ? numbers : node.create<nn::ReduceSumOp>(*numbers, node.list("axes", over));
  };
  FailureOr<Value> places = failed(isBefore) ? isBefore : count(node.scalar(1), *isBefore, axis + 1);
  if (failed(places))
    return failure();
  // [..., r, i]: whether i has the rank r.
  FailureOr<Value> ranks = node.reshape(*places, row);
  SmallVector<float> numbers;
  for (int64_t r = 0; r < size; ++r)
    numbers.push_back(static_cast<float>(r));
  SmallVector<int64_t> ofRanks(rank + 1, 1), ofPlaces(rank + 1, 1);
  ofRanks[axis] = k;
  ofPlaces[axis + 1] = size;
  Type f32 = node.builder().getF32Type();
  Value wanted = node.constant(DenseElementsAttr::get(RankedTensorType::get(ofRanks, f32), ArrayRef<float>(numbers).take_front(k)));
  Value all = node.constant(DenseElementsAttr::get(RankedTensorType::get(ofPlaces, f32), ArrayRef<float>(numbers)));
  FailureOr<Value> isOfRank = failed(ranks) ? ranks : node.create<nn::EqualOp>({*ranks, wanted});
  FailureOr<Value> found = failed(isOfRank) ? isOfRank : count(all, *isOfRank, axis + 1);
  FailureOr<Value> chosen = failed(found) ? found : count(*other, *isOfRank, axis + 1);
  if (failed(chosen))
    return failure();
  FailureOr<Value> indices = node.finish(nn::CastOp::create(
      node.builder(), node.location(), RankedTensorType::get(shapeOf(*found), node.builder().getI64Type()), *found));
  if (failed(indices))
    return failure();
  node.give(1, *indices);
  return chosen;
}

void dtc::onnximport::addSelectionOperators(OperatorTable &table) {
  table.add({{"ArgMax", 13, 1, 1, 1, importArgument<false>, "the `nn.min` of the places where `nn.max` of halves is"},
             {"ArgMin", 13, 1, 1, 1, importArgument<true>, "the `nn.min` of the places where `nn.min` of halves is"},
             {"Hardmax", 13, 1, 1, 1, importHardmax, "`nn.where` at the place of the largest element; nothing is trained through it"},
             {"TopK", 11, 2, 2, 2, importTopK, "`nn.reduce_sum` over where an element has each rank, by comparisons of all with all"}});
}

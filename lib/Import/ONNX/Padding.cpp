// Pad, CenterCropPad.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
/// Elements before and behind a dimension; negative ones are taken away.
struct Border {
  int64_t before, behind;
};
} // namespace

static FailureOr<SmallVector<Border>> readBorders(Node &node, int64_t rank) {
  SmallVector<int64_t> pads = node.listInput(1), axes;
  if (node.hasInput(3))
    axes = node.listInput(3);
  else
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (node.failed())
    return failure();
  if (pads.size() != 2 * axes.size())
    return node.error() << "has " << pads.size() << " pads for " << axes.size() << " axes; each has two";
  SmallVector<Border> borders(rank, {0, 0});
  SmallVector<bool> seen(rank, false);
  for (auto [i, given] : llvm::enumerate(axes)) {
    int64_t axis = node.normalizeAxis(given, rank);
    if (node.failed())
      return failure();
    if (std::exchange(seen[axis], true))
      return node.error() << "axis " << given << " is named twice";
    borders[axis] = {pads[i], pads[axes.size() + i]};
    if (std::abs(pads[i]) > INT32_MAX || std::abs(pads[axes.size() + i]) > INT32_MAX)
      return node.error() << "a pad is beyond 2^31";
  }
  return borders;
}

/// Blocks of the value on both sides of an axis; of zeros it is one op for all axes.
static FailureOr<Value> padWith(Node &node, Value x, ArrayRef<Border> borders, Value value) {
  SmallVector<int64_t> shape(shapeOf(x)), offsets;
  DenseElementsAttr elements;
  bool isZero = !value;
  for (auto [size, border] : llvm::zip_equal(shape, borders)) {
    size += border.before + border.behind;
    offsets.push_back(border.before);
  }
  if (failed(checkShape(shape, [&] { return node.error(); })))
    return failure();
  if (isZero)
    return node.finish(nn::PadOp::create(node.builder(), node.location(), cast<RankedTensorType>(x.getType()).clone(shape), x, offsets));
  for (auto [axis, border] : llvm::enumerate(borders)) {
    auto block = [&](int64_t size) {
      SmallVector<int64_t> of(shapeOf(x));
      of[axis] = size;
      return node.broadcast(value, of);
    };
    SmallVector<Value> parts{x};
    if (border.before) {
      FailureOr<Value> part = block(border.before);
      if (failed(part))
        return failure();
      parts.insert(parts.begin(), *part);
    }
    if (border.behind) {
      FailureOr<Value> part = block(border.behind);
      if (failed(part))
        return failure();
      parts.push_back(*part);
    }
    if (parts.size() == 1)
      continue;
    FailureOr<Value> joined = node.create<nn::ConcatOp>(parts, node.number("axis", axis));
    if (failed(joined))
      return failure();
    x = *joined;
  }
  return x;
}

/// Which element of [0, size) stands at place i outside of it.
static int64_t placeOf(StringRef mode, int64_t i, int64_t size) {
  if (mode == "edge")
    return std::clamp<int64_t>(i, 0, size - 1);
  if (mode == "wrap")
    return ((i % size) + size) % size;
  // The edge is not repeated.
  int64_t period = std::max<int64_t>(1, 2 * (size - 1));
  int64_t at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

static FailureOr<Binding> importPad(Node &node) {
  Value x = node.tensor(0);
  StringRef mode = node.string("mode", "constant");
  if (node.failed())
    return failure();
  if (mode != "constant" && mode != "edge" && mode != "reflect" && !(mode == "wrap" && node.opset() >= 19))
    return node.error() << "mode " << quoted(mode) << " is none of constant, reflect, edge" << (node.opset() >= 19 ? " and wrap" : "");
  FailureOr<SmallVector<Border>> borders = readBorders(node, shapeOf(x).size());
  if (failed(borders))
    return failure();
  // What is taken away first.
  for (auto [axis, border] : llvm::enumerate(*borders)) {
    int64_t size = shapeOf(x)[axis], begin = std::max<int64_t>(0, -border.before), end = size - std::max<int64_t>(0, -border.behind);
    if (begin >= end)
      return node.error() << "takes away all " << size << " elements of dimension " << axis;
    FailureOr<Value> rest = node.slice(x, axis, begin, end - begin);
    if (failed(rest))
      return failure();
    x = *rest;
    border = {std::max<int64_t>(0, border.before), std::max<int64_t>(0, border.behind)};
  }
  if (llvm::all_of(*borders, [](Border border) { return border.before == 0 && border.behind == 0; }))
    return x;
  if (mode == "constant") {
    Value value = node.hasInput(2) ? node.tensor(2) : Value();
    DenseFPElementsAttr real;
    DenseIntElementsAttr integer;
    bool isZero = !value || (matchPattern(value, m_Constant(&real)) && llvm::all_of(real.getValues<APFloat>(), [](const APFloat &v) { return v.isPosZero(); })) ||
                  (matchPattern(value, m_Constant(&integer)) && llvm::all_of(integer.getValues<APInt>(), [](const APInt &v) { return v.isZero(); }));
    if (value) {
      if (cast<RankedTensorType>(value.getType()).getNumElements() != 1)
        return node.error() << "the value to pad with must be one element";
      FailureOr<Value> scalar = node.reshape(value, {});
      if (failed(scalar))
        return failure();
      value = *scalar;
    }
    return padWith(node, x, *borders, isZero ? Value() : value);
  }
  for (auto [axis, border] : llvm::enumerate(*borders)) {
    if (border.before == 0 && border.behind == 0)
      continue;
    int64_t size = shapeOf(x)[axis];
    if (mode == "reflect" && std::max(border.before, border.behind) >= size)
      return node.error() << "reflects " << std::max(border.before, border.behind) << " elements of the " << size << " of dimension " << axis
                          << ", at the edge; at most " << size - 1;
    if (!node.affords(size + border.before + border.behind))
      return failure();
    SmallVector<int64_t> places;
    for (int64_t i = -border.before; i < size + border.behind; ++i)
      places.push_back(placeOf(mode, i, size));
    FailureOr<Value> padded = node.create<nn::GatherOp>({x, node.integers(places)}, node.number("axis", axis));
    if (failed(padded))
      return failure();
    x = *padded;
  }
  return x;
}

/// Around the middle as many elements as asked for; where one is odd, it is more behind.
static FailureOr<Binding> importCenterCropPad(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> sizes = node.listInput(1);
  auto axes = node.integerList("axes");
  if (node.failed())
    return failure();
  int64_t rank = shapeOf(x).size();
  if (!axes)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (axes->size() != sizes.size())
    return node.error() << "has " << sizes.size() << " sizes for " << axes->size() << " axes";
  SmallVector<Border> borders(rank, {0, 0});
  SmallVector<bool> seen(rank, false);
  for (auto [given, size] : llvm::zip_equal(*axes, sizes)) {
    int64_t axis = node.normalizeAxis(given, rank);
    if (node.failed())
      return failure();
    if (std::exchange(seen[axis], true))
      return node.error() << "axis " << given << " is named twice";
    if (size < 1 || size > INT32_MAX)
      return node.error() << "size " << size << " along axis " << given << " is outside 1 to " << INT32_MAX;
    int64_t now = shapeOf(x)[axis];
    if (size >= now) {
      borders[axis] = {(size - now) / 2, size - now - (size - now) / 2};
      continue;
    }
    FailureOr<Value> part = node.slice(x, axis, (now - size) / 2, size);
    if (failed(part))
      return failure();
    x = *part;
  }
  if (llvm::all_of(borders, [](Border border) { return border.before == 0 && border.behind == 0; }))
    return x;
  return padWith(node, x, borders, Value());
}

void dtc::onnximport::addPaddingOperators(OperatorTable &table) {
  const char *becomes = "`nn.pad` with zeros, `nn.concat` with another number, else `nn.gather`; the pads known at compile time";
  table.add({{"Pad", 13, 2, 3, 1, importPad, becomes}, {"Pad", 18, 2, 4, 1, importPad, becomes},
             {"CenterCropPad", 18, 2, 2, 1, importCenterCropPad, "`nn.slice`, `nn.pad`; the shape known at compile time"}});
}

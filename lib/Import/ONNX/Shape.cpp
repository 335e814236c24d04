// Operators that rearrange elements: Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Concat, Split, Slice, Expand, Tile.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static int64_t product(ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size; // parts of checked shapes: below 2^40
  return result;
}

static FailureOr<Binding> importFlatten(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", 1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  axis = node.normalizeAxis(axis, shape.size(), /*endAllowed=*/true);
  if (node.failed())
    return failure();
  return node.reshape(
      x, {product(shape.take_front(axis)), product(shape.drop_front(axis))});
}

/// Replaces 0 (unless `allowZero`) by the input's dimension and -1 by what is
/// left over.
static LogicalResult resolveTarget(Node &node, ArrayRef<int64_t> from,
                                   bool allowZero,
                                   SmallVectorImpl<int64_t> &target) {
  std::optional<size_t> open;
  int64_t known = 1;
  for (size_t d = 0; d < target.size(); ++d) {
    if (target[d] == 0 && !allowZero) {
      if (d >= from.size())
        return node.error() << "dimension " << d
                            << " of the target is 0, a copy, but the input has "
                               "rank "
                            << from.size();
      target[d] = from[d];
    }
    if (target[d] == -1) {
      if (open)
        return node.error() << "more than one dimension of the target is -1";
      open = d;
    } else if (target[d] < 0 || llvm::MulOverflow(known, target[d], known)) {
      return node.error() << "target " << nn::formatShape(target)
                          << " is no shape";
    }
  }
  if (!open)
    return success();
  int64_t elements = product(from);
  if (known == 0 || elements % known != 0)
    return node.error() << "no -1 can make the target "
                        << nn::formatShape(target) << " hold the " << elements
                        << " elements of " << nn::formatShape(from);
  target[*open] = elements / known;
  return success();
}

/// Exporters that trace a model often write the batch they traced with into the
/// first dimension of a target. Where the model's batch is symbolic and the
/// other dimensions hold exactly one sample, the batch was meant; where the
/// samples would be mixed with each other, the model is refused.
static LogicalResult bindBatch(Node &node, ArrayRef<int64_t> from,
                               SmallVectorImpl<int64_t> &target) {
  std::optional<int64_t> batch = node.symbolicBatch();
  if (!batch || from.empty() || from[0] != *batch || target.empty() ||
      target[0] < 1 || target[0] == *batch)
    return success();
  ArrayRef<int64_t> rest = ArrayRef(target).drop_front();
  if (llvm::is_contained(rest, -1))
    return node.error() << "target " << nn::formatShape(target)
                        << " fixes the first dimension to " << target[0]
                        << " although the batch is symbolic, and would mix "
                           "samples; export it with -1 or 0 there";
  SmallVector<int64_t> resolved(target.begin(), target.end());
  resolved[0] = *batch;
  for (size_t d = 1; d < resolved.size() && d < from.size(); ++d)
    if (resolved[d] == 0)
      resolved[d] = from[d];
  int64_t sample = 1;
  for (int64_t size : ArrayRef(resolved).drop_front())
    if (size < 1 || llvm::MulOverflow(sample, size, sample))
      return success(); // not this case; reported as it stands
  if (sample != product(from.drop_front()))
    return success();
  node.warning()
      << "target " << nn::formatShape(target)
      << " fixes the first dimension to " << target[0]
      << " although the batch is symbolic; it is taken as the batch, "
      << *batch;
  target = resolved;
  return success();
}

static FailureOr<Binding> importReshape(Node &node, bool allowZero) {
  Value x = node.tensor(0);
  SmallVector<int64_t> target = node.listInput(1);
  if (node.failed())
    return failure();
  if (failed(bindBatch(node, shapeOf(x), target)) ||
      failed(resolveTarget(node, shapeOf(x), allowZero, target)))
    return failure();
  return node.reshape(x, target);
}

static FailureOr<Binding> importReshape13(Node &node) {
  return importReshape(node, /*allowZero=*/false);
}

static FailureOr<Binding> importReshape14(Node &node) {
  return importReshape(node, node.flag("allowzero", false));
}

/// Which dimensions of a tensor of this rank the axes name, each once.
static FailureOr<SmallVector<bool>>
toAxisSet(Node &node, ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<bool> chosen(rank, false);
  for (int64_t axis : axes) {
    axis = node.normalizeAxis(axis, rank);
    if (node.failed())
      return failure();
    if (chosen[axis])
      return node.error() << "axis " << axis << " is named twice";
    chosen[axis] = true;
  }
  return chosen;
}

/// One axis may be a scalar: so ONNX's own functions give it, and onnxruntime takes it.
static FailureOr<Binding> importUnsqueeze(Node &node) {
  Value x = node.tensor(0), given = node.tensor(1);
  SmallVector<int64_t> axes;
  if (given && shapeOf(given).empty())
    axes.push_back(node.integerInput(1));
  else if (given)
    axes = node.listInput(1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> from = shapeOf(x);
  // The axes count in the result.
  auto added = toAxisSet(node, axes, from.size() + axes.size());
  if (failed(added))
    return failure();
  SmallVector<int64_t> shape;
  for (bool isNew : *added) {
    shape.push_back(isNew ? 1 : from.front());
    from = from.drop_front(!isNew);
  }
  return node.reshape(x, shape);
}

static FailureOr<Binding> importSqueeze(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> axes;
  if (node.hasInput(1))
    axes = node.listInput(1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> from = shapeOf(x);
  SmallVector<bool> removed =
      llvm::map_to_vector(from, [](int64_t size) { return size == 1; });
  if (node.hasInput(1)) {
    auto named = toAxisSet(node, axes, from.size());
    if (failed(named))
      return failure();
    removed = *named;
  }
  SmallVector<int64_t> shape;
  for (auto [size, isRemoved] : llvm::zip_equal(from, removed)) {
    if (isRemoved && size != 1)
      return node.error() << "a dimension of " << size << " of "
                          << nn::formatShape(from) << " cannot be squeezed";
    if (!isRemoved)
      shape.push_back(size);
  }
  return node.reshape(x, shape);
}

static FailureOr<Binding> importTranspose(Node &node) {
  Value x = node.tensor(0);
  auto permutation = node.integerList("perm");
  if (node.failed())
    return failure();
  if (!permutation) {
    permutation = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(x).size()));
    std::reverse(permutation->begin(), permutation->end());
  }
  return node.create<nn::TransposeOp>(x,
                                      node.list("permutation", *permutation));
}

static FailureOr<Binding> importConcat(Node &node) {
  SmallVector<Value> operands;
  for (unsigned i = 0; i < node.inputCount(); ++i)
    operands.push_back(node.tensor(i));
  int64_t axis = node.requiredInteger("axis");
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(operands[0]).size());
  if (node.failed())
    return failure();
  // What is empty adds nothing.
  SmallVector<Value> parts = llvm::filter_to_vector(
      operands, [](Value operand) { return cast<RankedTensorType>(operand.getType()).getNumElements() > 0; });
  if (parts.size() <= 1)
    return parts.empty() ? operands.front() : parts.front();
  return node.create<nn::ConcatOp>(parts, node.number("axis", axis));
}

/// The sizes of the parts that `count` outputs get of `size` elements.
static FailureOr<SmallVector<int64_t>> partSizes(Node &node, int64_t size, int64_t count) {
  SmallVector<int64_t> sizes;
  if (node.hasInput(1)) {
    sizes = node.listInput(1);
  } else {
    // From opset 18 on the last part may be smaller.
    int64_t each = llvm::divideCeil(size, count);
    if (node.opset() < 18 && size % count != 0)
      return node.error() << "cannot split " << size << " elements into " << count << " equal parts";
    sizes.assign(count - 1, each);
    sizes.push_back(size - each * (count - 1));
  }
  if (node.failed())
    return failure();
  int64_t sum = 0;
  for (int64_t part : sizes) {
    if (part < 1)
      return node.error() << "part sizes must be positive, not " << part;
    if (llvm::AddOverflow(sum, part, sum))
      return node.error() << "part sizes overflow";
  }
  if (static_cast<int64_t>(sizes.size()) != count || sum != size)
    return node.error() << "parts of " << nn::formatShape(sizes) << " do not make " << count << " outputs of "
                        << size << " elements";
  return sizes;
}

static FailureOr<Binding> importSplit(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", 0), count = node.outputCount();
  if (node.opset() >= 18 && node.hasAttribute("num_outputs")) {
    int64_t wanted = node.requiredInteger("num_outputs");
    if (node.hasInput(1))
      return node.error() << "has part sizes and 'num_outputs'; there may be one";
    if (wanted != count)
      return node.error() << "'num_outputs' is " << wanted << ", but it has " << count << " outputs";
  }
  if (node.failed())
    return failure();
  auto type = cast<RankedTensorType>(x.getType());
  axis = node.normalizeAxis(axis, type.getRank());
  if (node.failed())
    return failure();
  FailureOr<SmallVector<int64_t>> sizes = partSizes(node, type.getDimSize(axis), count);
  if (failed(sizes))
    return failure();
  SmallVector<Value> parts;
  int64_t begin = 0;
  for (int64_t size : *sizes) {
    FailureOr<Value> part = node.slice(x, axis, begin, size);
    if (failed(part))
      return failure();
    parts.push_back(*part);
    begin += size;
  }
  for (size_t i = 1; i < parts.size(); ++i)
    node.give(i, parts[i]);
  return parts.front();
}

/// x[…, begin : begin + size * step : step, …]. A step is a block of `step` columns of which the first is taken.
static FailureOr<Value> takeEvery(Node &node, Value x, int64_t axis, int64_t begin, int64_t size, int64_t step) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t length = std::min(size * step, type.getDimSize(axis) - begin);
  FailureOr<Value> block = node.slice(x, axis, begin, length);
  if (failed(block) || step == 1)
    return block;
  if (length < size * step) {
    SmallVector<int64_t> padded(type.getShape()), offsets(type.getRank(), 0);
    padded[axis] = size * step;
    block = node.finish(nn::PadOp::create(node.builder(), node.location(), type.clone(padded), *block, offsets));
  }
  SmallVector<int64_t> split(type.getShape());
  split[axis] = size;
  SmallVector<int64_t> result = split;
  split.insert(split.begin() + axis + 1, step);
  if (succeeded(block))
    block = node.reshape(*block, split);
  if (succeeded(block))
    block = node.slice(*block, axis + 1, 0, 1);
  return failed(block) ? block : node.reshape(*block, result);
}

/// Elements begin, begin - step, … of an axis, the last first.
static FailureOr<Value> takeBackwards(Node &node, Value x, int64_t axis, int64_t begin, int64_t size, int64_t step) {
  if (!node.affords(size))
    return failure();
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < size; ++i)
    places.push_back(begin - i * step);
  return node.create<nn::GatherOp>({x, node.integers(places)}, node.number("axis", axis));
}

static FailureOr<Binding> importSlice(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> starts = node.listInput(1), ends = node.listInput(2), axes, steps;
  if (node.hasInput(3))
    axes = node.listInput(3);
  else
    axes = llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  if (node.hasInput(4))
    steps = node.listInput(4);
  else
    steps.assign(starts.size(), 1);
  if (node.failed())
    return failure();
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return node.error() << "starts, ends, axes and steps are lists of " << starts.size() << ", " << ends.size() << ", " << axes.size() << " and "
                        << steps.size() << " integers; they must have one length";
  SmallVector<bool> seen(shapeOf(x).size(), false);
  for (auto [start, end, given, step] : llvm::zip_equal(starts, ends, axes, steps)) {
    int64_t axis = node.normalizeAxis(given, shapeOf(x).size());
    if (node.failed())
      return failure();
    if (std::exchange(seen[axis], true))
      return node.error() << "axis " << given << " is named twice";
    if (step == 0 || step == INT64_MIN)
      return node.error() << "step " << step << " is none";
    int64_t size = shapeOf(x)[axis];
    auto bound = [&](int64_t i, int64_t least, int64_t most) { return std::clamp(i < 0 ? i + size : i, least, most); };
    FailureOr<Value> part = x;
    if (step > 0) {
      int64_t begin = bound(start, 0, size), count = std::max<int64_t>(0, llvm::divideCeilSigned(bound(end, 0, size) - begin, step));
      if (begin == 0 && count == size)
        continue;
      // Beyond the end it takes one element.
      part = takeEvery(node, x, axis, begin, count, std::min(step, size));
    } else {
      int64_t begin = bound(start, -1, size - 1), last = bound(end, -1, size - 1);
      int64_t count = std::max<int64_t>(0, llvm::divideCeilSigned(begin - last, -step));
      part = takeBackwards(node, x, axis, begin, count, std::min(-step, size));
    }
    if (failed(part))
      return failure();
    x = *part;
  }
  return x;
}

/// The shape that numpy's broadcasting makes of both.
static FailureOr<SmallVector<int64_t>> broadcastShape(Node &node, ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> shape(std::max(a.size(), b.size()), 1);
  for (size_t d = 0; d < shape.size(); ++d) {
    auto sizeOf = [&](ArrayRef<int64_t> of) { return d < of.size() ? of[of.size() - 1 - d] : 1; };
    int64_t x = sizeOf(a), y = sizeOf(b);
    if (x != y && x != 1 && y != 1)
      return node.error() << "shapes " << nn::formatShape(a) << " and " << nn::formatShape(b)
                          << " cannot be broadcast together (numpy's rule: equal, or 1)";
    shape[shape.size() - 1 - d] = x == 1 ? y : x;
  }
  return shape;
}

static FailureOr<Binding> importExpand(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> target = node.listInput(1);
  if (node.failed())
    return failure();
  FailureOr<SmallVector<int64_t>> shape = broadcastShape(node, shapeOf(x), target);
  return failed(shape) ? FailureOr<Binding>() : node.broadcast(x, *shape);
}

/// [a, b] repeated [r, s] times is [1, a, 1, b] spread to [r, a, s, b].
static FailureOr<Binding> importTile(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> repeats = node.listInput(1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  if (repeats.size() != shape.size())
    return node.error() << "repeats " << nn::formatShape(repeats) << " are not one a dimension of " << nn::formatShape(shape);
  SmallVector<int64_t> apart, spread, result;
  for (auto [size, times] : llvm::zip_equal(shape, repeats)) {
    if (times < 1)
      return node.error() << "repeats " << times << " times";
    int64_t product;
    if (llvm::MulOverflow(size, times, product))
      return node.error() << "the result is too large";
    if (times > 1) {
      apart.push_back(1);
      spread.push_back(times);
    }
    apart.push_back(size);
    spread.push_back(size);
    result.push_back(product);
  }
  if (failed(checkShape(result, [&] { return node.error(); })))
    return failure();
  FailureOr<Value> y = node.reshape(x, apart);
  if (succeeded(y))
    y = node.broadcast(*y, spread);
  return failed(y) ? y : node.reshape(*y, result);
}

void dtc::onnximport::addShapeOperators(OperatorTable &table) {
  table.add({{"Flatten", 13, 1, 1, 1, importFlatten, "`nn.reshape`"},
             {"Reshape", 13, 2, 2, 1, importReshape13, "`nn.reshape`"},
             {"Reshape", 14, 2, 2, 1, importReshape14,
              "`nn.reshape`; the shape known at compile time"},
             {"Squeeze", 13, 1, 2, 1, importSqueeze, "`nn.reshape`"},
             {"Unsqueeze", 13, 2, 2, 1, importUnsqueeze, "`nn.reshape`"},
             {"Transpose", 13, 1, 1, 1, importTranspose, "`nn.transpose`"},
             {"Concat", 13, 1, variadic, 1, importConcat,
              "`nn.concat`"},
             {"Split", 13, 1, 2, variadic, importSplit, "`nn.slice` for each output"},
             {"Slice", 13, 3, 5, 1, importSlice, "`nn.slice`; a step is a reshape and a slice, backwards `nn.gather`"},
             {"Expand", 13, 2, 2, 1, importExpand, "`nn.broadcast`"},
             {"Tile", 13, 2, 2, 1, importTile, "`nn.broadcast` between reshapes"}});
}

// Operators that rearrange elements: Flatten, Reshape, Transpose, Concat, Split.
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

/// Lists of integers known at compile time, one behind the other.
static FailureOr<Binding> concatIntegers(Node &node, int64_t axis) {
  std::vector<int64_t> values;
  for (unsigned i = 0; i < node.inputCount(); ++i) {
    const IntegerTensor *list = node.integers(i);
    if (!list)
      return failure();
    if (list->shape.size() != 1)
      return node.error() << "only lists of integers can be concatenated, not "
                             "tensors of rank "
                          << list->shape.size();
    llvm::append_range(values, list->values);
  }
  node.normalizeAxis(axis, 1);
  if (node.failed())
    return failure();
  int64_t size = values.size();
  return node.integerResult({{size}, std::move(values)});
}

static FailureOr<Binding> importConcat(Node &node) {
  const Binding *first = node.input(0);
  if (first && first->integers)
    return concatIntegers(node, node.requiredInteger("axis"));
  SmallVector<Value> operands;
  for (unsigned i = 0; i < node.inputCount(); ++i)
    operands.push_back(node.tensor(i));
  int64_t axis = node.requiredInteger("axis");
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(operands[0]).size());
  if (node.failed())
    return failure();
  return node.create<nn::ConcatOp>(operands, node.number("axis", axis));
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
  SmallVector<int64_t> shape(type.getShape()), offsets(type.getRank(), 0);
  SmallVector<Value> parts;
  for (int64_t size : *sizes) {
    shape[axis] = size;
    parts.push_back(nn::SliceOp::create(node.builder(), node.location(), type.clone(shape), x, offsets));
    offsets[axis] += size;
  }
  for (size_t i = 1; i < parts.size(); ++i)
    node.give(i, parts[i]);
  return Binding(parts.front());
}

void dtc::onnximport::addShapeOperators(OperatorTable &table) {
  table.add({{"Flatten", 13, 1, 1, 1, importFlatten, "`nn.reshape`"},
             {"Reshape", 13, 2, 2, 1, importReshape13, "`nn.reshape`"},
             {"Reshape", 14, 2, 2, 1, importReshape14,
              "`nn.reshape`; the shape known at compile time"},
             {"Transpose", 13, 1, 1, 1, importTranspose, "`nn.transpose`"},
             {"Concat", 13, 1, variadic, 1, importConcat,
              "`nn.concat`, or integers known at compile time"},
             {"Split", 13, 1, 2, variadic, importSplit, "`nn.slice` for each output"}});
}

// Operators that exporters write to compute shapes (`x.view(x.size(0), -1)`).
// Every shape is known, so they are evaluated here and leave no ops.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Index `i` of a range's bounds, counted from the end if negative, cut off at
/// the ends of [0, size].
static int64_t clampBound(int64_t i, int64_t size) {
  return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
}

static FailureOr<Binding> shapeBetween(Node &node, int64_t start, int64_t end) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t rank = shape.size();
  start = clampBound(start, rank);
  end = std::max(start, clampBound(end, rank));
  IntegerTensor result{{end - start}, {}};
  result.values.assign(shape.begin() + start, shape.begin() + end);
  return node.integerResult(std::move(result));
}

static FailureOr<Binding> importShape13(Node &node) {
  return shapeBetween(node, 0, INT32_MAX);
}

static FailureOr<Binding> importShape15(Node &node) {
  int64_t start = node.integer("start", 0);
  int64_t end = node.integer("end", INT32_MAX);
  return shapeBetween(node, start, end);
}

/// The operand under another shape of as many elements.
static FailureOr<Binding> withShape(Node &node, const Binding &x,
                                    ArrayRef<int64_t> shape) {
  if (x.value)
    return node.reshape(x.value, shape);
  IntegerTensor result = *x.integers;
  result.shape.assign(shape.begin(), shape.end());
  return node.integerResult(std::move(result));
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

static ArrayRef<int64_t> shapeOf(const Binding &binding) {
  return binding.value ? onnximport::shapeOf(binding.value)
                       : ArrayRef<int64_t>(binding.integers->shape);
}

static FailureOr<Binding> importUnsqueeze(Node &node) {
  const Binding *x = node.input(0);
  SmallVector<int64_t> axes = node.listInput(1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> from = shapeOf(*x);
  // The axes count in the result.
  auto added = toAxisSet(node, axes, from.size() + axes.size());
  if (failed(added))
    return failure();
  SmallVector<int64_t> shape;
  for (bool isNew : *added) {
    shape.push_back(isNew ? 1 : from.front());
    from = from.drop_front(!isNew);
  }
  return withShape(node, *x, shape);
}

static FailureOr<Binding> importSqueeze(Node &node) {
  const Binding *x = node.input(0);
  SmallVector<int64_t> axes;
  if (node.hasInput(1))
    axes = node.listInput(1);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> from = shapeOf(*x);
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
  return withShape(node, *x, shape);
}

void dtc::onnximport::addShapeArithmeticOperators(OperatorTable &table) {
  table.add(
      {{"Shape", 13, 1, 1, 1, importShape13, ""},
       {"Shape", 15, 1, 1, 1, importShape15, "integers known at compile time"},
       {"Squeeze", 13, 1, 2, 1, importSqueeze,
        "`nn.reshape`, or integers known at compile time"},
       {"Unsqueeze", 13, 2, 2, 1, importUnsqueeze,
        "`nn.reshape`, or integers known at compile time"}});
}

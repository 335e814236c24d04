// If, Loop and Scan: written out, since what decides them is known at compile time.
#include "ElementwiseOps.h"
#include "Operators.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// What outputs stand for, in order; null ones too.
static Binding giveAll(Node &node, ArrayRef<Binding> values) {
  for (unsigned i = 1; i < values.size(); ++i)
    node.give(i, values[i]);
  return values.front();
}

/// Of a node that needs what a refused one computes.
static Binding giveNone(Node &node) { return giveAll(node, SmallVector<Binding>(node.outputCount())); }

static bool isAllKnown(ArrayRef<Binding> values) {
  return llvm::all_of(values, [](Binding value) { return static_cast<bool>(value); });
}

/// The one truth value that a tensor holds; none, with an error that begins with `what`, where it is computed from data.
static std::optional<bool> truthOf(Node &node, Value value, StringRef what) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)))
    node.error() << what << " is computed from data, but must be known at compile time: control flow is written out";
  else if (!elements.getElementType().isInteger(1) || elements.getNumElements() != 1)
    node.error() << what << " is " << elements.getType() << ", not one boolean";
  else
    return elements.getSplatValue<bool>();
  return std::nullopt;
}

static LogicalResult checkOutputs(Node &node, size_t given) {
  if (node.outputCount() <= given)
    return success();
  return node.error() << "has " << node.outputCount() << " outputs, its body gives " << given;
}

static FailureOr<Binding> importIf(Node &node) {
  Value condition = node.tensor(0);
  const ::onnx::GraphProto *thenBranch = node.body("then_branch"), *elseBranch = node.body("else_branch");
  if (node.failed())
    return failure();
  std::optional<bool> isTrue = truthOf(node, condition, "its condition");
  if (!isTrue)
    return failure();
  FailureOr<SmallVector<Binding>> results = node.run(*isTrue ? *thenBranch : *elseBranch, {});
  if (failed(results) || failed(checkOutputs(node, results->size())))
    return failure();
  return giveAll(node, *results);
}

namespace {
/// What the runs of a body give to be put together along an axis.
struct Collected {
  SmallVector<Value> parts;
  int64_t axis = 0;
  bool isReversed = false;
};
} // namespace

/// Adds what one run gives.
static LogicalResult collect(Node &node, Collected &to, Value value, unsigned number) {
  if (to.parts.empty()) {
    to.axis = node.normalizeAxis(to.axis, shapeOf(value).size() + 1);
    if (node.failed())
      return failure();
  }
  SmallVector<int64_t> shape(shapeOf(value));
  if (!to.parts.empty() && cast<RankedTensorType>(to.parts.front().getType()).getRank() != static_cast<int64_t>(shape.size()) + 1)
    return node.error() << "scan output " << number << " has shapes of different ranks, the last one " << nn::formatShape(shape);
  shape.insert(shape.begin() + to.axis, 1);
  FailureOr<Value> part = node.reshape(value, shape);
  if (failed(part))
    return failure();
  to.parts.push_back(*part);
  return success();
}

static FailureOr<Value> join(Node &node, Collected &of) {
  if (of.parts.size() == 1)
    return of.parts.front();
  if (of.isReversed)
    std::reverse(of.parts.begin(), of.parts.end());
  return node.create<nn::ConcatOp>(of.parts, node.number("axis", of.axis));
}

/// What is carried keeps its element type; sizes may change from run to run, since each is written out.
static LogicalResult checkCarried(Node &node, ArrayRef<Binding> from, ArrayRef<Binding> to) {
  for (auto [i, before, behind] : llvm::enumerate(from, to))
    if (getElementTypeOrSelf(before) != getElementTypeOrSelf(behind))
      return node.error() << "value " << i << " that its runs carry is " << before.getType() << " before a run and " << behind.getType()
                          << " behind it";
  return success();
}

/// Fails, or gives what is carried at the end, then what is collected.
static FailureOr<Binding> finish(Node &node, ArrayRef<Binding> carried, MutableArrayRef<Collected> collected) {
  SmallVector<Binding> results(carried);
  if (failed(checkOutputs(node, carried.size() + collected.size())))
    return failure();
  for (auto [i, of] : llvm::enumerate(collected)) {
    if (of.parts.empty())
      return node.error() << "runs never, so that scan output " << i << " has no elements, which no tensor here is";
    FailureOr<Value> joined = join(node, of);
    if (failed(joined))
      return failure();
    results.push_back(*joined);
  }
  if (results.empty())
    return node.error() << "gives nothing";
  return giveAll(node, results);
}

/// Runs until M or until its condition no longer holds; the one of the last run is then nobody's.
static FailureOr<Binding> importLoop(Node &node) {
  const ::onnx::GraphProto *body = node.body("body");
  bool isCounted = node.hasInput(0), isConditional = node.hasInput(1);
  int64_t trips = isCounted ? node.integerInput(0) : INT64_MAX;
  Value condition = isConditional ? node.tensor(1) : Value();
  SmallVector<Binding> carried;
  for (unsigned i = 2; i < node.inputCount(); ++i)
    carried.push_back(node.tensor(i));
  if (node.failed())
    return failure();
  if (!isCounted && !isConditional)
    return node.error() << "has neither a trip count nor a condition: it would never end";
  if (body->output_size() < static_cast<int>(1 + carried.size()))
    return node.error() << "its body gives " << body->output_size() << " outputs; the condition and " << carried.size()
                        << " carried values need " << 1 + carried.size();
  Value holds = node.constant(DenseElementsAttr::get(RankedTensorType::get({}, node.builder().getI1Type()), true));
  SmallVector<Collected> collected(body->output_size() - 1 - carried.size());
  for (int64_t i = 0; i < trips; ++i) {
    if (isConditional) {
      std::optional<bool> goesOn = truthOf(node, condition, i == 0 ? "its condition" : "the condition that its body gives");
      if (!goesOn)
        return failure();
      if (!*goesOn)
        break;
    }
    Value iteration = node.constant(DenseElementsAttr::get(RankedTensorType::get({}, node.builder().getI64Type()), i));
    SmallVector<Binding> arguments{iteration, isConditional ? condition : holds};
    llvm::append_range(arguments, carried);
    FailureOr<SmallVector<Binding>> results = node.run(*body, arguments);
    if (failed(results))
      return failure();
    if (!isAllKnown(*results))
      return giveNone(node);
    condition = results->front();
    ArrayRef<Binding> rest = ArrayRef(*results).drop_front();
    if (failed(checkCarried(node, carried, rest.take_front(carried.size()))))
      return failure();
    for (auto [number, value] : llvm::enumerate(rest.drop_front(carried.size())))
      if (failed(collect(node, collected[number], value, number)))
        return failure();
    carried.assign(rest.begin(), rest.begin() + carried.size());
  }
  return finish(node, carried, collected);
}

/// A list of `size` truth values or axes; all 0 if it is absent.
static SmallVector<int64_t> readEach(Node &node, StringRef name, size_t size) {
  SmallVector<int64_t> values = node.integerList(name).value_or(SmallVector<int64_t>(size, 0));
  if (values.size() != size)
    node.error() << "attribute '" << name << "' has " << values.size() << " elements, not " << size;
  values.resize(size);
  return values;
}

/// One run for each element along the axes of its scan inputs.
static FailureOr<Binding> importScan(Node &node) {
  const ::onnx::GraphProto *body = node.body("body");
  int64_t scanInputs = node.requiredInteger("num_scan_inputs");
  if (node.failed())
    return failure();
  int64_t states = static_cast<int64_t>(node.inputCount()) - scanInputs;
  if (scanInputs < 1 || states < 0)
    return node.error() << "num_scan_inputs is " << scanInputs << ", but it has " << node.inputCount() << " inputs";
  if (body->output_size() < states)
    return node.error() << "its body gives " << body->output_size() << " outputs for " << states << " states";
  SmallVector<Binding> carried, scanned;
  for (unsigned i = 0; i < node.inputCount(); ++i)
    (i < states ? carried : scanned).push_back(node.tensor(i));
  SmallVector<Collected> collected(body->output_size() - states);
  SmallVector<int64_t> axes = readEach(node, "scan_input_axes", scanInputs), directions = readEach(node, "scan_input_directions", scanInputs),
                       outputAxes = readEach(node, "scan_output_axes", collected.size()),
                       outputDirections = readEach(node, "scan_output_directions", collected.size());
  if (node.failed())
    return failure();
  for (auto [of, axis, direction] : llvm::zip_equal(collected, outputAxes, outputDirections)) {
    of.axis = axis;
    of.isReversed = direction != 0;
  }
  int64_t length = 0;
  for (auto [value, axis] : llvm::zip_equal(scanned, axes)) {
    axis = node.normalizeAxis(axis, shapeOf(value).size());
    if (node.failed())
      return failure();
    int64_t size = shapeOf(value)[axis];
    if (length && size != length)
      return node.error() << "scans " << length << " elements of one input and " << size << " of another";
    length = size;
  }
  for (int64_t i = 0; i < length; ++i) {
    SmallVector<Binding> arguments(carried);
    for (auto [value, axis, direction] : llvm::zip_equal(scanned, axes, directions)) {
      SmallVector<int64_t> shape(shapeOf(value));
      shape.erase(shape.begin() + axis);
      FailureOr<Value> element = node.slice(value, axis, direction ? length - 1 - i : i, 1);
      element = failed(element) ? element : node.reshape(*element, shape);
      if (failed(element))
        return failure();
      arguments.push_back(*element);
    }
    FailureOr<SmallVector<Binding>> results = node.run(*body, arguments);
    if (failed(results))
      return failure();
    if (!isAllKnown(*results))
      return giveNone(node);
    ArrayRef<Binding> all(*results);
    if (failed(checkCarried(node, carried, all.take_front(states))))
      return failure();
    for (auto [number, value] : llvm::enumerate(all.drop_front(states)))
      if (failed(collect(node, collected[number], value, number)))
        return failure();
    carried.assign(all.begin(), all.begin() + states);
  }
  return finish(node, carried, collected);
}

void dtc::onnximport::addControlFlowOperators(OperatorTable &table) {
  table.add({{"If", 13, 1, 1, variadic, importIf, "the branch that its condition takes, which is known at compile time"},
             {"Loop", 13, 2, variadic, variadic, importLoop, "its body, as often as it runs; trip count and condition known at compile time"},
             {"Scan", 11, 1, variadic, variadic, importScan, "its body, once for each element along the scanned axis"}});
}

// One node of the graph, as the functions that import operators see it.
#include "Node.h"
#include "Evaluation.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

ArrayRef<int64_t> dtc::onnximport::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// A node's name; many exporters give none, then its first output's.
static StringRef nameOf(const ::onnx::NodeProto &proto) {
  if (!proto.name().empty())
    return proto.name();
  return proto.output_size() ? StringRef(proto.output(0)) : StringRef();
}

static std::string describe(const ::onnx::NodeProto &proto, size_t number,
                            int64_t opset) {
  std::string text = "node ";
  if (!proto.name().empty())
    text += quoted(proto.name());
  else if (!nameOf(proto).empty())
    text += "of " + quoted(nameOf(proto));
  else
    text += "number " + std::to_string(number);
  text += " (";
  if (!proto.domain().empty())
    text += onOneLine(StringRef(proto.domain()).take_front(100)) + ".";
  text += onOneLine(StringRef(proto.op_type()).take_front(100));
  return text + ", opset " + std::to_string(opset) + "): ";
}

Node::Node(const ::onnx::NodeProto &proto, size_t number, GraphState &graph,
           OpBuilder &builder)
    : proto(proto), graph(graph), build(builder),
      loc(namedLocation(nameOf(proto), graph.path, *builder.getContext())),
      description(describe(proto, number, graph.opset)) {
  for (const ::onnx::AttributeProto &attribute : proto.attribute())
    if (!attributes.try_emplace(attribute.name(), Attribute{&attribute}).second)
      error() << "attribute " << quoted(attribute.name()) << " is given twice";
}

InFlightDiagnostic Node::error() {
  InFlightDiagnostic diagnostic = emitError(loc);
  // One error a node: what follows it is often its consequence.
  if (std::exchange(hasError, true))
    diagnostic.abandon();
  diagnostic << description;
  return diagnostic;
}

InFlightDiagnostic Node::warning() {
  InFlightDiagnostic diagnostic = emitWarning(loc);
  diagnostic << description;
  return diagnostic;
}

/// Of what is computed at compile time; larger tensors are computed in the step.
static constexpr int64_t mostElements = int64_t{1} << 20;

bool Node::affords(int64_t elements) {
  constexpr int64_t most = int64_t{1} << 24;
  if (elements > std::min(most, graph.evaluations)) {
    error() << "takes " << elements << " elements at compile time; one node may take " << most << " there, and all nodes together "
            << GraphState().evaluations << ", of which " << graph.evaluations << " are left";
    return false;
  }
  graph.evaluations -= std::max<int64_t>(elements, 0);
  return true;
}

/// How many elements an op's operands have, if all are constants.
static std::optional<int64_t> countConstants(Operation *op) {
  int64_t count = 0;
  for (Value operand : op->getOperands()) {
    if (!matchPattern(operand, m_Constant()))
      return std::nullopt;
    count += cast<RankedTensorType>(operand.getType()).getNumElements(); // at most 2^40 each
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

bool Node::hasInput(unsigned i) const {
  return i < inputCount() && !proto.input(i).empty();
}

Value Node::tensor(unsigned i) {
  if (!hasInput(i)) {
    error() << "input " << i << " is missing";
    return {};
  }
  auto binding = graph.bindings.find(proto.input(i));
  assert(binding != graph.bindings.end() && binding->second && "inputs are checked beforehand");
  return binding->second;
}

Value Node::statistic(unsigned i) {
  Value value = tensor(i);
  auto argument = dyn_cast_if_present<BlockArgument>(value);
  auto function =
      argument ? dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp()) : nullptr;
  DictionaryAttr attributes =
      function ? function.getArgAttrDict(argument.getArgNumber()) : DictionaryAttr();
  if (attributes && attributes.contains(nn::names::state)) {
    error() << "input " << quoted(proto.input(i))
            << " holds the running statistics of another node already";
    return {};
  }
  if (!attributes || !attributes.contains(nn::names::parameter))
    return value; // nothing to keep: can be evaluated, and is refused in training
  NamedAttrList list(attributes);
  list.set(nn::names::state, list.erase(nn::names::parameter));
  list.set(nn::names::statistic, build.getUnitAttr());
  function.setArgAttrs(argument.getArgNumber(), list.getDictionary(build.getContext()));
  return argument;
}

DenseElementsAttr Node::constant(unsigned i) {
  Value value = tensor(i);
  DenseElementsAttr elements;
  if (!value || matchPattern(value, m_Constant(&elements)))
    return elements;
  error() << "input " << quoted(proto.input(i)) << " must be known at compile time (an initializer of integers, a Constant, or computed of such)";
  return {};
}

/// Twice the highest rank: pads have two elements a dimension. Longer lists are
/// refused where they are read, so that no message prints them.
static constexpr int64_t maxListSize = 128;

static SmallVector<int64_t> toIntegers(DenseElementsAttr elements) {
  return llvm::map_to_vector(elements.getValues<APInt>(), [](const APInt &value) { return value.getSExtValue(); });
}

SmallVector<int64_t> Node::listInput(unsigned i) {
  DenseElementsAttr elements = constant(i);
  if (!elements)
    return {};
  auto type = cast<RankedTensorType>(elements.getType());
  Type element = type.getElementType();
  if (type.getRank() == 1 && type.getNumElements() <= maxListSize && (element.isInteger(64) || element.isInteger(32)))
    return toIntegers(elements);
  error() << "input " << quoted(proto.input(i)) << " must be a list of at most "
          << maxListSize << " integers, not a tensor of " << element << " of rank "
          << type.getRank() << " with " << type.getNumElements() << " elements";
  return {};
}

int64_t Node::integerInput(unsigned i) {
  DenseElementsAttr elements = constant(i);
  if (!elements)
    return 0;
  if (elements.getNumElements() == 1 && elements.getElementType().isInteger())
    return elements.getElementType().isInteger(1) ? elements.getSplatValue<APInt>().getZExtValue() : elements.getSplatValue<APInt>().getSExtValue();
  error() << "input " << quoted(proto.input(i)) << " must be one integer";
  return 0;
}

double Node::floatingInput(unsigned i) {
  DenseElementsAttr elements = constant(i);
  if (!elements)
    return 0;
  if (elements.getNumElements() == 1 && isa<FloatType>(elements.getElementType())) {
    APFloat value = elements.getSplatValue<APFloat>();
    bool inexact;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
    return value.convertToDouble();
  }
  error() << "input " << quoted(proto.input(i)) << " must be one number";
  return 0;
}

bool Node::usesOutput(unsigned i) const {
  return static_cast<int>(i) < proto.output_size() &&
         graph.used.contains(proto.output(i));
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool Node::hasAttribute(StringRef name) const {
  return attributes.contains(name);
}

const ::onnx::AttributeProto *
Node::attribute(StringRef name, ::onnx::AttributeProto::AttributeType type) {
  auto found = attributes.find(name);
  if (found == attributes.end())
    return nullptr;
  found->second.isRead = true;
  const ::onnx::AttributeProto *attribute = found->second.proto;
  if (!attribute->ref_attr_name().empty()) {
    error() << "attribute '" << name
            << "' refers to an attribute of a function, but there is none";
    return nullptr;
  }
  if (attribute->type() == type)
    return attribute;
  error() << "attribute '" << name << "' must be of type "
          << ::onnx::AttributeProto::AttributeType_Name(type);
  return nullptr;
}

int64_t Node::integer(StringRef name, int64_t otherwise) {
  auto found = attribute(name, ::onnx::AttributeProto::INT);
  return found ? found->i() : otherwise;
}

int64_t Node::requiredInteger(StringRef name) {
  if (!hasAttribute(name))
    error() << "attribute '" << name << "' is missing";
  return integer(name, 0);
}

bool Node::flag(StringRef name, bool otherwise) {
  int64_t value = integer(name, otherwise);
  if (value != 0 && value != 1)
    error() << "attribute '" << name << "' must be 0 or 1, not " << value;
  return value != 0;
}

double Node::floating(StringRef name, double otherwise) {
  auto found = attribute(name, ::onnx::AttributeProto::FLOAT);
  return found ? found->f() : otherwise;
}

StringRef Node::string(StringRef name, StringRef otherwise) {
  auto found = attribute(name, ::onnx::AttributeProto::STRING);
  return found ? StringRef(found->s()) : otherwise;
}

std::optional<SmallVector<int64_t>> Node::integerList(StringRef name) {
  auto found = attribute(name, ::onnx::AttributeProto::INTS);
  if (!found)
    return std::nullopt;
  if (found->ints_size() > maxListSize) {
    error() << "attribute '" << name << "' has " << found->ints_size()
            << " elements, more than tensors have dimensions";
    return std::nullopt;
  }
  return SmallVector<int64_t>(found->ints().begin(), found->ints().end());
}

const ::onnx::GraphProto *Node::body(StringRef name) {
  if (!hasAttribute(name)) {
    error() << "attribute '" << name << "' is missing";
    return nullptr;
  }
  auto found = attribute(name, ::onnx::AttributeProto::GRAPH);
  return found ? &found->g() : nullptr;
}

LogicalResult Node::checkAllAttributesRead() {
  for (const ::onnx::AttributeProto &attribute : proto.attribute())
    if (!attributes.find(attribute.name())->second.isRead)
      return error() << "attribute " << quoted(attribute.name())
                     << " is not one of this operator in this opset";
  return success();
}

int64_t Node::normalizeAxis(int64_t axis, int64_t rank, bool endAllowed) {
  int64_t end = endAllowed ? rank + 1 : rank;
  if (axis >= -rank && axis < end)
    return axis < 0 ? axis + rank : axis;
  error() << "axis " << axis << " is outside " << -rank << " to " << end - 1
          << " for a tensor of rank " << rank;
  return 0;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult Node::capture(function_ref<LogicalResult()> check) {
  std::string message;
  LogicalResult result = failure();
  {
    ScopedDiagnosticHandler capture(build.getContext(), [&](Diagnostic &found) {
      if (message.empty())
        message = found.str();
      return success();
    });
    result = check();
  }
  if (llvm::failed(result))
    error() << message;
  return result;
}

LogicalResult Node::checkTypes(ArrayRef<Type> types) {
  for (Type type : types)
    if (llvm::failed(checkShape(cast<RankedTensorType>(type).getShape(), [&] { return error(); }, /*orEmpty=*/true)))
      return failure();
  return success();
}

FailureOr<Value> Node::finish(Operation *op) {
  if (llvm::failed(capture([&] { return mlir::verify(op, /*verifyRecursively=*/false); }))) {
    op->erase();
    return failure();
  }
  if (graph.ops-- <= 0) {
    op->erase();
    return error() << "is one too many: a model makes at most " << GraphState().ops << " ops";
  }
  std::optional<int64_t> reads = countConstants(op);
  std::optional<DenseElementsAttr> elements;
  if (reads && *reads <= graph.readings) {
    elements = evaluate(op, std::min<int64_t>(graph.evaluations, mostElements));
    graph.readings -= elements ? *reads : 0;
  }
  if (!elements) {
    // What has no elements is a list of integers, and never computed with.
    for (Value result : op->getResults())
      if (llvm::failed(checkShape(shapeOf(result), [&] { return error(); }))) {
        op->erase();
        return failure();
      }
    return op->getResult(0);
  }
  graph.evaluations -= elements->getNumElements();
  op->erase();
  return constant(*elements);
}

FailureOr<Value> Node::reshape(Value x, ArrayRef<int64_t> shape) {
  if (llvm::failed(checkShape(shape, [&] { return error(); }, /*orEmpty=*/true)))
    return failure();
  auto from = cast<RankedTensorType>(x.getType());
  auto to = RankedTensorType::get(shape, from.getElementType());
  if (from == to)
    return x;
  if (from.getNumElements() != to.getNumElements())
    return error() << "cannot reshape " << nn::formatShape(from.getShape())
                   << " (" << from.getNumElements() << " elements) to "
                   << nn::formatShape(shape) << " (" << to.getNumElements()
                   << " elements)";
  return finish(nn::ReshapeOp::create(build, loc, to, x));
}

FailureOr<Value> Node::slice(Value x, int64_t axis, int64_t begin, int64_t size) {
  auto type = cast<RankedTensorType>(x.getType());
  if (begin == 0 && size == type.getDimSize(axis))
    return x;
  SmallVector<int64_t> shape(type.getShape()), offsets(type.getRank(), 0);
  shape[axis] = size;
  offsets[axis] = begin;
  return finish(nn::SliceOp::create(build, loc, type.clone(shape), x, offsets));
}

FailureOr<Value> Node::broadcast(Value x, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getShape() == shape)
    return x;
  if (llvm::failed(checkShape(shape, [&] { return error(); }, /*orEmpty=*/true)))
    return failure();
  return finish(nn::BroadcastOp::create(build, loc, type.clone(shape), x));
}

Value Node::constant(DenseElementsAttr elements) {
  --graph.ops; // where it runs out, the next node is refused
  return nn::ConstantOp::create(build, loc, elements.getType(), elements);
}

Value Node::scalar(double value) {
  auto type = RankedTensorType::get({}, build.getF32Type());
  return constant(DenseElementsAttr::get(type, static_cast<float>(value)));
}

Value Node::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(values.size(), build.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

NamedAttribute Node::list(StringRef name, ArrayRef<int64_t> values) {
  return build.getNamedAttr(name, build.getDenseI64ArrayAttr(values));
}

NamedAttribute Node::number(StringRef name, int64_t value) {
  return build.getNamedAttr(name, build.getI64IntegerAttr(value));
}

NamedAttribute Node::real(StringRef name, double value) {
  return build.getNamedAttr(name, build.getF64FloatAttr(value));
}

NamedAttribute Node::unit(StringRef name) {
  return build.getNamedAttr(name, build.getUnitAttr());
}

FailureOr<Binding> Node::readTensor(const ::onnx::TensorProto &tensor,
                                    StringRef what) {
  auto emit = [&] {
    InFlightDiagnostic diagnostic = error();
    diagnostic << what << ": ";
    return diagnostic;
  };
  FailureOr<DenseElementsAttr> elements = graph.tensors->read(tensor, emit);
  if (llvm::failed(elements))
    return failure();
  return constant(*elements);
}

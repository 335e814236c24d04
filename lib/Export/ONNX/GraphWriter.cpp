// A graph of nn ops on its way to a graph of ONNX nodes.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

int32_t dtc::onnxexport::elementTypeOf(Type type) {
  using T = ::onnx::TensorProto;
  if (isa<FloatType>(type))
    return T::FLOAT;
  return type.isInteger(1) ? T::BOOL : type.isInteger(32) ? T::INT32 : T::INT64;
}

GraphWriter::GraphWriter(::onnx::GraphProto &graph, func::FuncOp function, func::FuncOp other) : graph(graph), function(function) {
  if (!other)
    return;
  Block &mine = function.getBody().front(), &its = other.getBody().front();
  for (auto [a, b] : llvm::zip(mine.getArguments(), its.getArguments()))
    ofOtherBatch[a] = b;
  for (auto [a, b] : llvm::zip(mine, its))
    for (auto [x, y] : llvm::zip(a.getResults(), b.getResults()))
      ofOtherBatch[x] = y;
}

std::string GraphWriter::unique(StringRef wanted) {
  std::string name = wanted.empty() ? "value" : wanted.str();
  for (unsigned number = 2; !taken.insert(name).second; ++number)
    name = wanted.str() + "." + std::to_string(number);
  return name;
}

void GraphWriter::name(Value value, StringRef name) {
  taken.insert(name);
  names[value] = name.str();
}

bool GraphWriter::isOfBatch(Value value, unsigned dimension) const {
  Value other = ofOtherBatch.lookup(value);
  return other && cast<RankedTensorType>(other.getType()).getDimSize(dimension) != cast<RankedTensorType>(value.getType()).getDimSize(dimension);
}

void GraphWriter::declare(::onnx::ValueInfoProto &info, Value value) const {
  auto type = cast<RankedTensorType>(value.getType());
  info.set_name(names.at(value));
  ::onnx::TypeProto::Tensor &tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(elementTypeOf(type.getElementType()));
  tensor.mutable_shape();
  for (auto [d, size] : llvm::enumerate(type.getShape())) {
    auto &dimension = *tensor.mutable_shape()->add_dim();
    if (!isOfBatch(value, d))
      dimension.set_dim_value(size);
    else if (d == 0) // elsewhere it may be a multiple of it
      dimension.set_dim_param("N");
  }
}

/// "conv1", or what the op is.
static StringRef nameOfLayer(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName();
  return op->getName().stripDialect();
}

::onnx::NodeProto &GraphWriter::node(Operation *op, StringRef type, ArrayRef<std::string> inputs) {
  ::onnx::NodeProto &made = *graph.add_node();
  made.set_op_type(type.str());
  for (const std::string &input : inputs)
    made.add_input(input);
  Value result = op->getResult(0);
  auto [entry, isNew] = names.try_emplace(result);
  if (isNew)
    entry->second = unique(nameOfLayer(op));
  made.set_name(entry->second);
  made.add_output(entry->second);
  return made;
}

std::string GraphWriter::between(Operation *op, StringRef type, ArrayRef<std::string> inputs, llvm::function_ref<void(::onnx::NodeProto &)> fill) {
  ::onnx::NodeProto &made = *graph.add_node();
  made.set_op_type(type.str());
  for (const std::string &input : inputs)
    made.add_input(input);
  std::string name = unique((nameOfLayer(op) + "." + type.lower()).str());
  made.set_name(name);
  made.add_output(name);
  fill(made);
  return name;
}

std::vector<std::string> GraphWriter::operands(Operation *op) const {
  std::vector<std::string> result;
  for (Value operand : op->getOperands())
    result.push_back(nameOf(operand));
  return result;
}

std::string GraphWriter::elements(DenseElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  std::string bytes;
  auto append = [&](auto number) { bytes.append(reinterpret_cast<const char *>(&number), sizeof(number)); };
  if (isa<FloatType>(type.getElementType()))
    for (const APFloat &element : value.getValues<APFloat>())
      append(static_cast<float>(element.convertToDouble()));
  else
    for (const APInt &element : value.getValues<APInt>()) {
      if (type.getElementType().isInteger(1))
        append(element.getBoolValue());
      else if (type.getElementType().isInteger(32))
        append(static_cast<int32_t>(element.getSExtValue()));
      else
        append(element.getSExtValue());
    }
  std::string key = std::to_string(elementTypeOf(type.getElementType())) + nn::formatShape(type.getShape()) + bytes;
  auto [entry, isNew] = constants.try_emplace(key);
  if (!isNew)
    return entry->second;
  entry->second = unique("constant");
  ::onnx::TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(entry->second);
  tensor.set_data_type(elementTypeOf(type.getElementType()));
  for (int64_t size : type.getShape())
    tensor.add_dims(size);
  tensor.set_raw_data(std::move(bytes));
  return entry->second;
}

std::string GraphWriter::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, IntegerType::get(function.getContext(), 64));
  return elements(DenseElementsAttr::get(type, values));
}

std::string GraphWriter::number(double value) {
  return elements(DenseElementsAttr::get(RankedTensorType::get({}, Float32Type::get(function.getContext())), static_cast<float>(value)));
}

static ::onnx::AttributeProto &add(::onnx::NodeProto &node, StringRef name, ::onnx::AttributeProto::AttributeType type) {
  ::onnx::AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name.str());
  attribute.set_type(type);
  return attribute;
}

void GraphWriter::set(::onnx::NodeProto &node, StringRef name, int64_t value) { add(node, name, ::onnx::AttributeProto::INT).set_i(value); }

void GraphWriter::set(::onnx::NodeProto &node, StringRef name, double value) {
  add(node, name, ::onnx::AttributeProto::FLOAT).set_f(static_cast<float>(value));
}

void GraphWriter::set(::onnx::NodeProto &node, StringRef name, ArrayRef<int64_t> values) {
  ::onnx::AttributeProto &attribute = add(node, name, ::onnx::AttributeProto::INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
}

void GraphWriter::set(::onnx::NodeProto &node, StringRef name, StringRef value) {
  add(node, name, ::onnx::AttributeProto::STRING).set_s(value.str());
}

FailureOr<SmallVector<int64_t>> GraphWriter::shapeFor(Operation *op, Value value) const {
  SmallVector<int64_t> shape(cast<RankedTensorType>(value.getType()).getShape());
  unsigned ofBatch = 0;
  for (auto [d, size] : llvm::enumerate(shape))
    if (isOfBatch(value, d)) {
      size = -1;
      ++ofBatch;
    }
  if (ofBatch > 1)
    return op->emitError() << "no form in ONNX is known of " << op->getName() << " where several dimensions of the result depend on the batch";
  return shape;
}

LogicalResult GraphWriter::write() {
  static const OpWriters writers = [] {
    OpWriters all;
    addElementwiseWriters(all);
    addShapeWriters(all);
    addStructuredWriters(all);
    addNormalisationWriters(all);
    return all;
  }();
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto writer = writers.find(op.getName().getStringRef());
    if (writer == writers.end())
      return op.emitError() << "no form in ONNX is known of " << op.getName();
    if (failed(writer->second(*this, &op)))
      return failure();
  }
  return success();
}

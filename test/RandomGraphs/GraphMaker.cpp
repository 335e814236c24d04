// Draws, values, nodes and constants of a growing graph.
#include "test/RandomGraphs/GraphMaker.h"

#include <cmath>
#include <numeric>

using namespace dtc::test;
using llvm::ArrayRef;

static int64_t product(ArrayRef<int64_t> sizes) { return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>()); }

int64_t Value::features() const { return product(ArrayRef(shape).drop_front()); }

GraphMaker::GraphMaker(uint64_t seed) : state(0x9e3779b97f4a7c15u * (seed + 1)) {
  opset = oneOf<int64_t>({17, 18, 20, 23});
  graph.batch = oneOf<int64_t>({4, 4, 6});
  graph.model.set_ir_version(opset == 23 ? 10 : opset == 20 ? 9 : 8);
  graph.model.add_opset_import()->set_version(opset);
  graph.model.mutable_graph()->set_name("random_" + std::to_string(seed));
}

/// A generator and distributions of our own: those of standard libraries differ. (Knuth's constants; the high bits are the good ones.)
int64_t GraphMaker::draw(int64_t choices) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(choices));
}

double GraphMaker::number(double low, double high) { return low + (high - low) * (static_cast<double>(draw(1 << 20)) + 0.5) / (1 << 20); }

std::optional<Value> GraphMaker::take(llvm::function_ref<bool(const Value &)> fits) {
  std::vector<size_t> all, fresh;
  for (size_t i = 0; i < values.size(); ++i)
    if (fits(values[i])) {
      all.push_back(i);
      if (unread.count(i))
        fresh.push_back(i);
    }
  const std::vector<size_t> &from = !fresh.empty() && chance(75) ? fresh : all;
  if (from.empty())
    return std::nullopt;
  size_t chosen = from[draw(static_cast<int64_t>(from.size()))];
  unread.erase(chosen);
  return values[chosen];
}

std::optional<Value> GraphMaker::takeOfRank(int64_t least, int64_t most) {
  return take([&](const Value &value) { return value.rank() >= least && value.rank() <= most; });
}

::onnx::TensorProto &GraphMaker::initializer(ArrayRef<int64_t> shape, int type) {
  auto &tensors = *graph.model.mutable_graph()->mutable_initializer();
  ::onnx::TensorProto &tensor = *tensors.Add();
  tensor.set_name((type == ::onnx::TensorProto::FLOAT ? "w" : "i") + std::to_string(tensors.size()));
  tensor.set_data_type(type);
  for (int64_t size : shape)
    tensor.add_dims(size);
  return tensor;
}

std::string GraphMaker::parameter(ArrayRef<int64_t> shape, double deviation, double center) {
  if (center == 0 && chance(40))
    for (const auto &[name, known] : shared)
      if (ArrayRef(known) == shape && chance(60))
        return name;
  ::onnx::TensorProto &tensor = initializer(shape, ::onnx::TensorProto::FLOAT);
  // A sum of three: nearly normal, and bounded.
  for (int64_t i = 0; i < product(shape); ++i)
    tensor.add_float_data(static_cast<float>(center + deviation * (number(-1, 1) + number(-1, 1) + number(-1, 1))));
  if (center == 0)
    shared.push_back({tensor.name(), Shape(shape)});
  return tensor.name();
}

std::string GraphMaker::weight(ArrayRef<int64_t> shape, int64_t inner) { return parameter(shape, 1 / std::sqrt(static_cast<double>(inner))); }

std::string GraphMaker::tensorNode(::onnx::TensorProto tensor) {
  std::string name = node("Constant", {});
  auto &attribute = *graph.model.mutable_graph()->mutable_node(static_cast<int>(nodes()) - 1)->add_attribute();
  attribute.set_name("value");
  attribute.set_type(::onnx::AttributeProto::TENSOR);
  *attribute.mutable_t() = std::move(tensor);
  return name;
}

std::string GraphMaker::constant(ArrayRef<int64_t> shape, ArrayRef<double> numbers) {
  ::onnx::TensorProto tensor;
  tensor.set_data_type(::onnx::TensorProto::FLOAT);
  for (int64_t size : shape)
    tensor.add_dims(size);
  for (double number : numbers)
    tensor.add_float_data(static_cast<float>(number));
  return tensorNode(std::move(tensor));
}

std::string GraphMaker::booleans(ArrayRef<int64_t> shape, ArrayRef<int64_t> bits) {
  ::onnx::TensorProto tensor;
  tensor.set_data_type(::onnx::TensorProto::BOOL);
  for (int64_t size : shape)
    tensor.add_dims(size);
  for (int64_t bit : bits)
    tensor.add_int32_data(static_cast<int32_t>(bit));
  return tensorNode(std::move(tensor));
}

std::string GraphMaker::integersOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> numbers) {
  ::onnx::TensorProto &tensor = initializer(shape, ::onnx::TensorProto::INT64);
  for (int64_t number : numbers)
    tensor.add_int64_data(number);
  return tensor.name();
}

std::string GraphMaker::integers(ArrayRef<int64_t> numbers) { return integersOf({static_cast<int64_t>(numbers.size())}, numbers); }
std::string GraphMaker::integer(int64_t value) { return integersOf({}, {value}); }

static void setAttribute(::onnx::AttributeProto &attribute, const Attribute &made) {
  attribute.set_name(made.name.str());
  if (auto *integer = std::get_if<int64_t>(&made.value)) {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(*integer);
  } else if (auto *real = std::get_if<double>(&made.value)) {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(static_cast<float>(*real));
  } else if (auto *text = std::get_if<std::string>(&made.value)) {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(*text);
  } else {
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (int64_t integer : std::get<Shape>(made.value))
      attribute.add_ints(integer);
  }
}

std::vector<std::string> GraphMaker::nodeOf(llvm::StringRef op, ArrayRef<std::string> inputs, int outputs, ArrayRef<Attribute> attributes) {
  ::onnx::NodeProto &node = *graph.model.mutable_graph()->add_node();
  node.set_op_type(op.str());
  node.set_name(op.lower() + "_" + std::to_string(nodes()));
  for (const std::string &input : inputs)
    node.add_input(input);
  std::vector<std::string> names;
  for (int i = 0; i < outputs; ++i)
    names.push_back("v" + std::to_string(nodes()) + (i ? "_" + std::to_string(i) : ""));
  for (const std::string &name : names)
    node.add_output(name);
  for (const Attribute &attribute : attributes)
    setAttribute(*node.add_attribute(), attribute);
  return names;
}

std::string GraphMaker::node(llvm::StringRef op, ArrayRef<std::string> inputs, ArrayRef<Attribute> attributes) {
  return nodeOf(op, inputs, 1, attributes).front();
}

Value GraphMaker::keep(std::string name, ArrayRef<int64_t> shape, double bound) {
  if (bound > 6 && shape.size() > 1 && shape.back() > 2 && chance(50)) {
    name = node("LayerNormalization", {name, parameter({shape.back()}, 0.1, 1), parameter({shape.back()}, 0.1)}, {{"epsilon", 1e-3}});
    bound = 3;
  } else if (bound > 6) {
    name = node("Tanh", {node("Mul", {name, constant(2 / bound)})});
    bound = 1;
  }
  unread.insert(values.size());
  values.push_back({std::move(name), Shape(shape), bound});
  return values.back();
}

std::string GraphMaker::within(const Value &x) { return node("Mul", {node("Tanh", {x.name}), constant(0.9)}); }
std::string GraphMaker::positive(const Value &x) { return node("Add", {node("Softplus", {x.name}), constant(0.1)}); }
std::string GraphMaker::aboveOne(const Value &x) { return node("Add", {node("Softplus", {x.name}), constant(1.5)}); }

/// The batch as ONNX writes what it takes over: by 0, or by -1.
Value GraphMaker::reshape(const Value &x, ArrayRef<int64_t> shape) {
  Shape written(shape);
  written[0] = oneOf<int64_t>({0, -1});
  if (written[0] == 0 && written.size() > 1 && chance(30))
    written.back() = -1;
  return {node("Reshape", {x.name, integers(written)}), Shape(shape), x.bound};
}

Value GraphMaker::transpose(const Value &x, ArrayRef<int64_t> permutation) {
  Value result{node("Transpose", {x.name}, {{"perm", Shape(permutation)}}), {}, x.bound};
  for (int64_t from : permutation)
    result.shape.push_back(x.shape[from]);
  return result;
}

Shape GraphMaker::broadcastShape(const Value &x) {
  Shape shape(ArrayRef(x.shape).drop_front(1 + draw(x.rank())));
  for (int64_t &size : shape)
    if (chance(30))
      size = 1;
  return shape;
}

std::vector<Value> GraphMaker::unreadValues() const {
  std::vector<Value> found;
  for (size_t i : unread)
    found.push_back(values[i]);
  return found;
}

// Reads ONNX's backend tests and states them as models that dtc takes.
#include "NodeTest.h"

#include "onnx/version_converter/convert.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>
#include <fstream>

using namespace dtc::test;
namespace fs = std::filesystem;

template <typename Message> static bool load(const fs::path &path, Message &message) {
  std::ifstream file(path, std::ios::binary);
  return file && message.ParseFromIstream(&file);
}

/// What is no tensor (a sequence, an optional) is an empty one: the importer refuses its model.
static void loadAll(const fs::path &folder, const std::string &kind, std::vector<::onnx::TensorProto> &tensors) {
  for (fs::path path; fs::exists(path = folder / (kind + "_" + std::to_string(tensors.size()) + ".pb"));)
    if (!load(path, tensors.emplace_back()))
      tensors.back().Clear();
}

bool dtc::test::loadNodeTest(const fs::path &folder, NodeTest &test) {
  test.name = folder.filename().string();
  fs::path data = folder / "test_data_set_0";
  loadAll(data, "input", test.inputs);
  loadAll(data, "output", test.outputs);
  return load(folder / "model.onnx", test.model);
}

bool dtc::test::isRandom(llvm::StringRef name) {
  return name.contains("bernoulli") || name.starts_with("test_training_dropout_default") || name == "test_training_dropout" ||
         name == "test_training_dropout_mask";
}

/// Element i from raw data of type T, or from the typed field.
template <typename T, typename Field> static double element(const ::onnx::TensorProto &tensor, size_t i, const Field &field) {
  if (!tensor.has_raw_data())
    return static_cast<double>(field.Get(static_cast<int>(i)));
  T value;
  std::memcpy(&value, tensor.raw_data().data() + i * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

std::vector<double> dtc::test::valuesOf(const ::onnx::TensorProto &tensor) {
  size_t count = 1;
  for (int64_t size : tensor.dims())
    count *= static_cast<size_t>(size);
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i)
    switch (tensor.data_type()) {
    case ::onnx::TensorProto::INT64:
      values[i] = element<int64_t>(tensor, i, tensor.int64_data());
      break;
    case ::onnx::TensorProto::INT32:
      values[i] = element<int32_t>(tensor, i, tensor.int32_data());
      break;
    case ::onnx::TensorProto::BOOL:
      values[i] = element<bool>(tensor, i, tensor.int32_data());
      break;
    case ::onnx::TensorProto::DOUBLE:
      values[i] = element<double>(tensor, i, tensor.double_data());
      break;
    default:
      values[i] = element<float>(tensor, i, tensor.float_data());
    }
  return values;
}

bool dtc::test::liftOpset(::onnx::ModelProto &model) {
  if (model.opset_import(0).version() >= 13)
    return true;
  // It had batches, of which the converter knows nothing.
  if (model.opset_import(0).version() < 9 && llvm::any_of(model.graph().node(), [](const auto &node) { return node.op_type() == "Scan"; }))
    return false;
  try {
    model = ::onnx::version_conversion::ConvertVersion(model, 13);
    return true;
  } catch (const std::exception &) {
    return false; // it does not know a shape that it needs
  }
}

void dtc::test::makeFloat(NodeTest &test) {
  constexpr auto from = ::onnx::TensorProto::DOUBLE, to = ::onnx::TensorProto::FLOAT;
  auto retype = [&](::onnx::TensorProto &tensor) {
    if (tensor.data_type() != from)
      return;
    std::vector<double> values = valuesOf(tensor);
    tensor.clear_raw_data();
    tensor.clear_double_data();
    tensor.set_data_type(to);
    for (double value : values)
      tensor.add_float_data(static_cast<float>(value));
  };
  auto &graph = *test.model.mutable_graph();
  for (auto *values : {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()})
    for (::onnx::ValueInfoProto &value : *values)
      if (value.type().tensor_type().elem_type() == from)
        value.mutable_type()->mutable_tensor_type()->set_elem_type(to);
  for (auto &node : *graph.mutable_node())
    for (auto &attribute : *node.mutable_attribute()) {
      if ((attribute.name() == "to" || attribute.name() == "dtype") && attribute.i() == from)
        attribute.set_i(to);
      if (attribute.has_t())
        retype(*attribute.mutable_t());
    }
  for (auto *tensors : {&test.inputs, &test.outputs})
    for (::onnx::TensorProto &tensor : *tensors)
      retype(tensor);
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
    retype(tensor);
}

/// Makes constants of the inputs that are integers or booleans, or of all.
static void bindInputs(NodeTest &test, bool all) {
  auto &graph = *test.model.mutable_graph();
  for (int i = static_cast<int>(test.inputs.size()) - 1; i >= 0; --i) {
    int type = test.inputs[i].data_type();
    if (!all && type != ::onnx::TensorProto::INT64 && type != ::onnx::TensorProto::INT32 && type != ::onnx::TensorProto::BOOL)
      continue;
    // A node: an initializer of floats is a parameter.
    ::onnx::NodeProto node;
    node.set_op_type("Constant");
    node.add_output(graph.input(i).name());
    ::onnx::AttributeProto &value = *node.add_attribute();
    value.set_name("value");
    value.set_type(::onnx::AttributeProto::TENSOR);
    *value.mutable_t() = test.inputs[i];
    *graph.add_node() = node;
    for (int at = graph.node_size() - 1; at > 0; --at)
      graph.mutable_node()->SwapElements(at, at - 1);
    test.inputs.erase(test.inputs.begin() + i);
    graph.mutable_input()->DeleteSubrange(i, 1);
  }
}

void dtc::test::bindKnownInputs(NodeTest &test, llvm::function_ref<std::vector<std::string>(const ::onnx::ModelProto &)> errorsOf) {
  for (bool all : {false, true})
    if (llvm::any_of(errorsOf(test.model), [](llvm::StringRef error) {
          return error.contains("known at compile time") || error.contains("input 'axes': shape [0]");
        }))
      bindInputs(test, all);
}

// ONNX's own backend tests: each model of operators that the importer knows is
// imported, evaluated in double precision and compared with ONNX's outputs.
#include "ModelFile.h"

#include "test/Reference/Reference.h"

#include "onnx/version_converter/convert.h"
#include "gtest/gtest.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace dtc;
using namespace dtc::test;
namespace fs = std::filesystem;

namespace {

/// Tests that the importer refuses, and a part of the error that says why.
/// Everything else of supported operators must import and agree, but for what `refusedKinds` says.
const std::map<std::string, std::string> refused = {
    {"test_maxpool_with_argmax_2d_precomputed_pads", "Indices"},
    {"test_maxpool_with_argmax_2d_precomputed_strides", "Indices"},
    {"test_batchnorm_example_training_mode", "is used but not supported"},
    {"test_batchnorm_epsilon_training_mode", "is used but not supported"},
    {"test_scatternd_multiply", "reduction 'mul' is not supported"},
    {"test_scatternd_add", "reduction 'add' is not supported"},
    {"test_einsum_batch_diagonal", "diagonals are not supported"},
    {"test_gathernd_example_int32_batch_dim1", "batch_dims 1 is not supported"},
    {"test_resize_tf_crop_and_resize", "'tf_crop_and_resize' is not supported"},
    {"test_resize_downsample_sizes_nearest_tf_half_pixel_for_nn", "is not supported"},
    // The extent before it was rounded down is what ONNX counts from, the one that there is what onnxruntime does.
    {"test_resize_downsample_scales_linear_align_corners", "no whole number"},
    {"test_resize_downsample_scales_cubic_align_corners", "no whole number"},
    // Slopes along the channels were not broadcast as numpy does before opset 9, and ONNX's converter leaves them.
    {"test_PReLU_1d_multiparam", "cannot be broadcast"},
    {"test_PReLU_2d_multiparam", "cannot be broadcast"},
    {"test_PReLU_3d_multiparam", "cannot be broadcast"},
};

/// What no model can have here, whichever operator asks for it.
constexpr const char *refusedKinds[] = {
    "element type uint8 is not", "element type uint16 is not", "element type uint32 is not", "element type uint64 is not",
    "element type int8 is not", "element type int16 is not", "element type float16 is not", "element type bfloat16 is not",
    "element type string is not", "casts to FLOAT16;", "casts to BFLOAT16;", "casts to STRING;",
    "has a dimension outside 1", // a tensor without elements
    "not a tensor",              // sequences and optionals
};

/// Cases whose outputs are numbers that ONNX drew.
bool isRandom(llvm::StringRef name) {
  return name.contains("bernoulli") || name.starts_with("test_training_dropout_default") || name == "test_training_dropout" ||
         name == "test_training_dropout_mask";
}

template <typename Message> bool load(const fs::path &path, Message &message) {
  std::ifstream file(path, std::ios::binary);
  return file && message.ParseFromIstream(&file);
}

bool isInteger(const ::onnx::TensorProto &tensor) {
  return tensor.data_type() == ::onnx::TensorProto::INT64 ||
         tensor.data_type() == ::onnx::TensorProto::INT32;
}

/// Element i from raw data of type T, or `otherwise` from the typed field.
template <typename T, typename Field>
double element(const ::onnx::TensorProto &tensor, size_t i, const Field &field) {
  if (!tensor.has_raw_data())
    return static_cast<double>(field.Get(static_cast<int>(i)));
  T value;
  std::memcpy(&value, tensor.raw_data().data() + i * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

/// The elements of a tensor, as the test data hold them.
reference::Tensor toReference(const ::onnx::TensorProto &tensor) {
  reference::Tensor result =
      reference::zeros({tensor.dims().data(), size_t(tensor.dims_size())});
  for (size_t i = 0; i < result.data.size(); ++i)
    switch (tensor.data_type()) {
    case ::onnx::TensorProto::INT64:
      result.data[i] = element<int64_t>(tensor, i, tensor.int64_data());
      break;
    case ::onnx::TensorProto::INT32:
      result.data[i] = element<int32_t>(tensor, i, tensor.int32_data());
      break;
    case ::onnx::TensorProto::BOOL:
      result.data[i] = element<bool>(tensor, i, tensor.int32_data());
      break;
    case ::onnx::TensorProto::DOUBLE:
      result.data[i] = element<double>(tensor, i, tensor.double_data());
      break;
    default:
      result.data[i] = element<float>(tensor, i, tensor.float_data());
    }
  return result;
}

/// One test case of ONNX, prepared for the importer.
struct Case {
  std::string name;
  ::onnx::ModelProto model;
  std::vector<::onnx::TensorProto> inputs, outputs;
};

/// The operators of a model that the importer must know to import it.
bool usesOnlySupportedOperators(const ::onnx::ModelProto &model) {
  static const llvm::StringSet<> supported = [] {
    llvm::StringSet<> names;
    for (const ONNXOperator &op : supportedONNXOperators())
      names.insert(op.name);
    return names;
  }();
  return llvm::all_of(model.graph().node(), [](const auto &node) {
    return node.domain().empty() && supported.contains(node.op_type());
  });
}

/// Many test models state an opset before 13. ONNX's own converter lifts them;
/// false if it cannot.
bool liftOpset(::onnx::ModelProto &model) {
  if (model.opset_import(0).version() >= 13)
    return true;
  try {
    model = ::onnx::version_conversion::ConvertVersion(model, 13);
    return true;
  } catch (const std::exception &) {
    return false; // it does not know a shape that it needs
  }
}

/// Models compute in float: what a case states in double is stated in float.
void makeFloat(Case &test) {
  constexpr auto from = ::onnx::TensorProto::DOUBLE, to = ::onnx::TensorProto::FLOAT;
  auto retype = [&](::onnx::TensorProto &tensor) {
    if (tensor.data_type() != from)
      return;
    reference::Tensor values = toReference(tensor);
    tensor.clear_raw_data();
    tensor.clear_double_data();
    tensor.set_data_type(to);
    for (double value : values.data)
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

/// Shapes, axes and the like that the tests pass as inputs at run time are made
/// constants: the importer wants them at compile time. Integers and
/// booleans, or `all`.
void bindInputs(Case &test, bool all) {
  auto &graph = *test.model.mutable_graph();
  for (int i = static_cast<int>(test.inputs.size()) - 1; i >= 0; --i) {
    if (!all && !isInteger(test.inputs[i]) && test.inputs[i].data_type() != ::onnx::TensorProto::BOOL)
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

bool loadCase(const fs::path &folder, Case &test) {
  test.name = folder.filename().string();
  if (!load(folder / "model.onnx", test.model))
    return false;
  fs::path data = folder / "test_data_set_0";
  ::onnx::TensorProto tensor;
  while (load(data / ("input_" + std::to_string(test.inputs.size()) + ".pb"),
              tensor))
    test.inputs.push_back(tensor);
  while (load(data / ("output_" + std::to_string(test.outputs.size()) + ".pb"),
              tensor))
    test.outputs.push_back(tensor);
  return true;
}

/// The arguments of the imported function: the test's inputs, then the
/// parameters with their initial values.
llvm::SmallVector<reference::Tensor> argumentsOf(mlir::func::FuncOp function,
                                                 const Case &test) {
  llvm::SmallVector<reference::Tensor> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    if (auto large = function.getArgAttrOfType<mlir::DenseResourceElementsAttr>(i, "nn.init")) {
      reference::Tensor &tensor = arguments.emplace_back(reference::zeros(large.getType().getShape()));
      llvm::copy(large.getRawHandle().getBlob()->getDataAs<float>(), tensor.data.begin());
      continue;
    }
    auto init =
        function.getArgAttrOfType<mlir::DenseElementsAttr>(i, "nn.init");
    if (!init) {
      arguments.push_back(toReference(test.inputs[i]));
      continue;
    }
    reference::Tensor &tensor =
        arguments.emplace_back(reference::zeros(init.getType().getShape()));
    for (auto [to, from] : llvm::zip(tensor.data, init.getValues<float>()))
      to = from;
  }
  return arguments;
}

void expectClose(const reference::Tensor &actual,
                 const reference::Tensor &expected, double tolerance) {
  ASSERT_EQ(actual.shape, expected.shape);
  for (size_t i = 0; i < actual.data.size(); ++i) {
    if ((std::isnan(actual.data[i]) && std::isnan(expected.data[i])) || actual.data[i] == expected.data[i])
      continue;
    // ONNX's outputs were computed in float32.
    ASSERT_NEAR(actual.data[i], expected.data[i],
                1e-6 + tolerance * std::abs(expected.data[i]))
        << "element " << i;
  }
}

/// Whether the importer refuses the case because an operand is not known at compile time.
bool wantsConstants(const Case &test, const TemporaryFolder &folder) {
  Import import(folder.write("model.onnx", test.model));
  return !import.module && llvm::any_of(import.errors, [](llvm::StringRef error) {
    return error.contains("known at compile time") || error.contains("input 'axes': shape [0]");
  });
}

/// Imports, evaluates and compares; true if the outputs were compared.
bool runCase(const Case &test, const TemporaryFolder &folder,
             double tolerance) {
  Import import(folder.write("model.onnx", test.model));
  auto refusal = refused.find(test.name);
  if (refusal != refused.end()) {
    EXPECT_FALSE(import.module);
    EXPECT_EQ(import.errors.size(), 1u);
    EXPECT_NE(llvm::join(import.errors, "\n").find(refusal->second),
              std::string::npos)
        << llvm::join(import.errors, "\n");
    return false;
  }
  if (!import.module && import.errors.size() == 1 &&
      llvm::any_of(refusedKinds, [&](llvm::StringRef kind) { return llvm::StringRef(import.errors[0]).contains(kind); }))
    return false;
  EXPECT_TRUE(import.module) << llvm::join(import.errors, "\n");
  if (!import.module)
    return false;
  auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
  auto results = reference::evaluate(function, argumentsOf(function, test));
  EXPECT_TRUE(llvm::succeeded(results)) << llvm::join(import.errors, "\n");
  if (llvm::failed(results))
    return false;
  EXPECT_EQ(results->size(), test.outputs.size());
  for (auto [actual, expected] : llvm::zip(*results, test.outputs))
    expectClose(actual, toReference(expected), tolerance);
  return true;
}

/// How the cases of a run came out.
struct Tally {
  std::map<std::string, int> comparedByOperator;
  std::set<std::string> seen;
  int compared = 0, refusals = 0, notConverted = 0, otherOperators = 0;
};

void runFolder(const fs::path &group, double tolerance, Tally &tally) {
  TemporaryFolder folder;
  for (const fs::directory_entry &entry : fs::directory_iterator(group)) {
    SCOPED_TRACE(entry.path());
    if (!fs::exists(entry.path() / "model.onnx"))
      continue;
    Case test;
    ASSERT_TRUE(loadCase(entry.path(), test));
    if (!usesOnlySupportedOperators(test.model) || isRandom(test.name)) {
      ++tally.otherOperators;
      continue;
    }
    if (!liftOpset(test.model)) {
      ++tally.notConverted;
      continue;
    }
    std::set<std::string> operators;
    for (const ::onnx::NodeProto &node : test.model.graph().node())
      operators.insert(node.op_type());
    makeFloat(test);
    for (bool all : {false, true})
      if (wantsConstants(test, folder))
        bindInputs(test, all);
    tally.seen.insert(test.name);
    // The functions of windows hold pi with four digits.
    bool isWindow = llvm::StringRef(test.name).contains("window");
    if (!runCase(test, folder, isWindow ? 1e-3 : tolerance)) {
      ++tally.refusals;
      continue;
    }
    ++tally.compared;
    for (const std::string &op : operators)
      ++tally.comparedByOperator[op];
  }
}

void print(const Tally &tally) {
  printf("%d models agree with ONNX's outputs, %d are refused as expected, %d "
         "cannot be converted to opset 13, %d use other operators or random numbers\n",
         tally.compared, tally.refusals, tally.notConverted,
         tally.otherOperators);
  for (const auto &[name, count] : tally.comparedByOperator)
    printf("  %-20s %d\n", name.c_str(), count);
}

TEST(ONNXConformance, BackendTests) {
  fs::path root = DTC_ONNX_TESTDATA;
  ASSERT_TRUE(fs::is_directory(root))
      << root << " does not exist; the package libonnx-testdata provides it";
  Tally tally;
  for (const char *group :
       {"node", "simple", "pytorch-operator", "pytorch-converted"})
    runFolder(root / group, 1e-4, tally);
  print(tally);
  for (const auto &[name, reason] : refused)
    EXPECT_TRUE(tally.seen.contains(name)) << name << " is no test of ONNX";
  EXPECT_GE(tally.compared, 700); // of libonnx-testdata 1.12
  // No supported operator goes without a comparison, but for Gather, which only
  // serves shapes here (test/Import/ONNX/shape-arithmetic.test), and what is younger than
  // this ONNX (nn.gelu is compared with PyTorch: test/Execute/losses-gelu.test).
  const llvm::StringSet<> exceptions = {"Gather", "Gelu", "Mish", "Swish", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "GroupNormalization", "RMSNormalization", "Attention", "RandomUniform", "RandomUniformLike"};
  for (const ONNXOperator &op : supportedONNXOperators())
    EXPECT_TRUE(tally.comparedByOperator[op.name] > 0 || exceptions.contains(op.name))
        << op.name;
}

/// Opsets 18 to 23, from Inputs/make_newer_node_tests.py.
TEST(ONNXConformance, NewerBackendTests) {
  Tally tally;
  // ONNX's own tolerance: some of these outputs are written with four digits.
  runFolder(DTC_ONNX_NEWER_TESTDATA, 1e-3, tally);
  print(tally);
  EXPECT_EQ(tally.compared, 20);
}

} // namespace

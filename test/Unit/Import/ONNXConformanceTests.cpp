// ONNX's own backend tests: each model of operators that the importer knows is
// imported, evaluated in double precision and compared with ONNX's outputs.
#include "ModelFile.h"

#include "test/Reference/Reference.h"

#include "onnx/version_converter/convert.h"
#include "gtest/gtest.h"

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
/// Everything else of supported operators must import and agree.
const std::map<std::string, std::string> refused = {
    {"test_batchnorm_example_training_mode", "is used but not supported"},
    {"test_batchnorm_epsilon_training_mode", "is used but not supported"},
    {"test_add_uint8", "element type uint8"},
    {"test_sub_uint8", "element type uint8"},
    {"test_mul_uint8", "element type uint8"},
    {"test_div_uint8", "element type uint8"},
    {"test_maxpool_2d_uint8", "element type uint8"},
    {"test_maxpool_with_argmax_2d_precomputed_pads", "Indices"},
    {"test_maxpool_with_argmax_2d_precomputed_strides", "Indices"},
    {"test_identity_opt", "not a tensor"},
    {"test_identity_sequence", "not a tensor"},
    {"test_pow_types_float32_uint32", "element type uint32"},
    {"test_pow_types_float32_uint64", "element type uint64"},
    {"test_pow_types_int32_float32", "holds integers"},
    {"test_pow_types_int32_int32", "holds integers"},
    {"test_pow_types_int64_float32", "holds integers"},
    {"test_pow_types_int64_int64", "holds integers"},
    {"test_split_zero_size_splits", "shape [0] has a dimension outside"},
    {"test_gather_0", "known at compile time"},
    {"test_gather_1", "known at compile time"},
    {"test_gather_2d_indices", "known at compile time"},
    {"test_gather_negative_indices", "known at compile time"},
    {"test_Embedding", "known at compile time"},
    {"test_Embedding_sparse", "known at compile time"},
    {"test_pow_types_float", "holds integers"},
    {"test_operator_non_float_params", "holds integers"},
    {"test_operator_add_broadcast", "element type double"},
    {"test_operator_add_size1_broadcast", "element type double"},
    {"test_operator_add_size1_right_broadcast", "element type double"},
    {"test_operator_add_size1_singleton_broadcast", "element type double"},
    {"test_reshape_allowzero_reordered", "dimension outside 1"},
};

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

/// Shapes and axes that the tests pass as inputs at run time are
/// made initializers: the importer wants them at compile time.
void bindIntegerInputs(Case &test) {
  auto &inputs = *test.model.mutable_graph()->mutable_input();
  std::vector<::onnx::TensorProto> remaining;
  for (int i = static_cast<int>(test.inputs.size()) - 1; i >= 0; --i) {
    if (!isInteger(test.inputs[i]))
      continue;
    test.inputs[i].set_name(inputs[i].name());
    *test.model.mutable_graph()->add_initializer() = test.inputs[i];
    test.inputs.erase(test.inputs.begin() + i);
    inputs.DeleteSubrange(i, 1);
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
  return !import.module && llvm::any_of(import.errors, [](const std::string &error) {
    return error.find("known at compile time") != std::string::npos;
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
    if (!usesOnlySupportedOperators(test.model)) {
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
    if (wantsConstants(test, folder))
      bindIntegerInputs(test);
    tally.seen.insert(test.name);
    if (!runCase(test, folder, tolerance)) {
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
         "cannot be converted to opset 13, %d use other operators\n",
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
  EXPECT_GE(tally.compared, 250); // of libonnx-testdata 1.12
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

// ONNX's own backend tests: each model of operators that the importer knows is
// imported, evaluated in double precision and compared with ONNX's outputs.
#include "ModelFile.h"

#include "test/NodeTests/NodeTest.h"
#include "test/Reference/Reference.h"

#include "gtest/gtest.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

using namespace dtc;
using namespace dtc::test;
namespace fs = std::filesystem;

namespace {

/// Tests that the importer refuses, and a part of the error that says why.
/// Everything else of supported operators must import and agree, but for what `refusedKinds` says.
const std::map<std::string, std::string> refused = {
    {"test_batchnorm_example_training_mode", "is used but not supported"},
    {"test_batchnorm_epsilon_training_mode", "is used but not supported"},
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
    "(SequenceConstruct, ",
};

/// The elements of a tensor, as the test data hold them.
reference::Tensor toReference(const ::onnx::TensorProto &tensor) {
  return {llvm::SmallVector<int64_t>(tensor.dims().begin(), tensor.dims().end()), valuesOf(tensor)};
}

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

/// The arguments of the imported function: the test's inputs, then the
/// parameters with their initial values.
llvm::SmallVector<reference::Tensor> argumentsOf(mlir::func::FuncOp function,
                                                 const NodeTest &test) {
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

/// Imports, evaluates and compares; true if the outputs were compared.
bool runCase(const NodeTest &test, const TemporaryFolder &folder,
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
    NodeTest test;
    ASSERT_TRUE(loadNodeTest(entry.path(), test));
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
    bindKnownInputs(test, [&](const ::onnx::ModelProto &model) { return Import(folder.write("model.onnx", model)).errors; });
    tally.seen.insert(test.name);
    // The functions of windows hold pi with four digits, and what is made of these images has as many.
    bool isRounded = llvm::StringRef(test.name).contains("window") || llvm::StringRef(test.name).contains("roialign") || test.name == "test_gridsample_bicubic";
    if (!runCase(test, folder, isRounded ? 1e-3 : tolerance)) {
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
  const llvm::StringSet<> exceptions = {"Gather", "Gelu", "Mish", "Swish", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "GroupNormalization", "RMSNormalization", "Attention", "LpNormalization",
                                         "RandomUniform", "RandomUniformLike", "AffineGrid", "CenterCropPad", "Col2Im", "RotaryEmbedding", "LpPool", "GlobalLpPool"};
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
  EXPECT_EQ(tally.compared, 44);
}

} // namespace

// ONNX's backend tests: a model of an operator, its inputs and what ONNX says comes out.
#ifndef DTC_TEST_NODETESTS_NODETEST_H
#define DTC_TEST_NODETESTS_NODETEST_H

#include "onnx/onnx_pb.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <filesystem>
#include <string>
#include <vector>

namespace dtc::test {

struct NodeTest {
  /// Of its folder: test_relu.
  std::string name;
  ::onnx::ModelProto model;
  /// One for each input and output of the graph, in order.
  std::vector<::onnx::TensorProto> inputs, outputs;
};

/// Reads the model and the first data set of a test's folder; false if the model cannot be read.
bool loadNodeTest(const std::filesystem::path &folder, NodeTest &test);

/// The elements of a tensor of any type of numbers or of booleans, row-major.
std::vector<double> valuesOf(const ::onnx::TensorProto &tensor);

/// Whether the test's outputs are numbers that ONNX drew.
bool isRandom(llvm::StringRef name);

/// Many test models state an opset before 13. ONNX's own converter lifts them; false if it cannot.
bool liftOpset(::onnx::ModelProto &model);

/// Models compute in float: what a test states in double is stated in float.
void makeFloat(NodeTest &test);

/// Shapes, axes and the like that tests pass as inputs at run time are made constants where the importer wants them at compile time: all
/// that are integers or booleans, or all if that is not enough. `errorsOf` says what the importer has against a model.
void bindKnownInputs(NodeTest &test, llvm::function_ref<std::vector<std::string>(const ::onnx::ModelProto &)> errorsOf);

} // namespace dtc::test

#endif // DTC_TEST_NODETESTS_NODETEST_H

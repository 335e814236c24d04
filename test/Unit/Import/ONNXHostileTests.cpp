// Damaged and malicious ONNX files: one error, or a verified module; no crash.
#include "ModelFile.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace dtc;
using namespace dtc::test;

namespace {

void addFloat(::onnx::ValueInfoProto *info, const std::string &name,
              std::initializer_list<int64_t> shape) {
  info->set_name(name);
  auto *type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(::onnx::TensorProto::FLOAT);
  type->mutable_shape();
  for (int64_t size : shape)
    type->mutable_shape()->add_dim()->set_dim_value(size);
}

::onnx::TensorProto *addInitializer(::onnx::ModelProto &model,
                                    const std::string &name,
                                    std::initializer_list<int64_t> shape,
                                    size_t bytes) {
  ::onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::FLOAT);
  for (int64_t size : shape)
    tensor->add_dims(size);
  tensor->set_raw_data(std::string(bytes, '\0'));
  return tensor;
}

::onnx::NodeProto *addNode(::onnx::ModelProto &model, const std::string &type,
                           const std::string &name,
                           std::initializer_list<std::string> inputs,
                           const std::string &output) {
  ::onnx::NodeProto *node = model.mutable_graph()->add_node();
  node->set_op_type(type);
  node->set_name(name);
  for (const std::string &input : inputs)
    node->add_input(input);
  node->add_output(output);
  return node;
}

/// x [2, 3] times w [3, 4], then a relu.
::onnx::ModelProto validModel() {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  model.mutable_graph()->set_name("g");
  addFloat(model.mutable_graph()->add_input(), "x", {2, 3});
  addInitializer(model, "w", {3, 4}, 48);
  addNode(model, "MatMul", "product", {"x", "w"}, "p");
  addNode(model, "Relu", "relu", {"p"}, "y");
  addFloat(model.mutable_graph()->add_output(), "y", {2, 4});
  return model;
}

/// The errors that a model gives; "" if it imports.
std::string errorOf(const ::onnx::ModelProto &model) {
  TemporaryFolder folder;
  Import import(folder.write("m.onnx", model));
  EXPECT_EQ(bool(import.module), import.errors.empty());
  EXPECT_LE(import.errors.size(), 1u) << llvm::join(import.errors, "\n");
  return llvm::join(import.errors, "\n");
}

void expectError(const ::onnx::ModelProto &model, const std::string &part) {
  std::string error = errorOf(model);
  EXPECT_NE(error.find(part), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

/// Imports each variant; the outcome must be a verified module or one error.
void expectSurvives(const TemporaryFolder &folder, llvm::StringRef name,
                    llvm::StringRef bytes, int &imported) {
  Import import(folder.write(name, bytes), 2);
  if (import.module) {
    EXPECT_TRUE(import.errors.empty());
    EXPECT_TRUE(succeeded(mlir::verify(*import.module)));
    ++imported;
    return;
  }
  EXPECT_EQ(import.errors.size(), 1u) << llvm::join(import.errors, "\n");
  for (const std::string &error : import.errors)
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

const char *validText = R"(<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 1, 4, 4] x) => (float[N, 2] y)
<float[2, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9},
 int64[2] shape = {0, -1}> {
  c = Conv <pads = [0, 0, 0, 0], auto_pad = "VALID"> (x, w)
  p = AveragePool <kernel_shape = [2, 2]> (c)
  y = Reshape (p, shape)
}
)";

TEST(ONNXHostile, TheBaseModelsAreValid) {
  EXPECT_EQ(errorOf(validModel()), "");
  TemporaryFolder folder;
  Import import(folder.write("m.onnxtxt", llvm::StringRef(validText)), 2);
  EXPECT_TRUE(import.module) << llvm::join(import.errors, "\n");
}

TEST(ONNXHostile, TruncatedAnywhere) {
  TemporaryFolder folder;
  std::string bytes = validModel().SerializeAsString();
  int imported = 0;
  for (size_t size = 0; size < bytes.size(); ++size)
    expectSurvives(folder, "m.onnx", llvm::StringRef(bytes).take_front(size),
                   imported);
  llvm::StringRef text = validText;
  for (size_t size = 0; size + 2 < text.size(); ++size)
    expectSurvives(folder, "m.onnxtxt", text.take_front(size), imported);
  // The opset stands at the end of the binary form: no part of it is a model.
  EXPECT_EQ(imported, 0);
}

TEST(ONNXHostile, AnyByteChanged) {
  TemporaryFolder folder;
  std::string bytes = validModel().SerializeAsString();
  int imported = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[i] ^= char(1 << bit);
      expectSurvives(folder, "m.onnx", changed, imported);
    }
  for (size_t i = 0; validText[i]; ++i)
    for (char byte : {'\0', '"', '(', '9', '-', '#', '\xff'}) {
      std::string changed = validText;
      changed[i] = byte;
      expectSurvives(folder, "m.onnxtxt", changed, imported);
    }
  // Weights and names may hold anything.
  EXPECT_GT(imported, 48 * 8);
}

TEST(ONNXHostile, EmptyAndGarbage) {
  TemporaryFolder folder;
  Import empty(folder.write("m.onnx", llvm::StringRef()));
  ASSERT_EQ(empty.errors.size(), 1u);
  EXPECT_EQ(empty.errors[0], "the model is empty");
  Import garbage(folder.write("m.onnx", llvm::StringRef("not a model")));
  ASSERT_EQ(garbage.errors.size(), 1u);
  EXPECT_NE(garbage.errors[0].find("no ONNX model"), std::string::npos);
}

TEST(ONNXHostile, NotARegularFile) {
  TemporaryFolder folder;
  ASSERT_EQ(mkfifo(folder.file("m.onnx").c_str(), 0600), 0);
  Import fifo(folder.file("m.onnx"));
  ASSERT_EQ(fifo.errors.size(), 1u);
  EXPECT_EQ(fifo.errors[0], "the model is not a regular file");
  Import directory(folder.file("."));
  EXPECT_EQ(directory.errors.size(), 1u);
}

TEST(ONNXHostile, DeeplyNestedText) {
  TemporaryFolder folder;
  std::string text = "<ir_version: 8, opset_import: [\"\" : 17]> g (";
  for (int i = 0; i < 1000000; ++i)
    text += "seq(";
  Import import(folder.write("m.onnxtxt", llvm::StringRef(text)));
  ASSERT_EQ(import.errors.size(), 1u);
  EXPECT_NE(import.errors[0].find("nested"), std::string::npos);
}

TEST(ONNXHostile, DeeplyNestedSubgraphs) {
  ::onnx::ModelProto model = validModel();
  ::onnx::GraphProto *graph = model.mutable_graph();
  for (int i = 0; i < 200; ++i) {
    ::onnx::NodeProto *node = graph->add_node();
    node->set_op_type("If");
    ::onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_type(::onnx::AttributeProto::GRAPH);
    graph = attribute->mutable_g();
  }
  expectError(model, "protobuf cannot parse");
}

TEST(ONNXHostile, SizesThatOverflow) {
  ::onnx::ModelProto model = validModel();
  addInitializer(model, "huge", {INT64_MAX, INT64_MAX}, 4);
  expectError(model, "dimension outside 0");
  model = validModel();
  addInitializer(model, "huge", {1 << 30, 1 << 30, 1 << 30}, 4);
  expectError(model, "more than 1099511627776 elements");
  model = validModel();
  addInitializer(model, "negative", {-1, 3}, 12);
  expectError(model, "dimension outside 0");
  model = validModel();
  addInitializer(model, "integers", {1 << 30, 1 << 30, 1 << 30}, 8)
      ->set_data_type(::onnx::TensorProto::INT64);
  expectError(model, "more than 1099511627776 elements");
  model = validModel();
  addFloat(model.mutable_graph()->add_input(), "i", {INT64_MAX, 2});
  expectError(model, "dimension outside 1");
}

TEST(ONNXHostile, DataThatDisagreesWithItsShape) {
  ::onnx::ModelProto model = validModel();
  addInitializer(model, "b", {4}, 15);
  expectError(model,
              "initializer 'b': the shape needs 16 bytes but 15 are given");
  model = validModel();
  ::onnx::TensorProto *tensor = addInitializer(model, "b", {4}, 0);
  tensor->clear_raw_data();
  tensor->add_float_data(1);
  expectError(model, "needs 4 elements but 1 are given");
  tensor->set_raw_data(std::string(16, '\0'));
  expectError(model, "data is given twice");
}

TEST(ONNXHostile, OtherElementTypes) {
  for (auto [type, name] : {std::pair{::onnx::TensorProto::UINT8, "uint8"},
                            {::onnx::TensorProto::COMPLEX64, "complex64"},
                            {::onnx::TensorProto::STRING, "string"}}) {
    ::onnx::ModelProto model = validModel();
    addInitializer(model, "h", {2}, 4)->set_data_type(type);
    expectError(model, std::string("initializer 'h': element type ") + name +
                           " is not supported here");
  }
  ::onnx::ModelProto model = validModel();
  addInitializer(model, "h", {2}, 4)->set_data_type(4711);
  expectError(model, "element type number 4711");
  model = validModel();
  addInitializer(model, "h", {2}, 4)->set_data_type(::onnx::TensorProto::DOUBLE);
  expectError(model, "initializer 'h': the shape needs 16 bytes but 4 are given");
}

TEST(ONNXHostile, NamesAreOnlyNames) {
  using namespace std::string_literals;
  for (const std::string &name :
       {"\"; system(\"true\"); //"s, "*/ int x; /*"s, "../../etc/passwd"s,
        "two\nlines\r\t"s, "nul\0inside"s, "$(id)`id`%s%n"s,
        std::string(1 << 20, 'a')}) {
    ::onnx::ModelProto model = validModel();
    ::onnx::GraphProto &graph = *model.mutable_graph();
    graph.set_name(name);
    graph.mutable_initializer(0)->set_name(name);
    graph.mutable_node(0)->set_input(1, name);
    graph.mutable_node(0)->set_name(name);
    TemporaryFolder folder;
    Import import(folder.write("m.onnx", model));
    ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
    auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
    EXPECT_EQ(function.getArgAttrOfType<mlir::StringAttr>(1, "nn.parameter"),
              name);
    EXPECT_EQ(function->getAttrOfType<mlir::StringAttr>("nn.model"), name);
    for (char c : function.getName())
      EXPECT_TRUE(llvm::isAlnum(c) || c == '_') << c;

    // The same name in an error stays on its line.
    graph.mutable_node(0)->set_input(0, name + "?");
    std::string error = errorOf(model);
    EXPECT_NE(error, "");
    EXPECT_EQ(error.find_first_of("\n\r\t"s + '\0'), std::string::npos);
    EXPECT_LT(error.size(), 500u);
  }
}

TEST(ONNXHostile, NamesDefinedTwice) {
  ::onnx::ModelProto model = validModel();
  addNode(model, "Relu", "again", {"x"}, "p");
  expectError(model, "output 'p' has a name that is already taken");
  model = validModel();
  addNode(model, "Relu", "again", {"p"}, "w");
  expectError(model, "output 'w' has a name that is already taken");
  model = validModel();
  addInitializer(model, "w", {1}, 4);
  expectError(model, "initializer 'w': the name is already taken");
  model = validModel();
  addFloat(model.mutable_graph()->add_input(), "x", {2, 3});
  expectError(model, "input 'x' has a name that is already taken");
  model = validModel();
  addFloat(model.mutable_graph()->add_output(), "y", {2, 4});
  expectError(model, "output 'y' of the graph is listed twice");
}

TEST(ONNXHostile, CyclesAndUndefinedInputs) {
  ::onnx::ModelProto model = validModel();
  model.mutable_graph()->mutable_node(0)->set_input(0, "y");
  expectError(model, "node 'product' (MatMul, opset 17): input 'y' is computed "
                     "by this node itself or by a later one");
  model = validModel();
  model.mutable_graph()->mutable_node(1)->set_input(0, "nowhere");
  expectError(model, "node 'relu' (Relu, opset 17): input 'nowhere' is not "
                     "defined");
}

TEST(ONNXHostile, ManyNodesNeedNoStack) {
  ::onnx::ModelProto model = validModel();
  std::string last = "y";
  for (int i = 0; i < 50000; ++i) {
    std::string next = std::to_string(i);
    addNode(model, "Relu", next, {last}, next);
    last = next;
  }
  model.mutable_graph()->mutable_output(0)->set_name(last);
  EXPECT_EQ(errorOf(model), "");
}

TEST(ONNXHostile, ManyInitializers) {
  ::onnx::ModelProto model = validModel();
  for (int i = 0; i < 20000; ++i)
    addInitializer(model, "w" + std::to_string(i), {1}, 4);
  EXPECT_EQ(errorOf(model), "");
}

TEST(ONNXHostile, IntegersThatDoubleWithoutEnd) {
  ::onnx::ModelProto model = validModel();
  addNode(model, "Shape", "shape", {"x"}, "s0");
  for (int i = 0; i < 60; ++i) {
    std::string number = std::to_string(i), next = std::to_string(i + 1);
    ::onnx::AttributeProto *axis =
        addNode(model, "Concat", "double" + number,
                {"s" + number, "s" + number}, "s" + next)
            ->add_attribute();
    axis->set_name("axis");
    axis->set_type(::onnx::AttributeProto::INT);
  }
  expectError(model, "shape [2147483648] has a dimension outside 0 to 2147483647");
}

TEST(ONNXHostile, ListsAreNotPrintedAtLength) {
  ::onnx::ModelProto model = validModel();
  ::onnx::AttributeProto *permutation =
      addNode(model, "Transpose", "t", {"x"}, "t")->add_attribute();
  permutation->set_name("perm");
  permutation->set_type(::onnx::AttributeProto::INTS);
  for (int i = 0; i < 100000; ++i)
    permutation->add_ints(i);
  expectError(model, "attribute 'perm' has 100000 elements");
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

/// The valid model with its weight, 48 bytes, in a file beside it.
::onnx::ModelProto externalModel(const std::string &location,
                                 const std::string &offset = "",
                                 const std::string &length = "") {
  ::onnx::ModelProto model = validModel();
  ::onnx::TensorProto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.clear_raw_data();
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  for (auto [key, value] : {std::pair{"location", location},
                            {"offset", offset},
                            {"length", length}})
    if (!value.empty()) {
      tensor.add_external_data()->set_key(key);
      tensor.mutable_external_data(tensor.external_data_size() - 1)
          ->set_value(value);
    }
  return model;
}

class ONNXExternalData : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(mkdir(folder.file("model").c_str(), 0700), 0);
    ASSERT_EQ(mkdir(folder.file("model/sub").c_str(), 0700), 0);
    folder.write("secret", llvm::StringRef(weights));
    folder.write("model/w.bin", llvm::StringRef(weights));
    folder.write("model/sub/w.bin", llvm::StringRef(weights));
  }
  std::string errorOf(const ::onnx::ModelProto &model) {
    Import import(folder.write("model/m.onnx", model));
    EXPECT_EQ(bool(import.module), import.errors.empty());
    return llvm::join(import.errors, "\n");
  }
  void expectError(const ::onnx::ModelProto &model, const std::string &part) {
    std::string error = errorOf(model);
    EXPECT_NE(error.find(part), std::string::npos) << error;
  }

  TemporaryFolder folder;
  std::string weights = std::string(48, '\0') + "tail";
};

TEST_F(ONNXExternalData, IsReadInsideTheFolder) {
  weights.assign("\0\0\x80\x3f", 4); // 1.0, after 4 bytes of something else
  std::string file = "skip";
  for (int i = 0; i < 12; ++i)
    file += weights;
  folder.write("model/sub/ones.bin", llvm::StringRef(file));
  Import import(
      folder.write("model/m.onnx", externalModel("sub/ones.bin", "4", "48")));
  ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
  auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
  auto init = function.getArgAttrOfType<mlir::DenseElementsAttr>(1, "nn.init");
  ASSERT_TRUE(init && init.isSplat());
  EXPECT_EQ(init.getSplatValue<float>(), 1.0f);
}

TEST_F(ONNXExternalData, NeverOutsideTheFolder) {
  using namespace std::string_literals;
  for (const std::string &location :
       {"../secret"s, "sub/../../secret"s, "/etc/passwd"s,
        folder.file("secret"), "./w.bin"s, "sub//w.bin"s, "."s, ".."s,
        "w.bin\0.txt"s, "w.bin/"s})
    expectError(externalModel(location, "0", "48"),
                "is not a plain path inside the model's folder");
}

TEST_F(ONNXExternalData, NeverThroughLinks) {
  ASSERT_EQ(symlink("../secret", folder.file("model/link.bin").c_str()), 0);
  ASSERT_EQ(symlink("..", folder.file("model/up").c_str()), 0);
  ASSERT_EQ(symlink("w.bin", folder.file("model/near.bin").c_str()), 0);
  for (const char *location : {"link.bin", "up/secret", "near.bin", "w.bin/x"})
    expectError(externalModel(location, "0", "48"), "symbolic link");
}

/// Another name of the same file is no way out of the folder: Rationale.md says why.
TEST_F(ONNXExternalData, UnderAnyOfItsNames) {
  ASSERT_EQ(link(folder.file("model/w.bin").c_str(), folder.file("elsewhere").c_str()), 0);
  EXPECT_EQ(errorOf(externalModel("w.bin", "4", "48")), "");
}

TEST_F(ONNXExternalData, OnlyRegularFiles) {
  ASSERT_EQ(mkfifo(folder.file("model/fifo").c_str(), 0600), 0);
  expectError(externalModel("fifo", "0", "48"), "not a regular file");
  expectError(externalModel("sub", "0", "48"), "not a regular file");
  expectError(externalModel("absent", "0", "48"), "cannot open 'absent'");
}

TEST_F(ONNXExternalData, OffsetAndLengthAreChecked) {
  EXPECT_EQ(errorOf(externalModel("w.bin", "4", "48")), "");
  expectError(externalModel("w.bin", "5", "48"), "do not fit");
  expectError(externalModel("w.bin", "53", "48"), "behind the end");
  expectError(externalModel("w.bin", "0", "52"), "needs 48 bytes but 52");
  expectError(externalModel("w.bin"), "needs 48 bytes but 52");
  expectError(externalModel("w.bin", "18446744073709551615", "48"),
              "behind the end");
  expectError(externalModel("w.bin", "-1", "48"), "no number of bytes");
  expectError(externalModel("w.bin", "99999999999999999999", "48"),
              "no number of bytes");
  expectError(externalModel("w.bin", "0x0", "48"), "no number of bytes");
  expectError(externalModel("", "0", "48"), "no location");
}

TEST_F(ONNXExternalData, MoreThanTheMachinesMemory) {
  // A sparse file costs nothing; its content would cost 4 TiB.
  folder.write("model/sparse.bin", llvm::StringRef());
  if (truncate(folder.file("model/sparse.bin").c_str(), int64_t{4} << 40))
    GTEST_SKIP() << "the file system has no sparse files of 4 TiB";
  ::onnx::ModelProto model = externalModel("sparse.bin");
  auto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, 1 << 20);
  tensor.set_dims(1, 1 << 20);
  expectError(model, "more than this machine has memory for");
}

} // namespace

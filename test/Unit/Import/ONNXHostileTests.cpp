// Damaged and malicious ONNX files: one error, or a verified module; no crash.
#include "ModelFile.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

#include <fstream>
#include <google/protobuf/unknown_field_set.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

/// What a terminal would act on: escape sequences in C0 and C1, text from right to left; and a name cut inside a character.
TEST(ONNXHostile, NamesDoNothingToATerminal) {
  std::string chinese;
  for (int i = 0; i < 50; ++i)
    chinese += "\u540d";
  for (std::string name : {std::string("\x1b[2J\x1b]0;title\x07"), std::string("\u009b31m"), std::string("a\u202e\u2066b"),
                           std::string("line\u2028line"), std::string("\xff\x9b"), chinese}) {
    ::onnx::ModelProto model = validModel();
    model.mutable_graph()->mutable_node(0)->set_name(name);
    model.mutable_graph()->mutable_node(0)->set_input(0, name);
    std::string error = errorOf(model);
    EXPECT_NE(error.find("is not defined"), std::string::npos) << error;
    for (const char *part : {"\x1b", "\x07", "\u009b", "\u202e", "\u2066", "\u2028", "\xff"})
      EXPECT_EQ(error.find(part), std::string::npos) << error;
    EXPECT_EQ(error.find("\\x") == std::string::npos, name == chinese) << error;
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

//===----------------------------------------------------------------------===//
// Small files that ask for much
//===----------------------------------------------------------------------===//

void addIntegers(::onnx::ModelProto &model, const std::string &name, std::vector<int64_t> values, bool isScalar = false) {
  ::onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(::onnx::TensorProto::INT64);
  if (!isScalar)
    tensor->add_dims(static_cast<int64_t>(values.size()));
  for (int64_t value : values)
    tensor->add_int64_data(value);
}

void addInteger(::onnx::NodeProto *node, const std::string &name, int64_t value) {
  ::onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(::onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void addString(::onnx::NodeProto *node, const std::string &name, const std::string &value) {
  ::onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(::onnx::AttributeProto::STRING);
  attribute->set_s(value);
}

/// What nodes write down for one dimension is bounded, whatever its size says.
TEST(ONNXHostile, OneNodeWritesALongList) {
  ::onnx::ModelProto model = validModel();
  addFloat(model.mutable_graph()->add_input(), "long", {1, INT32_MAX});
  auto refuses = [&](auto add) {
    ::onnx::ModelProto changed = model;
    add(changed);
    expectError(changed, "elements at compile time; one node may take 16777216 there");
  };
  refuses([](::onnx::ModelProto &m) { addNode(m, "Trilu", "trilu", {"long"}, "out"); });
  refuses([](::onnx::ModelProto &m) {
    addIntegers(m, "start", {-1});
    addIntegers(m, "end", {INT64_MIN});
    addIntegers(m, "axis", {1});
    addIntegers(m, "step", {-1});
    addNode(m, "Slice", "backwards", {"long", "start", "end", "axis", "step"}, "out");
  });
  refuses([](::onnx::ModelProto &m) {
    addIntegers(m, "index", {0});
    addIntegers(m, "depth", {INT32_MAX}, /*isScalar=*/true);
    addIntegers(m, "values", {0, 1});
    addNode(m, "OneHot", "hot", {"index", "depth", "values"}, "out");
  });
  refuses([](::onnx::ModelProto &m) {
    addIntegers(m, "pads", {0, 0, 0, 1 << 30});
    addString(addNode(m, "Pad", "edges", {"x", "pads"}, "out"), "mode", "edge");
  });
  refuses([](::onnx::ModelProto &m) {
    addIntegers(m, "sizes", {2, INT32_MAX});
    addNode(m, "Resize", "larger", {"x", "", "", "sizes"}, "out");
  });
}

/// Each within its bound; together not.
TEST(ONNXHostile, ManyNodesWriteLongLists) {
  ::onnx::ModelProto model = validModel();
  addIntegers(model, "delta", {1}, /*isScalar=*/true);
  addIntegers(model, "limit", {1 << 20}, /*isScalar=*/true);
  addIntegers(model, "zero", {0}, /*isScalar=*/true);
  for (int i = 0; i < 65; ++i)
    addNode(model, "Range", "range" + std::to_string(i), {"zero", "limit", "delta"}, "r" + std::to_string(i));
  expectError(model, "all nodes together 67108864, of which 0 are left");
}

/// A mask of 2^40 elements is one bit in memory; nobody reads it element by element.
TEST(ONNXHostile, NumbersSpreadWithoutEnd) {
  ::onnx::ModelProto model = validModel();
  addFloat(model.mutable_graph()->add_input(), "large", {1 << 20, 1 << 20});
  addNode(model, "Dropout", "dropout", {"large"}, "same")->add_output("mask");
  addIntegers(model, "zeros", {0, 0});
  addIntegers(model, "ones", {1, 1});
  addNode(model, "Slice", "slice", {"mask", "zeros", "ones"}, "corner");
  model.mutable_graph()->add_output()->set_name("corner");
  EXPECT_EQ(errorOf(model), "");
}

/// 600 readers of 2^20 elements: the first ones are folded, the others left to the step.
TEST(ONNXHostile, ManyNodesReadOneTensor) {
  ::onnx::ModelProto model = validModel();
  addIntegers(model, "table", std::vector<int64_t>(1 << 20, 7));
  model.mutable_graph()->mutable_initializer(1)->set_int64_data(0, 8); // no splat
  addIntegers(model, "axis", {0});
  for (int i = 0; i < 600; ++i) {
    std::string number = std::to_string(i);
    addIntegers(model, "from" + number, {i});
    addIntegers(model, "to" + number, {i + 1});
    addNode(model, "Slice", "slice" + number, {"table", "from" + number, "to" + number, "axis"}, "s" + number);
    model.mutable_graph()->add_output()->set_name("s" + number);
  }
  TemporaryFolder folder;
  Import import(folder.write("m.onnx", model));
  ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
  auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
  auto left = function.getOps<nn::SliceOp>();
  auto count = std::distance(left.begin(), left.end());
  EXPECT_GT(count, 300);
  EXPECT_LT(count, 600);
}

/// A node of few bytes is thousands of ops.
TEST(ONNXHostile, RecurrentLayersWithoutEnd) {
  ::onnx::ModelProto model = validModel();
  addFloat(model.mutable_graph()->add_input(), "sequence", {4096, 1, 1});
  addInitializer(model, "w1", {1, 1, 1}, 4);
  addInitializer(model, "r1", {1, 1, 1}, 4);
  for (int i = 0; i < 400; ++i)
    addInteger(addNode(model, "RNN", "rnn" + std::to_string(i), {"sequence", "w1", "r1"}, "h" + std::to_string(i)), "hidden_size", 1);
  expectError(model, "nodes are not supported: RNN"); // the first of them says why in a note
}

TEST(ONNXHostile, ManyNodesWithoutTheirInputs) {
  ::onnx::ModelProto model = validModel();
  for (int i = 0; i < 100000; ++i)
    addNode(model, "Relu", "relu" + std::to_string(i), {"nowhere" + std::to_string(i)}, "r" + std::to_string(i));
  expectError(model, "100000 nodes are not supported: Relu (100000)");
}

TEST(ONNXHostile, ManyTermsOfAnEquation) {
  ::onnx::ModelProto model = validModel();
  ::onnx::NodeProto *node = addNode(model, "Einsum", "einsum", {"x"}, "e");
  std::string equation = "ab";
  for (int i = 0; i < 20000; ++i) {
    node->add_input("x");
    equation += ",ab";
  }
  addString(node, "equation", equation + "->ab");
  EXPECT_EQ(errorOf(model), "");
}

/// Merged parameters come apart under names that nobody has.
TEST(ONNXHostile, ManyParametersOfOneName) {
  ::onnx::ModelProto model = validModel();
  addInitializer(model, "module.bias", {3}, 12);
  for (int i = 0; i < 30000; ++i) {
    ::onnx::NodeProto *node = addNode(model, "Add", "add" + std::to_string(i), {"x", "module.bias"}, "a" + std::to_string(i));
    ::onnx::StringStringEntryProto scopes;
    scopes.set_key("pkg.torch.onnx.name_scopes");
    scopes.set_value("['', 'other', 'add']");
    node->mutable_unknown_fields()->AddLengthDelimited(9, scopes.SerializeAsString());
  }
  EXPECT_EQ(errorOf(model), "");
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// A function of one input and output that calls `type` `times` times, each on what the one before gave.
::onnx::FunctionProto *addFunction(::onnx::ModelProto &model, const std::string &name, const std::string &type, int times) {
  ::onnx::FunctionProto *function = model.add_functions();
  function->set_name(name);
  function->set_domain("own");
  function->add_input("in");
  function->add_output("out");
  std::string last = "in";
  for (int i = 0; i < times; ++i) {
    ::onnx::NodeProto *node = function->add_node();
    node->set_op_type(type);
    node->set_domain(type == "Relu" ? "" : "own");
    node->add_input(last);
    last = i + 1 == times ? "out" : "v" + std::to_string(i);
    node->add_output(last);
  }
  return function;
}

::onnx::NodeProto *addCall(::onnx::ModelProto &model, const std::string &function, const std::string &input = "x") {
  ::onnx::NodeProto *call = addNode(model, function, "call", {input}, "called");
  call->set_domain("own");
  return call;
}

TEST(ONNXHostile, FunctionsAreInlined) {
  ::onnx::ModelProto model = validModel();
  addFunction(model, "once", "Relu", 1);
  addFunction(model, "twice", "once", 2);
  addCall(model, "twice");
  model.mutable_graph()->add_output()->set_name("called");
  EXPECT_EQ(errorOf(model), "");
}

TEST(ONNXHostile, FunctionsInACircle) {
  ::onnx::ModelProto model = validModel();
  addFunction(model, "itself", "itself", 1);
  addCall(model, "itself");
  expectError(model, "the call of function 'itself' is nested more than 64 deep; functions may not call themselves");
  model = validModel();
  addFunction(model, "a", "b", 1);
  addFunction(model, "b", "a", 1);
  addCall(model, "a");
  expectError(model, "is nested more than 64 deep");
}

/// 2^60 calls of what is empty: no nodes, and no end.
TEST(ONNXHostile, FunctionsThatDoubleWithoutEnd) {
  ::onnx::ModelProto model = validModel();
  addFunction(model, "f0", "Relu", 0);
  for (int i = 0; i < 60; ++i)
    addFunction(model, "f" + std::to_string(i + 1), "f" + std::to_string(i), 2);
  addCall(model, "f60");
  expectError(model, "more than 1048576 calls of functions");
}

/// A Loop whose body gives its value back.
::onnx::NodeProto *addLoop(::onnx::ModelProto &model, const std::string &count, const std::string &condition) {
  ::onnx::NodeProto *loop = addNode(model, "Loop", "loop", {count, condition, "x"}, "looped");
  ::onnx::AttributeProto *attribute = loop->add_attribute();
  attribute->set_name("body");
  attribute->set_type(::onnx::AttributeProto::GRAPH);
  ::onnx::GraphProto *body = attribute->mutable_g();
  for (const char *name : {"i", "c", "v"})
    body->add_input()->set_name(name);
  for (const char *name : {"c", "v"})
    body->add_output()->set_name(name);
  model.mutable_graph()->add_output()->set_name("looped");
  return loop;
}

void addCount(::onnx::ModelProto &model, int64_t count) {
  ::onnx::TensorProto *tensor = model.mutable_graph()->add_initializer();
  tensor->set_name("count");
  tensor->set_data_type(::onnx::TensorProto::INT64);
  tensor->add_int64_data(count);
}

TEST(ONNXHostile, LoopsWithoutEnd) {
  ::onnx::ModelProto model = validModel();
  addLoop(model, "", "");
  expectError(model, "has neither a trip count nor a condition: it would never end");
  model = validModel();
  addCount(model, 3);
  addLoop(model, "count", "");
  EXPECT_EQ(errorOf(model), "");
  model = validModel();
  addCount(model, INT64_MAX);
  addLoop(model, "count", "");
  expectError(model, "make at most 262144 nodes or 1073741824 bytes of them");
}

/// One node that is read again in each of many runs.
TEST(ONNXHostile, LoopsThatMultiplyBytes) {
  ::onnx::ModelProto model = validModel();
  addCount(model, 100000);
  ::onnx::NodeProto *node = addLoop(model, "count", "")->mutable_attribute(0)->mutable_g()->add_node();
  node->set_op_type("Relu");
  node->add_input("v");
  node->add_output(std::string(1 << 20, 'r'));
  expectError(model, "make at most 262144 nodes or 1073741824 bytes of them");
}

TEST(ONNXHostile, FunctionsThatMultiplyNames) {
  ::onnx::ModelProto model = validModel();
  model.mutable_graph()->mutable_input(0)->set_name(std::string(1 << 20, 'x'));
  model.mutable_graph()->mutable_node(0)->set_input(0, std::string(1 << 20, 'x'));
  ::onnx::FunctionProto *function = addFunction(model, "f", "Relu", 0);
  for (int i = 0; i < 5000; ++i) {
    ::onnx::NodeProto *node = function->add_node();
    node->set_op_type("Relu");
    node->add_input("in");
    node->add_output("r" + std::to_string(i));
  }
  addCall(model, "f", std::string(1 << 20, 'x'));
  expectError(model, "makes functions more than 1073741824 bytes");
}

TEST(ONNXHostile, FunctionsThatMultiplyAttributes) {
  ::onnx::ModelProto model = validModel();
  ::onnx::FunctionProto *function = addFunction(model, "f", "Relu", 0);
  for (int i = 0; i < 5000; ++i) {
    ::onnx::NodeProto *node = function->add_node();
    node->set_op_type("Constant");
    node->add_output("r" + std::to_string(i));
    ::onnx::AttributeProto *value = node->add_attribute();
    value->set_name("value");
    value->set_ref_attr_name("given");
    value->set_type(::onnx::AttributeProto::STRING);
  }
  addString(addCall(model, "f"), "given", std::string(1 << 20, 'v'));
  expectError(model, "makes functions more than 1073741824 bytes");
}

TEST(ONNXHostile, FunctionsAndAttributesGivenTwice) {
  ::onnx::ModelProto model = validModel();
  addFunction(model, "f", "Relu", 1);
  addFunction(model, "f", "Relu", 2);
  addCall(model, "f");
  expectError(model, "function 'f' of domain 'own' is defined twice");
  model = validModel();
  addFunction(model, "f", "Relu", 1);
  ::onnx::NodeProto *call = addCall(model, "f");
  addInteger(call, "a", 1);
  addInteger(call, "a", 2);
  expectError(model, "the call of function 'f' gives attribute 'a' twice");
}

/// Flatten's axis by the function's default, by the call's, and by the operator's own.
TEST(ONNXHostile, FunctionsHaveDefaults) {
  for (bool hasDefault : {true, false})
    for (bool isGiven : {true, false}) {
      ::onnx::ModelProto model = validModel();
      ::onnx::FunctionProto *function = addFunction(model, "f", "Relu", 1);
      ::onnx::NodeProto *node = function->mutable_node(0);
      node->set_op_type("Flatten");
      node->set_domain("");
      ::onnx::AttributeProto *axis = node->add_attribute();
      axis->set_name("axis");
      axis->set_ref_attr_name("where");
      axis->set_type(::onnx::AttributeProto::INT);
      if (hasDefault) {
        ::onnx::NodeProto holder;
        addInteger(&holder, "where", 0);
        function->mutable_unknown_fields()->AddLengthDelimited(11, holder.attribute(0).SerializeAsString());
      }
      ::onnx::NodeProto *call = addCall(model, "f");
      if (isGiven)
        addInteger(call, "where", 2);
      model.mutable_graph()->clear_output();
      model.mutable_graph()->add_output()->set_name("called");
      TemporaryFolder folder;
      Import import(folder.write("m.onnx", model));
      ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
      auto function2 = *import.module->getOps<mlir::func::FuncOp>().begin();
      auto type = mlir::cast<mlir::RankedTensorType>(function2.getResultTypes()[0]);
      int64_t rows = isGiven ? 6 : hasDefault ? 1 : 2;
      EXPECT_EQ(type.getDimSize(0), rows);
    }
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

/// As in ONNX's own loader (GHSA advisories of 2026).
TEST_F(ONNXExternalData, NeverUnderASecondName) {
  ASSERT_EQ(link(folder.file("secret").c_str(), folder.file("model/hard.bin").c_str()), 0);
  expectError(externalModel("hard.bin", "0", "48"), "'hard.bin' has 2 names (hard links)");
}

TEST_F(ONNXExternalData, OnlyRegularFiles) {
  ASSERT_EQ(mkfifo(folder.file("model/fifo").c_str(), 0600), 0);
  expectError(externalModel("fifo", "0", "48"), "not a regular file");
  expectError(externalModel("sub", "0", "48"), "not a regular file");
  expectError(externalModel("absent", "0", "48"), "cannot open 'absent'");
  // A device is none either, even where one can be made.
  if (mknod(folder.file("model/zero").c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0)
    expectError(externalModel("zero", "0", "48"), "'zero'");
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

TEST_F(ONNXExternalData, EntriesGivenTwice) {
  ::onnx::ModelProto model = externalModel("w.bin", "4", "48");
  ::onnx::StringStringEntryProto *entry = model.mutable_graph()->mutable_initializer(0)->add_external_data();
  entry->set_key("location");
  entry->set_value("../secret");
  expectError(model, "external data: entry 'location' is given twice");
  // Python's attributes could be set by such (CVE-2026-34445).
  entry->set_key("__class__");
  expectError(model, "external data: unknown entry '__class__'");
}

/// Large tensors are mapped where they lie; the same bytes, at a multiple of the elements' size or not, and where tensors overlap.
TEST_F(ONNXExternalData, LargeTensorsHoldTheirBytes) {
  constexpr int64_t rows = 1 << 10, columns = 1 << 6, bytes = rows * columns * 4;
  std::string file;
  for (int64_t i = 0; i < rows * columns + 64; ++i) {
    float value = static_cast<float>(i);
    file.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  folder.write("model/large.bin", llvm::StringRef(file));
  for (int64_t offset : {0, 8, 4, 3, 200}) {
    ::onnx::ModelProto model = externalModel("large.bin", std::to_string(offset), std::to_string(bytes));
    auto &tensor = *model.mutable_graph()->mutable_initializer(0);
    tensor.set_dims(0, rows);
    tensor.set_dims(1, columns);
    // The same region again is the same attribute.
    auto &twin = *model.mutable_graph()->add_initializer();
    twin = tensor;
    twin.set_name("twin");
    model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(1)->set_dim_value(rows);
    model.mutable_graph()->clear_output();
    model.mutable_graph()->add_output()->set_name("y");
    Import import(folder.write("model/m.onnx", model));
    ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
    auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
    auto init = function.getArgAttrOfType<mlir::DenseResourceElementsAttr>(1, "nn.init");
    ASSERT_TRUE(init);
    EXPECT_EQ(init.getData(), llvm::ArrayRef(file.data() + offset, bytes));
    EXPECT_EQ(init, function.getArgAttr(2, "nn.init"));
  }
}

/// A file that shrinks while it is mapped ends the process with a line that says so, and no signal.
TEST_F(ONNXExternalData, ThatShrinkMeanwhile) {
  std::string file;
  for (int i = 0; i < 1 << 16; ++i)
    file.append(reinterpret_cast<const char *>(&i), sizeof i);
  folder.write("model/large.bin", llvm::StringRef(file));
  ::onnx::ModelProto model = externalModel("large.bin");
  auto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, 1 << 8);
  tensor.set_dims(1, 1 << 8);
  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(1)->set_dim_value(1 << 8);
  model.mutable_graph()->clear_output();
  model.mutable_graph()->add_output()->set_name("y");
  Import import(folder.write("model/m.onnx", model));
  ASSERT_TRUE(import.module) << llvm::join(import.errors, "\n");
  auto function = *import.module->getOps<mlir::func::FuncOp>().begin();
  auto init = function.getArgAttrOfType<mlir::DenseResourceElementsAttr>(1, "nn.init");
  ASSERT_TRUE(init);
  EXPECT_EXIT(
      {
        if (truncate(folder.file("model/large.bin").c_str(), 0) == 0)
          exit(init.getData().back() ? 2 : 3);
      },
      ::testing::ExitedWithCode(1), "dtc: error: a file beside the model was cut off while it was read");
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

// dtc-node-tests: ONNX's backend tests as C++ that computes them, many in one translation unit.
//
//   dtc-node-tests FOLDER... --out=DIR
//
// Each model goes the way that dtc takes it for a CPU. DIR receives tests_0.cpp, tests_1.cpp, …, which program.h and driver.cpp beside this file
// make a program of, and tests.data, which it reads. Standard output has a line a test: its name, `compiled`, `refused` or `excluded`, its
// operators, and what there is to say; fields are separated by tabs.
#include "NodeTest.h"
#include "Step.h"
#include "TestData.h"

#include "dtc/Emit/Emit.h"
#include "dtc/Emit/Passes.h"
#include "dtc/Import/ONNX.h"
#include "dtc/Pipelines/Pipelines.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/xxhash.h"

#include <fstream>
#include <set>

using namespace mlir;
using dtc::test::NodeTest;
namespace cl = llvm::cl;
namespace fs = std::filesystem;

namespace {

/// What became of a test.
struct Outcome {
  enum Kind { Compiled, Refused, Excluded } kind;
  std::string text;
};

class Generator {
public:
  Generator(fs::path out, unsigned files)
      : out(std::move(out)), texts(files), data((this->out / "tests.data").string(), error) {
    dtc::registerDialects(registry);
    dtc::registerPasses();
  }

  Outcome add(NodeTest test);
  bool finish();

private:
  struct Imported {
    std::unique_ptr<MLIRContext> context;
    /// Errors alone, and what is noted to them.
    std::vector<std::string> errors, notes;
    OwningOpRef<ModuleOp> module;
  };
  std::unique_ptr<Imported> import(const ::onnx::ModelProto &model, int64_t batch);
  bool emit(ModuleOp module, const std::string &name, std::string &text);

  fs::path out;
  /// Of the translation units.
  std::vector<std::string> texts;
  std::error_code error;
  llvm::raw_fd_ostream data;
  DialectRegistry registry;
};

} // namespace

std::unique_ptr<Generator::Imported> Generator::import(const ::onnx::ModelProto &model, int64_t batch) {
  auto imported = std::make_unique<Imported>();
  imported->context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  imported->context->loadAllAvailableDialects();
  imported->context->printOpOnDiagnostic(false);
  imported->context->getDiagEngine().registerHandler([imported = imported.get()](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return;
    imported->errors.push_back(diagnostic.str());
    for (const Diagnostic &note : diagnostic.getNotes())
      imported->notes.push_back(note.str());
  });
  dtc::ImportOptions options;
  options.batch = batch;
  std::string path = (out / "model.onnx").string();
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
  imported->module = dtc::importONNX(path, options, *imported->context);
  return imported;
}

/// As dtc does it, but that nothing is trained.
static LogicalResult lower(ModuleOp module) {
  PassManager before(module.getContext(), ModuleOp::getOperationName());
  if (failed(parsePassPipeline("dtc-recognise,func.func(dtc-simplify-graph)", before)))
    return failure();
  PassManager behind(module.getContext(), ModuleOp::getOperationName());
  dtc::buildPipeline(dtc::Level::Grad, dtc::Level::RT, behind, {});
  dtc::buildEmitPipeline(behind);
  return failed(before.run(module)) || failed(dtc::test::makeStep(module)) || failed(verify(module)) ? failure() : behind.run(module);
}

/// The program without its plan and its main, in a namespace, and an entry in the driver's list.
bool Generator::emit(ModuleOp module, const std::string &name, std::string &text) {
  auto program = *module.getOps<dtc::rt::ProgramOp>().begin();
  std::string source;
  llvm::raw_string_ostream os(source);
  if (failed(dtc::emit::emitProgram(program, os)))
    return false;
  size_t end = source.find("// What the compiler decided.\n");
  if (end == std::string::npos)
    return false;
  text = "namespace nodetests::" + name + " {\n" + source.substr(0, end) + "const Entry entry = entryOf<Buffers>(\"" + name + "\", " +
         std::to_string(*program.getArena()) + ", bind, step);\n\n} // namespace\n} // namespace nodetests::" + name + "\n\n";
  return true;
}

/// Why no model of static tensors can be such a one; empty if it can.
static StringRef outOfScope(const ::onnx::ModelProto &model) {
  for (const auto &value : model.graph().input())
    if (!value.type().has_tensor_type())
      return "sequences and optionals";
  for (const auto &value : model.graph().output())
    if (!value.type().has_tensor_type())
      return "sequences and optionals";
  for (const auto &node : model.graph().node()) {
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      return "operators of other domains";
    if (StringRef(node.op_type()).contains("Sequence") && node.op_type() != "ReverseSequence")
      return "sequences and optionals";
    if (node.op_type() == "NonMaxSuppression" || node.op_type() == "Unique")
      return "shapes that depend on data";
  }
  return "";
}

/// An element type that no tensor has here.
static std::string foreignType(const ::onnx::ModelProto &model) {
  using Tensor = ::onnx::TensorProto;
  auto nameOf = [](int type) -> std::string {
    switch (type) {
    case Tensor::UNDEFINED: case Tensor::FLOAT: case Tensor::INT64: case Tensor::INT32: case Tensor::BOOL:
      return "";
    default:
      return StringRef(Tensor::DataType_Name(static_cast<Tensor::DataType>(type))).lower();
    }
  };
  for (const auto *values : {&model.graph().input(), &model.graph().output()})
    for (const auto &value : *values)
      if (std::string name = nameOf(value.type().tensor_type().elem_type()); !name.empty())
        return name;
  return "";
}

/// Whether a model is refused for a tensor without elements, which none here is.
static bool needsEmptyTensor(const NodeTest &test, ArrayRef<std::string> errors) {
  return llvm::any_of(test.inputs, [](const ::onnx::TensorProto &tensor) { return llvm::is_contained(tensor.dims(), 0); }) ||
         llvm::any_of(errors, [](StringRef error) { return error.contains("part sizes must be positive, not 0"); });
}

/// What stands for a first dimension that has a name; 0 if none has.
static int64_t symbolicBatch(const NodeTest &test) {
  for (int i = 0; i < test.model.graph().input_size() && i < static_cast<int>(test.inputs.size()); ++i) {
    const auto &shape = test.model.graph().input(i).type().tensor_type().shape();
    if (shape.dim_size() > 0 && shape.dim(0).has_dim_param() && test.inputs[i].dims_size() > 0)
      return test.inputs[i].dims(0);
  }
  return 0;
}

Outcome Generator::add(NodeTest test) {
  if (dtc::test::isRandom(test.name))
    return {Outcome::Excluded, "random numbers"};
  if (StringRef reason = outOfScope(test.model); !reason.empty())
    return {Outcome::Excluded, reason.str()};
  dtc::test::makeFloat(test);
  if (std::string type = foreignType(test.model); !type.empty())
    return {Outcome::Excluded, "element type " + type};
  for (const ::onnx::TensorProto &tensor : test.outputs)
    if (llvm::is_contained(tensor.dims(), 0))
      return {Outcome::Excluded, "a tensor without elements"};
  if (!dtc::test::liftOpset(test.model))
    return {Outcome::Refused, "ONNX's converter does not lift it to opset 13"};
  int64_t batch = symbolicBatch(test);
  dtc::test::bindKnownInputs(test, [&](const ::onnx::ModelProto &model) {
    std::unique_ptr<Imported> tried = import(model, batch);
    llvm::append_range(tried->errors, tried->notes);
    return std::move(tried->errors);
  });
  std::unique_ptr<Imported> imported = import(test.model, batch);
  auto refused = [&] { return Outcome{Outcome::Refused, llvm::join(imported->errors, "; ")}; };
  if (!imported->module) {
    if (needsEmptyTensor(test, imported->errors))
      return {Outcome::Excluded, "a tensor without elements"};
    return refused();
  }
  std::string tensors, text;
  llvm::raw_string_ostream os(tensors);
  if (std::string wrong = dtc::test::writeTestData(test, *imported->module->getOps<func::FuncOp>().begin(), os); !wrong.empty())
    return {Outcome::Refused, wrong};
  if (failed(lower(*imported->module)) || !emit(*imported->module, test.name, text))
    return refused();
  data << tensors;
  // By the name, so that a new test changes one file alone for a compiler's cache.
  texts[llvm::xxh3_64bits(text.substr(0, text.find('{'))) % texts.size()] += text;
  return {Outcome::Compiled, ""};
}

bool Generator::finish() {
  fs::remove(out / "model.onnx");
  for (auto [file, text] : llvm::enumerate(texts))
    llvm::raw_fd_ostream((out / ("tests_" + std::to_string(file) + ".cpp")).string(), error) << "#include \"program.h\"\n\n" << text;
  data.close();
  return !error && !data.has_error();
}

static std::string operatorsOf(const ::onnx::ModelProto &model) {
  std::set<std::string> names;
  for (const auto &node : model.graph().node())
    names.insert(node.op_type());
  return llvm::join(names, ",");
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::list<std::string> folders(cl::Positional, cl::desc("FOLDER..."));
  cl::opt<std::string> out("out", cl::Required, cl::desc("folder that is written"));
  cl::opt<std::string> only("only", cl::desc("the one test that is wanted"));
  cl::opt<unsigned> files("files", cl::init(10), cl::desc("translation units that are written"));
  cl::ParseCommandLineOptions(argc, argv);
  fs::create_directories(out.getValue());
  Generator generator(out.getValue(), std::max(1u, files.getValue()));
  std::set<fs::path> paths;
  for (const std::string &folder : folders)
    for (const fs::directory_entry &entry : fs::directory_iterator(folder))
      if (fs::exists(entry.path() / "model.onnx") && (only.empty() || entry.path().filename() == only.getValue()))
        paths.insert(entry.path());
  std::set<std::string> seen;
  for (const fs::path &path : paths) {
    NodeTest test;
    if (!dtc::test::loadNodeTest(path, test)) {
      llvm::errs() << "cannot read " << path.string() << "\n";
      return 1;
    }
    if (!seen.insert(test.name).second)
      continue;
    std::string name = test.name, operators = operatorsOf(test.model);
    llvm::outs() << name << "\t";
    llvm::outs().flush();
    Outcome outcome = generator.add(std::move(test));
    static constexpr const char *words[] = {"compiled", "refused", "excluded"};
    llvm::outs() << words[outcome.kind] << "\t" << operators << "\t" << outcome.text << "\n";
  }
  if (generator.finish())
    return 0;
  llvm::errs() << "cannot write to " << out << "\n";
  return 1;
}

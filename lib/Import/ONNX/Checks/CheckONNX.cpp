// The checks in their order, and a file on its way to them.
#include "Checks.h"
#include "lib/Import/ONNX/InlineFunctions.h"
#include "lib/Import/ONNX/ReadModel.h"

#include "dialects/NN/NN.h"
#include "dtc/Import/ONNX.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static const Check *const checks[] = {&refusalCheck,   &foldedNormalisationCheck, &idleDropoutCheck,
                                      &brokenTieCheck, &noGradientCheck,          &bakedBatchCheck,
                                      &lostNameCheck,  &transposedWeightCheck,    &mergedParameterCheck};

std::string dtc::onnximport::placeOf(const ::onnx::NodeProto &node) {
  StringRef name = !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0);
  return "node " + quoted(name) + " (" + onOneLine(StringRef(node.op_type()).take_front(100)) + ")";
}

std::string dtc::onnximport::placeOfInitializer(StringRef name) { return "initializer " + quoted(name); }

bool dtc::onnximport::isOperator(const ::onnx::NodeProto &node, StringRef type) {
  return (node.domain().empty() || node.domain() == "ai.onnx") && node.op_type() == type;
}

/// What the options bind, and a batch where the file leaves that open: one that hardly is a constant of the file.
static ImportOptions withBatch(const ::onnx::GraphProto &graph, const ImportOptions &options) {
  constexpr int64_t someBatch = 7;
  ImportOptions result = options;
  llvm::StringSet<> initialized;
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    initialized.insert(tensor.name());
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    const ::onnx::TensorShapeProto &shape = input.type().tensor_type().shape();
    bool isOpen = !initialized.contains(input.name()) && shape.dim_size() > 0 && !shape.dim(0).has_dim_value();
    if (isOpen && !result.batch &&
        llvm::none_of(options.dimensions, [&](const auto &bound) { return bound.first == shape.dim(0).dim_param(); }))
      result.batch = someBatch;
  }
  return result;
}

/// The importer's error about the model as a whole; empty if it takes it.
static std::string findRefusal(StringRef path, const ImportOptions &options, MLIRContext &context) {
  std::string error;
  ScopedDiagnosticHandler capture(&context, [&](Diagnostic &found) {
    if (found.getSeverity() == DiagnosticSeverity::Error && error.empty())
      error = onOneLine(found.str());
  });
  OwningOpRef<ModuleOp> module = importONNX(path, options, context);
  return module ? std::string() : error;
}

static FailureOr<std::vector<ModelCheck>> run(StringRef path, const ImportOptions &given, MLIRContext &context) {
  std::unique_ptr<::onnx::ModelProto> model = readModel(path, context);
  if (!model || failed(inlineFunctions(*model, path, context)))
    return failure();
  ImportOptions options = withBatch(model->graph(), given);
  std::vector<BakedBatch> baked;
  options.bakedBatches = &baked;
  std::string refusal = findRefusal(path, options, context);

  GraphImporter importer(*model, path, options, context);
  std::vector<GraphImporter::Parameter> parameters;
  {
    // What is refused of them has been refused already, and what is mended is found by the checks.
    ScopedDiagnosticHandler silence(&context, [](Diagnostic &) {});
    if (FailureOr<std::vector<GraphImporter::Parameter>> read = importer.readParameters(); succeeded(read))
      parameters = std::move(*read);
  }
  std::vector<GraphImporter::Tie> ties = importer.findTies();
  CheckedModel checked{*model, model->graph(), parameters, ties, baked, refusal, {}};
  for (const ::onnx::NodeProto &node : model->graph().node())
    for (const std::string &input : node.input())
      if (SmallVector<const ::onnx::NodeProto *, 2> &readers = checked.readers[input]; readers.empty() || readers.back() != &node)
        readers.push_back(&node);
  std::vector<ModelCheck> results;
  for (const Check *check : checks)
    results.push_back({check->name, check->summary, check->effect, check->instead, check->find(checked)});
  return results;
}

FailureOr<std::vector<ModelCheck>> dtc::checkONNX(StringRef path, const ImportOptions &options, MLIRContext &context) {
  context.loadDialect<nn::NNDialect>();
  try {
    return run(path, options, context);
  } catch (const std::bad_alloc &) {
    emitError(fileLocation(path, context)) << "the model does not fit into memory";
  } catch (const std::exception &exception) {
    emitError(fileLocation(path, context)) << "the model cannot be read: " << onOneLine(exception.what());
  }
  return failure();
}

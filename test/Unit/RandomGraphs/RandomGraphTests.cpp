// Random ONNX graphs: what they compute is what onnxruntime computed, and they train alike however they are spread.
//
// Without environment variables, 300 graphs and the outputs stored beside this file (test/campaigns/random_graphs.py writes them). DTC_RANDOM_GRAPHS=
// FIRST:COUNT takes other seeds, DTC_ONNXRUNTIME_OUTPUTS another file of outputs.
#include "test/RandomGraphs/RandomGraph.h"

#include "dialects/NN/NN.h"
#include "dtc/Partition/PassOrder.h"
#include "dtc/Pipelines/Pipelines.h"
#include "dtc/Pipelines/Registration.h"
#include "test/NodeTests/NodeTest.h"
#include "test/Unit/Import/ModelFile.h"
#include "test/Unit/Partition/SameStep.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {

constexpr uint64_t blockSize = 15;

struct Seeds {
  uint64_t first = 0, count = 300;
};

Seeds allSeeds() {
  Seeds seeds;
  if (const char *asked = std::getenv("DTC_RANDOM_GRAPHS")) {
    auto [first, count] = StringRef(asked).split(':');
    if (first.getAsInteger(10, seeds.first) || count.getAsInteger(10, seeds.count))
      abort();
  }
  return seeds;
}

/// A graph's import, in a context that knows all dialects.
class Imported {
public:
  explicit Imported(uint64_t seed) : graph(test::makeRandomGraph(seed)), context(registry(), MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
    context.printOpOnDiagnostic(false);
    context.getDiagEngine().registerHandler([this](Diagnostic &found) {
      if (found.getSeverity() == DiagnosticSeverity::Error)
        errors.push_back(found.str());
    });
    ImportOptions options;
    options.batch = graph.batch;
    module = importONNX(folder.write("model.onnx", graph.model), options, context);
  }

  func::FuncOp function() { return *module->getOps<func::FuncOp>().begin(); }
  std::string messages() const { return llvm::join(errors, "\n"); }

  /// The step of the graph's loss; null, with a message, if there is none.
  OwningOpRef<ModuleOp> makeStep(bool recognise) {
    StringRef loss = graph.loss == "mse" ? "#nn.mse" : graph.loss == "bce-logits" ? "#nn.bce_logits" : "#nn.cross_entropy";
    OwningOpRef<ModuleOp> step = module->clone();
    std::string recipe = "#nn.recipe<loss = " + loss.str() + ", optimizer = #nn.sgd<lr = 0.1, momentum = 0.9>, batch = " +
                         std::to_string(graph.batch) + ">";
    (*step->getOps<func::FuncOp>().begin())->setAttr(nn::names::recipe, parseAttribute(recipe, &context));
    PassManager differentiate(&context);
    PipelineOptions options;
    options.recognise = recognise;
    buildPipelineTo(Level::Grad, differentiate, options);
    return succeeded(differentiate.run(*step)) ? std::move(step) : nullptr;
  }

  test::RandomGraph graph;
  MLIRContext context;
  std::vector<std::string> errors;
  OwningOpRef<ModuleOp> module;

private:
  static const DialectRegistry &registry() {
    static const DialectRegistry registry = [] {
      DialectRegistry all;
      registerDialects(all);
      return all;
    }();
    return registry;
  }

  test::TemporaryFolder folder;
};

/// The graph's inputs, then the parameters' values.
Tensors argumentsOf(Imported &imported) {
  Tensors arguments;
  func::FuncOp function = imported.function();
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto type = cast<RankedTensorType>(function.getArgumentTypes()[i]);
    Tensor &tensor = arguments.emplace_back(zeros(type.getShape()));
    if (auto large = function.getArgAttrOfType<DenseResourceElementsAttr>(i, nn::names::init))
      llvm::copy(large.getRawHandle().getBlob()->getDataAs<float>(), tensor.data.begin());
    else if (auto init = function.getArgAttrOfType<DenseElementsAttr>(i, nn::names::init))
      llvm::copy(init.getValues<float>(), tensor.data.begin());
    else
      tensor.data = test::valuesOf(imported.graph.inputs[i]);
  }
  return arguments;
}

/// By seed, the elements of the output.
const std::map<uint64_t, std::vector<double>> &onnxruntimeOutputs() {
  static const std::map<uint64_t, std::vector<double>> outputs = [] {
    const char *other = std::getenv("DTC_ONNXRUNTIME_OUTPUTS");
    std::ifstream file(other ? other : DTC_ONNXRUNTIME_OUTPUTS);
    std::map<uint64_t, std::vector<double>> read;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      uint64_t seed = 0;
      words >> seed;
      for (double value; words >> value;)
        read[seed].push_back(value);
    }
    return read;
  }();
  return outputs;
}

/// A block of seeds: there are too many for a test each.
class RandomGraphs : public testing::TestWithParam<uint64_t> {
protected:
  /// Calls for each seed of the block, and names it in what fails.
  void forEachSeed(llvm::function_ref<void(uint64_t, Imported &)> test) {
    Seeds seeds = allSeeds();
    for (uint64_t seed = GetParam(); seed < std::min(GetParam() + blockSize, seeds.first + seeds.count); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Imported imported(seed);
      EXPECT_TRUE(imported.module) << imported.messages();
      if (imported.module)
        test(seed, imported);
    }
  }
};

TEST_P(RandomGraphs, ComputeWhatOnnxruntimeDoes) {
  forEachSeed([](uint64_t seed, Imported &imported) {
    auto expected = onnxruntimeOutputs().find(seed);
    ASSERT_NE(expected, onnxruntimeOutputs().end());
    auto results = evaluate(imported.function(), argumentsOf(imported));
    ASSERT_TRUE(succeeded(results)) << imported.messages();
    const std::vector<double> &actual = results->front().data;
    ASSERT_EQ(actual.size(), expected->second.size());
    double largest = 0;
    for (double value : expected->second)
      largest = std::max(largest, std::abs(value));
    // Computed in f32 there, along chains of some 60 operators.
    for (size_t i = 0; i < actual.size(); ++i)
      EXPECT_NEAR(actual[i], expected->second[i], 2e-4 * largest) << "element " << i;
  });
}

/// Between ranks without distance whatever can be spread is faster so.
const std::string &closeDevices() {
  static const std::string path = [] {
    std::string made = testing::TempDir() + "/dtc_random_graphs_" + std::to_string(getpid()) + ".yaml";
    std::ofstream(made) << "devices:\n  - {flops: 1e9, bandwidth: 1e18, memory: 8589934592}\nlink: {latency: 1e-15, bandwidth: 1e18}\n";
    return made;
  }();
  return path;
}

/// Null where the strategy refuses the graph, which only samples that do not stand alone are a reason for.
OwningOpRef<ModuleOp> partition(Imported &imported, ModuleOp step, StringRef mesh, int64_t microbatches) {
  PartitionOptions options;
  options.mesh = llvm::cantFail(Mesh::parse(mesh));
  options.microbatches = microbatches;
  options.bucketBytes = 300;
  if (mesh.contains("tensor"))
    options.cluster = closeDevices();
  OwningOpRef<ModuleOp> partitioned = step.clone();
  PassManager manager(&imported.context);
  buildPartitionPipeline(manager, options);
  imported.errors.clear();
  if (succeeded(manager.run(*partitioned)))
    return partitioned;
  EXPECT_NE(imported.messages().find("mixes the samples of a batch"), std::string::npos) << imported.messages();
  return nullptr;
}

TEST_P(RandomGraphs, TrainAlikeUnderAllStrategies) {
  struct Strategy {
    const char *mesh;
    int64_t microbatches;
    unsigned graphs = 0;
  } strategies[] = {{"data:1", 2}, {"data:2", 1}, {"data:3", 1}, {"pipe:2", 2}, {"tensor:2", 1}, {"data:2,pipe:2", 1}};
  unsigned graphs = 0;
  forEachSeed([&](uint64_t, Imported &imported) {
    ++graphs;
    OwningOpRef<ModuleOp> step = imported.makeStep(/*recognise=*/true);
    ASSERT_TRUE(step) << imported.messages();
    std::map<StringRef, WholeStep> whole;
    for (StringRef phase : {"train", "evaluate"}) {
      auto made = WholeStep::of(*step, phase);
      ASSERT_TRUE(succeeded(made)) << imported.messages();
      whole.insert({phase, std::move(*made)});
    }
    for (Strategy &strategy : strategies) {
      SCOPED_TRACE(strategy.mesh);
      OwningOpRef<ModuleOp> partitioned = partition(imported, *step, strategy.mesh, strategy.microbatches);
      if (!partitioned)
        continue;
      ++strategy.graphs;
      for (auto &[phase, made] : whole)
        expectSameStep(made, *partitioned, phase);
    }
  });
  for (const Strategy &strategy : strategies)
    EXPECT_GE(strategy.graphs, graphs * 2 / 3) << strategy.mesh << " refuses too many";
}

/// One op in the place of what an exporter wrote in parts has the same gradients, up to constants that files hold in f32.
TEST_P(RandomGraphs, TrainAlikeRecognisedAndInParts) {
  forEachSeed([](uint64_t, Imported &imported) {
    OwningOpRef<ModuleOp> recognised = imported.makeStep(true), parts = imported.makeStep(false);
    ASSERT_TRUE(recognised && parts) << imported.messages();
    auto one = WholeStep::of(*recognised, "train"), other = WholeStep::of(*parts, "train");
    ASSERT_TRUE(succeeded(one) && succeeded(other)) << imported.messages();
    ASSERT_EQ(one->results.size(), other->results.size());
    for (size_t i = 0; i < one->results.size(); ++i) {
      ASSERT_EQ(one->results[i].shape, other->results[i].shape);
      for (size_t at = 0; at < one->results[i].data.size(); ++at)
        ASSERT_NEAR(one->results[i].data[at], other->results[i].data[at], 1e-6 * (1 + std::abs(one->results[i].data[at])))
            << "element " << at << " of result " << i;
    }
  });
}

std::vector<uint64_t> blocks() {
  std::vector<uint64_t> firsts;
  Seeds seeds = allSeeds();
  for (uint64_t first = seeds.first; first < seeds.first + seeds.count; first += blockSize)
    firsts.push_back(first);
  return firsts;
}

INSTANTIATE_TEST_SUITE_P(From, RandomGraphs, testing::ValuesIn(blocks()), testing::PrintToStringParamName());

} // namespace

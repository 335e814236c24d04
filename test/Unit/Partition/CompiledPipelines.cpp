// Runs the passes up to the dist level.
#include "CompiledPipelines.h"

#include "dialects/Dist/Dist.h"
#include "dtc/Partition/PassOrder.h"
#include "dtc/Partition/Timelines/Schedule.h"
#include "dtc/Pipelines/Pipelines.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace dtc;
using llvm::formatv;

OwningOpRef<ModuleOp> test::makeStep(MLIRContext &context, int layers) {
  constexpr const char *init = "nn.init = #nn.normal<mean = 0.0, stddev = 1.0>";
  // 2 * lcm(1, …, 16); nothing is computed with it.
  std::string batch = "1441440", type = "tensor<" + batch + "x4xf32>";
  std::string text = formatv("func.func @mlp(%h0: {0} {{nn.input = \"x\"}", type), body;
  for (int layer = 1; layer < layers; ++layer) {
    text += formatv(", %w{0}: tensor<4x4xf32> {{nn.parameter = \"w{0}\", {1}}", layer, init);
    // Messages are named after layers.
    body += formatv("  %m{0} = nn.matmul %h{1}, %w{0} : ({2}, tensor<4x4xf32>) -> {2} loc(\"m{0}\")\n"
                    "  %h{0} = nn.tanh %m{0} : {2} loc(\"h{0}\")\n",
                    layer, layer - 1, type);
  }
  body += formatv("  %s = nn.add %h{0}, %h1 : {1}, {1} loc(\"s\")\n"
                  "  %y = nn.matmul %s, %w1 : ({1}, tensor<4x4xf32>) -> {1} loc(\"y\")\n"
                  "  return %y : {1}\n",
                  layers - 1, type);
  text += formatv(") -> ({0} {{nn.output = \"y\"}) attributes {{nn.model = \"mlp\", nn.recipe = "
                  "#nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = {1}>} {{\n{2}}\n",
                  type, batch, body);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  PassManager manager(&context);
  buildPipelineTo(Level::Grad, manager, {});
  if (!module || failed(manager.run(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> test::compilePipeline(ModuleOp step, const PipelineSpec &spec) {
  OwningOpRef<ModuleOp> module = step.clone();
  PartitionOptions options;
  options.mesh.axes = {{"data", spec.data}, {"pipe", spec.devices}};
  options.bucketBytes = 64;
  options.microbatches = spec.microbatches;
  options.schedule = spec.schedule;
  options.stagesPerDevice = partition::scheduleNamed(spec.schedule)->usualStages;
  PassManager manager(step.getContext());
  buildPartitionPipeline(manager, options);
  if (failed(manager.run(*module)))
    return nullptr;
  for (auto timeline : llvm::make_early_inc_range(module->getOps<dist::TimelineOp>()))
    if (timeline.getPhase() != "train")
      timeline.erase();
  return module;
}

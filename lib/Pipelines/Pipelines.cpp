// The order of the stages, and why each stands where it stands.
#include "dtc/Pipelines/Pipelines.h"

#include "dtc/Autodiff/Passes.h"
#include "dtc/Fusion/Passes.h"
#include "dtc/Partition/PassOrder.h"
#include "dtc/Plan/Passes.h"
#include "dtc/Precision/Passes.h"
#include "dtc/Recognition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// What exporters took apart is whole again before anybody looks at it: adjoints, costs and libraries know it then.
static void addRecognition(OpPassManager &manager, const dtc::PipelineOptions &options) {
  if (options.recognise)
    dtc::buildRecognitionPipeline(manager);
  else
    manager.addNestedPass<func::FuncOp>(dtc::createRecogniseDropoutPass());
  // The gradient of a call that a target has not would be no less missing.
  if (options.target != &dtc::Target::cpu())
    manager.addNestedPass<func::FuncOp>(dtc::createExpandRecurrencePass());
}

/// A model becomes its training step.
static void addAutodiff(OpPassManager &manager, const dtc::PipelineOptions &options) {
  // Behind recognition, which knows masks by their elements.
  manager.addNestedPass<func::FuncOp>(dtc::createStoreConstantsPass());

  // On the model as it was imported: its means are no sums yet, and what
  // keeps padding out of the forward graph keeps it out of the gradients.
  dtc::MaskPaddingPassOptions mask;
  mask.output = options.output;
  manager.addNestedPass<func::FuncOp>(dtc::createMaskPaddingPass(mask));

  // Before differentiation: what the forward graph does not hold needs no
  // adjoint, and some rewrites (relu behind max_pool) would change the meaning
  // of a gradient that is already there.
  manager.addNestedPass<func::FuncOp>(dtc::createSimplifyGraphPass());

  dtc::DifferentiateGraphPassOptions differentiate;
  differentiate.output = options.output;
  differentiate.batchStatistics = options.batchStatistics;
  manager.addPass(dtc::createDifferentiateGraphPass(differentiate));

  // Adjoints are written without looking at their neighbours; what they repeat
  // or leave unused goes here, while the step is still one function.
  manager.addNestedPass<func::FuncOp>(dtc::createSimplifyGraphPass());
  manager.addPass(createCSEPass());
  manager.addPass(dtc::createVerifyStepPass());
}

/// What is f32 so far becomes bf16 where that is asked for. Behind differentiation, since adjoints are written
/// for one type and gradients of weights have another than weights; before Partition, which has to know what travels.
static void addPrecision(OpPassManager &manager, dtc::Precision precision) {
  if (precision == dtc::Precision::F32)
    return;
  dtc::LowerPrecisionPassOptions lower;
  lower.precision = precision;
  manager.addPass(dtc::createLowerPrecisionPass(lower));
  manager.addPass(dtc::createVerifyStepPass());
}

/// The step becomes fragments and timelines. Even on one device: so there is
/// one way through the compiler, and what is true of one rank is tested by all.
static void addPartition(OpPassManager &manager, const dtc::PipelineOptions &options) {
  dtc::buildPartitionPipeline(manager, options.partition);
}

/// Fragments become kernels. Behind Partition, because a kernel must not reach over
/// the edge of a fragment, where communication starts; and before Plan, because a
/// value inside a kernel needs no memory.
static void addFusion(OpPassManager &manager, const dtc::PipelineOptions &options) {
  if (options.form == dtc::StepForm::Fused)
    dtc::buildFusionPipeline(manager);
  else
    dtc::buildUnfusedPipeline(manager);
}

/// Kernels and the ops beside them become buffers and calls.
static void addPlan(OpPassManager &manager, const dtc::PipelineOptions &options) {
  dtc::LowerToRuntimePassOptions lowering;
  lowering.markOps = options.markOps;
  dtc::buildPlanPipeline(manager, options.partition.deviceMemory, lowering, *options.target);
}

void dtc::buildPipeline(Level from, Level to, OpPassManager &manager, const PipelineOptions &options) {
  assert(from <= to && "there is no way back");
  auto passes = [&](Level level) { return from < level && level <= to; };
  if (passes(Level::Grad)) {
    addRecognition(manager, options);
    addAutodiff(manager, options);
    addPrecision(manager, options.precision);
  }
  if (passes(Level::Dist))
    addPartition(manager, options);
  if (passes(Level::Fused))
    addFusion(manager, options);
  if (passes(Level::RT))
    addPlan(manager, options);
}

namespace {
/// The names of targets as values of an option.
struct TargetNames {
  template <typename Option>
  void apply(Option &option) const {
    for (const dtc::Target *target : dtc::Target::all())
      option.getParser().addLiteralOption(target->name, target, target->devices);
  }
};

/// PipelineOptions as options of a pass pipeline.
struct PassOptions : dtc::PartitionPassOptions<PassOptions> {
  Option<std::string> output{
      *this, "output",
      llvm::cl::desc("the model's output that the loss takes, where it has several")};
  Option<dtc::BatchStatistics> batchStatistics{
      *this, "batch-statistics",
      llvm::cl::desc("over which samples batch normalisation takes its statistics"),
      llvm::cl::init(dtc::BatchStatistics::Share),
      llvm::cl::values(clEnumValN(dtc::BatchStatistics::Share, "share",
                                  "those of a rank in a microbatch"),
                       clEnumValN(dtc::BatchStatistics::Whole, "whole", "all of the batch"))};
  Option<dtc::Precision> precision{
      *this, "precision",
      llvm::cl::desc("what matrix products and convolutions round their operands to"),
      llvm::cl::init(dtc::Precision::F32),
      llvm::cl::values(clEnumValN(dtc::Precision::F32, "f32", "nothing"),
                       clEnumValN(dtc::Precision::TF32, "tf32", "TF32, where the device has it"),
                       clEnumValN(dtc::Precision::BF16, "bf16", "bf16, as are activations"))};
  Option<bool> recognise{*this, "recognise", llvm::cl::desc("make one op again of what exporters took apart"), llvm::cl::init(true)};
  Option<const dtc::Target *> target{*this, "target", llvm::cl::desc("what the program runs on"), llvm::cl::init(&dtc::Target::cpu()),
                                     TargetNames()};
};
} // namespace

template <dtc::Level level>
static void registerPipelineTo(StringRef name, StringRef description) {
  dtc::registerPartitioningPipeline<PassOptions>(
      name, description, [](OpPassManager &manager, const dtc::PartitionOptions &partition, const PassOptions &options) {
        dtc::buildPipelineTo(level, manager,
                             {partition, options.output, options.batchStatistics, options.precision, options.recognise, options.target});
      });
}

void dtc::registerPipelines() {
  registerPipelineTo<Level::Grad>("dtc-to-grad", "From an imported model to its training step");
  registerPipelineTo<Level::Dist>("dtc-to-dist",
                                  "From an imported model to fragments and timelines");
  registerPipelineTo<Level::Fused>("dtc-to-fused",
                                   "From an imported model to fragments of kernels and of ops with epilogues");
  registerPipelineTo<Level::RT>("dtc-to-rt",
                                "From an imported model to buffers and runtime calls");
}

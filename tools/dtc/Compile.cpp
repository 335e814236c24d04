// The way of a compilation: import, recipe, passes, and the result.
#include "Compile.h"
#include "Calibrate.h"
#include "Check.h"
#include "DeviceCompiler.h"
#include "Diagnostics.h"
#include "Explain.h"
#include "Freeze.h"
#include "HostCompiler.h"
#include "Output.h"
#include "Pictures.h"
#include "Places.h"
#include "Predict.h"
#include "Recipe.h"

#include "dtc/Cost/Cluster.h"
#include "dtc/Emit/Emit.h"
#include "dtc/Emit/Passes.h"
#include "dtc/Export/ONNX.h"
#include "dtc/Import/DSL.h"
#include "dtc/Import/ONNX.h"
#include "dtc/Pipelines/Pipelines.h"
#include "dtc/Pipelines/Registration.h"
#include "dtc/Recognition/Passes.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"

#include "llvm/Support/BuryPointer.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// The status after a wrong command line.
static constexpr int misused = 2;

namespace {

/// One compilation's state.
class Compilation {
public:
  Compilation(const dtc::Options &options, const char *argv0, DefaultTimingManager &timing)
      : options(options), argv0(argv0), timing(timing) {
    dtc::registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    // The printer's line says where; MLIR's dump of the op would be many lines.
    context.printOpOnDiagnostic(false);
    timing.setEnabled(options.timePasses);
    timing.setDisplayMode(DefaultTimingManager::DisplayMode::Tree);
  }

  int run();

private:
  OwningOpRef<ModuleOp> import();
  bool hasOwnLoss() const { return options.recipe.loss == dtc::ownLossName; }
  LogicalResult takeOwnLoss(ModuleOp module);
  void addPasses(PassManager &manager, dtc::Level from, dtc::Level to) const;
  LogicalResult lower(ModuleOp module, dtc::Level to, TimingScope &total);
  LogicalResult explain(ModuleOp module, TimingScope &total);
  int writeLevel(ModuleOp module);
  llvm::Error emitFolder(ModuleOp module, llvm::StringRef folder);
  int writeSource(ModuleOp module, TimingScope &total);
  int writeBinary(ModuleOp module, TimingScope &total);
  int calibrate(ModuleOp module, TimingScope &total);
  FailureOr<std::string> exportGraph(const dtc::Checkpoint &checkpoint);
  int exportModel();

  /// How fast the devices are, where a file says so and no option does.
  llvm::Error readSpeeds() {
    if (partition.cluster.empty() || !partition.deviceSpeeds.empty())
      return llvm::Error::success();
    llvm::Expected<dtc::Cluster> cluster = dtc::readCluster(partition.cluster);
    if (!cluster)
      return cluster.takeError();
    if (llvm::Error error = cluster->checkDeviceCount(partition.mesh.ranks()))
      return error;
    for (int64_t rank = 0; cluster->devices.size() > 1 && rank < partition.mesh.ranks(); ++rank)
      partition.deviceSpeeds.push_back(cluster->deviceOf(rank).speed);
    return llvm::Error::success();
  }

  /// What has been reported as a diagnostic comes without a text.
  static int fail(llvm::Error error) {
    std::string text = llvm::toString(std::move(error));
    if (!text.empty())
      dtc::printError(text);
    return 1;
  }

  const dtc::Options &options;
  const char *argv0;
  dtc::PartitionOptions partition;
  /// Where the module is.
  dtc::Level reached = dtc::Level::NN;
  /// Files that the model names.
  std::vector<std::string> modelData;
  DialectRegistry registry;
  // A compilation takes milliseconds; threads would cost more than they bring.
  MLIRContext context{MLIRContext::Threading::DISABLED};
  DefaultTimingManager &timing;
  OwningOpRef<ModuleOp> module;
};

} // namespace

/// The level at which a result is made.
static dtc::Level getLevel(dtc::Result result) {
  switch (result) {
  case dtc::Result::NN:
    return dtc::Level::NN;
  case dtc::Result::Grad:
    return dtc::Level::Grad;
  case dtc::Result::Dist:
    return dtc::Level::Dist;
  case dtc::Result::RT:
  case dtc::Result::Source:
  case dtc::Result::Binary:
    return dtc::Level::RT;
  }
  llvm_unreachable("every result is covered");
}

void Compilation::addPasses(PassManager &manager, dtc::Level from, dtc::Level to) const {
  dtc::PipelineOptions pipeline;
  pipeline.partition = partition;
  if (!hasOwnLoss()) // else it is the output that says so
    pipeline.output = options.modelOutput;
  pipeline.batchStatistics = options.batchStatistics;
  pipeline.precision = options.precision;
  pipeline.recognise = options.recognise;
  pipeline.target = options.target;
  dtc::buildPipeline(from, to, manager, pipeline);
}

OwningOpRef<ModuleOp> Compilation::import() {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(options.model, status)) {
    dtc::printError("cannot read '" + options.model + "': " + code.message());
    return nullptr;
  }
  if (llvm::sys::fs::is_directory(status)) {
    dtc::printError("cannot read '" + options.model + "': it is a folder");
    return nullptr;
  }
  dtc::ImportOptions import;
  import.batch = options.recipe.batch;
  import.dimensions = options.dimensions;
  import.tie = options.tie;
  import.dataFiles = &modelData;
  import.trainMode = options.trainMode;
  import.dropout = options.dropout;
  import.runningVariance = options.runningVariance;
  return options.modelIsONNX ? dtc::importONNX(options.model, import, context)
                             : dtc::importDSL(options.model, import, context);
}

/// The recipe needs to know it: it runs before everything else.
LogicalResult Compilation::takeOwnLoss(ModuleOp module) {
  PassManager manager(&context, ModuleOp::getOperationName());
  dtc::RecogniseLossPassOptions recognise;
  recognise.output = options.modelOutput;
  manager.addNestedPass<func::FuncOp>(dtc::createRecogniseLossPass(recognise));
  return manager.run(module);
}

/// From the level that is reached.
LogicalResult Compilation::lower(ModuleOp module, dtc::Level to, TimingScope &total) {
  PassManager manager(&context, ModuleOp::getOperationName());
  // Before it, so that MLIR's options see the passes' own names.
  if (failed(applyPassManagerCLOptions(manager)))
    return failure();
  TimingScope passes = total.nest("Passes");
  manager.enableTiming(passes);
  // Once, at the end: behind each of the passes it took a third of the time. Tests run them with it (dtc-opt).
  manager.enableVerifier(false);
  addPasses(manager, reached, to);
  reached = to;
  return failed(manager.run(module)) ? failure() : verify(module);
}

int Compilation::writeLevel(ModuleOp module) {
  OpPrintingFlags flags;
  flags.printNameLocAsPrefix();
  llvm::Error error = dtc::writeText(options.out, [&](llvm::raw_ostream &os) {
    module.print(os, flags);
    os << '\n';
  });
  return error ? fail(std::move(error)) : 0;
}

/// An error without a text has been reported.
llvm::Error Compilation::emitFolder(ModuleOp module, llvm::StringRef folder) {
  dtc::emit::SourceOptions source;
  source.target = options.target;
  source.architectures = options.architectures;
  if (options.target->bringsRuntime) {
    llvm::Expected<std::string> sources = dtc::findRuntimeSources(argv0);
    if (!sources)
      return sources.takeError();
    source.runtimeSources = *sources;
  }
  PassManager manager(&context, ModuleOp::getOperationName());
  if (failed(applyPassManagerCLOptions(manager)))
    return llvm::createStringError("");
  manager.enableVerifier(false); // as in lower(), which has verified what comes here
  dtc::buildEmitPipeline(manager);
  if (failed(manager.run(module)) || failed(dtc::emit::emitSource(module, folder, source)))
    return llvm::createStringError("");
  return llvm::Error::success();
}

int Compilation::writeSource(ModuleOp module, TimingScope &total) {
  using dtc::PendingOutput;
  auto folder = PendingOutput::create(options.out, PendingOutput::Kind::Folder);
  if (!folder)
    return fail(folder.takeError());
  TimingScope emission = total.nest("Emission");
  if (llvm::Error error = emitFolder(module, folder->getTemporaryPath()))
    return fail(std::move(error));
  if (llvm::Error error = folder->keep())
    return fail(std::move(error));
  return 0;
}

int Compilation::writeBinary(ModuleOp module, TimingScope &total) {
  using dtc::PendingOutput;
  std::string source = options.sourceFolder();
  auto program = PendingOutput::create(options.out, PendingOutput::Kind::File);
  if (!program)
    return fail(program.takeError());
  auto folder = PendingOutput::create(source, PendingOutput::Kind::Folder);
  if (!folder)
    return fail(folder.takeError());
  {
    TimingScope emission = total.nest("Emission");
    if (llvm::Error error = emitFolder(module, folder->getTemporaryPath()))
      return fail(std::move(error));
  }
  bool isForGPUs = options.target == &dtc::Target::cuda();
  std::string file = (folder->getTemporaryPath() + "/" +
                      options.target->sourceFile).str();
  // What this machine cannot compile for a GPU another one can: the source stays.
  if (isForGPUs) {
    if (llvm::Error error = folder->keep())
      return fail(std::move(error));
    file = (source + "/" + options.target->sourceFile).str();
  }
  {
    TimingScope compilation = total.nest(isForGPUs ? "nvcc" : "Host compiler");
    llvm::StringRef out = program->getTemporaryPath();
    if (llvm::Error error =
            isForGPUs ? dtc::compileForGPUs(file, out, options.architectures, argv0)
                      : dtc::compileProgram(file, out, argv0))
      return fail(std::move(error));
  }
  if (!isForGPUs)
    if (llvm::Error error = folder->keep())
      return fail(std::move(error));
  if (llvm::Error error = program->keep())
    return fail(std::move(error));
  dtc::printDone(options.out + " is ready; its source lies in " + source);
  return 0;
}

/// Says what it knows at each level that the module comes by: takes it there, from any before Fused.
LogicalResult Compilation::explain(ModuleOp module, TimingScope &total) {
  // A step takes the time of the kernels that it is made of.
  if (failed(lower(module, dtc::Level::Fused, total)))
    return failure();
  llvm::Expected<dtc::Prediction> prediction = dtc::predictStep(module, partition);
  if (!prediction)
    return fail(prediction.takeError()), failure();
  if (options.explain) {
    if (failed(lower(module, dtc::Level::RT, total)))
      return failure();
    dtc::printExplanation(module, prediction->simulation.timetable, llvm::errs());
  }
  if (!options.timetable.empty())
    if (llvm::Error error = dtc::writeTimetable(*prediction, options, partition))
      return fail(std::move(error)), failure();
  return success();
}

/// `module`: a model with its recipe, or null.
int Compilation::calibrate(ModuleOp module, TimingScope &total) {
  if (module && failed(lower(module, dtc::Level::Dist, total)))
    return 1;
  if (llvm::Error error = dtc::calibrate(options, context, module, argv0))
    return fail(std::move(error));
  return 0;
}

/// A model of the model language is read for two batches: what differs is the batch.
FailureOr<std::string> Compilation::exportGraph(const dtc::Checkpoint &checkpoint) {
  module = import();
  if (!module)
    return failure();
  OwningOpRef<ModuleOp> other;
  {
    // What is said of the model has been said once; one of a fixed batch has no other.
    ScopedDiagnosticHandler silence(&context, [](Diagnostic &) {});
    auto text = llvm::MemoryBuffer::getFile(options.model);
    func::FuncOp function = *module->getOps<func::FuncOp>().begin();
    auto input = cast<RankedTensorType>(function.getArgumentTypes().front());
    dtc::ImportOptions import;
    import.batch = input.getRank() ? input.getDimSize(0) + 1 : 0;
    if (text && import.batch) {
      StringRef source = (*text)->getBuffer();
      source.consume_front("\xEF\xBB\xBF"); // as importDSL does
      other = dtc::importDSLText(source, options.model, import, context);
    }
  }
  return dtc::exportONNX(*module, other ? *other : ModuleOp(), checkpoint);
}

int Compilation::exportModel() {
  llvm::Expected<dtc::Checkpoint> checkpoint = dtc::Checkpoint::read(options.load);
  if (!checkpoint)
    return fail(checkpoint.takeError());
  FailureOr<std::string> bytes = options.modelIsONNX
                                     ? dtc::writeBackONNX(options.model, *checkpoint, options.tie, context, modelData)
                                     : exportGraph(*checkpoint);
  if (failed(bytes))
    return 1;
  if (llvm::Error error = dtc::checkPlaces(options, modelData))
    return fail(std::move(error)), misused;
  if (llvm::Error error = dtc::writeText(options.exported, [&](llvm::raw_ostream &os) { os << *bytes; }))
    return fail(std::move(error));
  return 0;
}

int Compilation::run() {
  dtc::Level level = getLevel(options.result);
  partition = options.partition;
  if (options.printPipeline) {
    PassManager manager(&context, ModuleOp::getOperationName());
    addPasses(manager, dtc::Level::NN, level);
    manager.printAsTextualPipeline(llvm::outs(), /*pretty=*/true);
    llvm::outs() << '\n';
    return 0;
  }
  if (llvm::Error error = dtc::checkPlaces(options))
    return fail(std::move(error)), misused;
  if (options.precision == dtc::Precision::TF32 && !options.target->hasTF32)
    llvm::errs() << "dtc: warning: --precision=tf32: CPUs have no TF32; the program computes in f32\n";
  dtc::DiagnosticPrinter diagnostics(context, options.model);
  TimingScope total = timing.getRootScope();
  if (options.calibrate && options.model.empty())
    return calibrate(nullptr, total);
  if (options.check)
    return dtc::checkModel(options, context);
  if (!options.exported.empty())
    return exportModel();
  TimingScope importing = total.nest("Import");
  module = import();
  if (!module)
    return 1;
  if (llvm::Error error = dtc::checkPlaces(options, modelData))
    return fail(std::move(error)), misused;
  bool isTrained = level != dtc::Level::NN;
  if (hasOwnLoss() && failed(takeOwnLoss(*module)))
    return 1;
  if (failed(dtc::applyRecipe(*module, options.recipe, isTrained)) ||
      failed(dtc::freezeParameters(*module, options.freeze)) ||
      failed(dtc::groupParameters(*module, options.rateScales, options.noDecay)))
    return 1;
  if (isTrained)
    dtc::warnOfTrainedConstants(*module);
  importing.stop();
  if (llvm::Error error = readSpeeds())
    return fail(std::move(error));
  if (options.calibrate)
    return calibrate(*module, total);
  // What is explained lies at levels that may be behind that of the result, which is kept as it is there.
  OwningOpRef<ModuleOp> kept;
  if (options.explain || !options.timetable.empty()) {
    if (level < dtc::Level::Fused) {
      if (failed(lower(*module, level, total)))
        return 1;
      kept = module->clone();
      if (!isTrained && failed(dtc::applyRecipe(*module, options.recipe, /*required=*/true)))
        return 1;
    }
    if (failed(explain(*module, total)))
      return 1;
  }
  if (options.out.empty())
    return 0;
  if (kept)
    module = std::move(kept);
  else if (failed(lower(*module, level, total)))
    return 1;
  if (!options.dot.empty())
    if (llvm::Error error = dtc::writePartitionGraph(*module, options))
      return fail(std::move(error));
  switch (options.result) {
  case dtc::Result::Source:
    return writeSource(*module, total);
  case dtc::Result::Binary:
    return writeBinary(*module, total);
  default:
    return writeLevel(*module);
  }
}

void dtc::registerMLIROptions() {
  registerMLIRContextCLOptions();
  registerPassManagerCLOptions();
}

int dtc::compile(const Options &options, const char *argv0) {
  // LLVM's parser knows these options; it sees no others.
  std::vector<const char *> arguments = {"dtc"};
  for (const std::string &option : options.mlirOptions)
    arguments.push_back(option.c_str());
  std::string problem;
  llvm::raw_string_ostream os(problem);
  if (!llvm::cl::ParseCommandLineOptions(arguments.size(), arguments.data(), "", &os)) {
    StringRef line = StringRef(problem).trim();
    line.consume_front("dtc: ");
    printError(line.split('\n').first);
    return misused;
  }
  DefaultTimingManager timing;
  auto compilation = std::make_unique<Compilation>(options, argv0, timing);
  int status = compilation->run();
  // Module and context end with the process: nobody needs them freed op by op before.
  llvm::BuryPointer(std::move(compilation));
  return status;
}

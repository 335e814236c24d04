// Measuring: programs are emitted, compiled, run on this machine, and what they find becomes a cluster.
#include "Calibrate.h"
#include "Diagnostics.h"
#include "HostCompiler.h"
#include "Output.h"

#include "dtc/Calibrate/Measurement.h"
#include "dtc/Cost/Quantities.h"
#include "dtc/Emit/Emit.h"
#include "dtc/Import/DSL.h"
#include "dtc/Pipelines/Pipelines.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace mlir;
using namespace dtc;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
namespace fs = llvm::sys::fs;
namespace sys = llvm::sys;

/// No step takes that long.
static constexpr unsigned mostSeconds = 3600;

namespace {

/// What one program found.
struct Findings {
  Measurement raw;
  std::map<std::string, OpWork, std::less<>> ops;
  std::map<std::string, double, std::less<>> seconds;
};

class Calibrator {
public:
  Calibrator(const Options &options, MLIRContext &context, const char *argv0)
      : options(options), context(context), argv0(argv0) {}
  Error run(ModuleOp step);

private:
  Error readBase();
  Error measureMachine();
  Error measureStep(ModuleOp step);
  void fitRates(ArrayRef<MeasuredCall> calls);
  Error fitLink(ArrayRef<MeasuredMessage> messages);
  Expected<Findings> measure(ModuleOp dist, StepForm form, int64_t ranks);
  Error execute(StringRef source, StringRef folder, StringRef result, int64_t ranks);

  const Options &options;
  MLIRContext &context;
  const char *argv0;
  /// Starts ranks; nothing: they are measured one after the other.
  std::optional<std::string> mpirun;
  int64_t cores = llvm::hardware_concurrency().compute_thread_count();
  Cluster cluster = Cluster::defaultCPU();
};

} // namespace

static Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// After a diagnostic, which has said why.
static Error failedPasses() { return makeError("what is measured did not compile"); }

static LogicalResult lower(ModuleOp module, Level from, Level to, const PipelineOptions &options) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  buildPipeline(from, to, manager, options);
  return manager.run(module);
}

Error Calibrator::readBase() {
  if (options.partition.cluster.empty())
    return Error::success();
  Expected<Cluster> read = readCluster(options.partition.cluster);
  if (!read)
    return read.takeError();
  cluster = std::move(*read);
  bool alike = llvm::all_of(cluster.devices,
                            [&](const Device &device) { return device == cluster.devices[0]; });
  if (!alike || !cluster.pairs.empty())
    return makeError(options.partition.cluster +
                     ": describes devices or links that differ; one machine is measured, whose are alike");
  cluster.devices.resize(1);
  return Error::success();
}

/// Compiles a program and runs it as ranks of this host.
Error Calibrator::execute(StringRef source, StringRef folder, StringRef result, int64_t ranks) {
  std::string program = (folder + "/measure").str();
  if (Error error = compileProgram(source, program, argv0))
    return error;
  std::string out = ("--out=" + result).str(), count = std::to_string(ranks);
  SmallVector<StringRef> command = {program, out};
  std::string launcher = program;
  if (ranks > 1 && mpirun) {
    launcher = *mpirun;
    command = {launcher, "-n", count, program, out};
  }
  // A rank alone would take the cores of those that are missing.
  SmallVector<StringRef> environment;
  for (char **entry = environ; *entry; ++entry)
    environment.push_back(*entry);
  if (ranks > 1 && !mpirun && !llvm::sys::Process::GetEnv("DTCRT_THREADS"))
    environment.push_back("DTCRT_THREADS=1");
  std::string message;
  int status = llvm::sys::ExecuteAndWait(launcher, command, ArrayRef<StringRef>(environment), {},
                                         mostSeconds, 0, &message);
  if (status == 0)
    return Error::success();
  return makeError("measuring on this machine failed: '" + launcher + "' ended with status " +
                   Twine(status) + (message.empty() ? "" : " (" + message + ")"));
}

Expected<Findings> Calibrator::measure(ModuleOp dist, StepForm form, int64_t ranks) {
  PipelineOptions pipeline;
  pipeline.form = form;
  pipeline.markOps = true;
  OwningOpRef<ModuleOp> module = dist.clone();
  Findings findings;
  if (failed(lower(*module, Level::Dist, Level::Fused, pipeline)))
    return failedPasses();
  findings.ops = opsOfStep(*module);
  if (failed(lower(*module, Level::Fused, Level::RT, pipeline)))
    return failedPasses();
  std::vector<TimedFragment> fragments = makeMeasureProgram(*module);

  SmallString<128> temporary;
  sys::path::system_temp_directory(/*ErasedOnReboot=*/true, temporary);
  sys::path::append(temporary, "dtc-calibrate");
  std::string folder = emit::unusedPathBeside(temporary);
  if (std::error_code code = fs::create_directory(folder, /*IgnoreExisting=*/false, fs::owner_all))
    return makeError("cannot create a folder for the measuring program: " + code.message());
  llvm::scope_exit remove([&] { fs::remove_directories(folder); });
  std::string source = folder + "/measure.cpp", result = folder + "/result.json";
  {
    std::error_code code;
    llvm::raw_fd_ostream os(source, code);
    if (code)
      return makeError("cannot write '" + source + "': " + code.message());
    SmallVector<rt::ProgramOp> programs(module->getOps<rt::ProgramOp>());
    if (failed(emit::emitProgram(programs, os, emit::EntryPoint::Measure)))
      return failedPasses();
  }
  if (Error error = execute(source, folder, result, ranks))
    return error;
  auto text = llvm::MemoryBuffer::getFile(result);
  if (!text)
    return makeError("cannot read '" + result + "': " + text.getError().message());
  Expected<Measurement> read = parseMeasurement((*text)->getBuffer(), result);
  if (!read)
    return read.takeError();
  findings.raw = std::move(*read);
  auto seconds = secondsBySignature(findings.raw, fragments, findings.ops);
  if (!seconds)
    return seconds.takeError();
  findings.seconds = std::move(*seconds);
  return findings;
}

/// A family whose times say nothing keeps its rate, and we say so.
void Calibrator::fitRates(ArrayRef<MeasuredCall> calls) {
  for (auto [position, name] : llvm::enumerate(ratedFamilies)) {
    std::vector<MeasuredCall> own;
    llvm::copy_if(calls, std::back_inserter(own), [&, position = position](const MeasuredCall &call) {
      return ratePosition(call.family) == position;
    });
    Expected<Device> device = dtc::calibrate(cluster.devices[0], own);
    if (device)
      cluster.devices[0] = std::move(*device);
    else
      llvm::errs() << "dtc: warning: " << llvm::toString(device.takeError())
                   << "; the rate of " << name << " stays as it was\n";
  }
  llvm::errs() << "dtc: " << calls.size() << " ops of standard steps; the rates give their times within "
               << llvm::format("%.0f", 100 * meanError(cluster.devices[0], calls)) << " % on average\n";
}

Error Calibrator::fitLink(ArrayRef<MeasuredMessage> messages) {
  if (messages.empty()) {
    llvm::errs() << "dtc: note: " << (mpirun ? "one core" : "no mpirun on the PATH")
                 << ", so no messages were measured; the link stays as it was\n";
    return Error::success();
  }
  Expected<Link> link = calibrateLink(messages);
  if (!link)
    return link.takeError();
  cluster.link = *link;
  return Error::success();
}

Error Calibrator::measureMachine() {
  std::vector<MeasuredCall> calls;
  std::vector<MeasuredMessage> messages;
  for (StringRef text : standardModels()) {
    OwningOpRef<ModuleOp> module = importDSLText(text, "standard model", {}, context);
    if (!module || failed(lower(*module, Level::NN, Level::Dist, {})))
      return failedPasses();
    Expected<Findings> findings = measure(*module, StepForm::Fused, cores);
    if (!findings)
      return findings.takeError();
    for (const auto &[signature, seconds] : findings->seconds)
      if (auto op = findings->ops.find(signature);
          op != findings->ops.end() && ratePosition(op->second.family) && seconds > 0)
        calls.push_back({op->second.family, op->second.flops, op->second.bytes, seconds});
    llvm::append_range(messages, findings->raw.messages);
    cluster.cores = findings->raw.cores;
    cluster.devices[0].memoryBytes = findings->raw.memoryBytes / findings->raw.cores;
  }
  fitRates(calls);
  return fitLink(messages);
}

Error Calibrator::measureStep(ModuleOp step) {
  int64_t ranks = std::min(options.partition.mesh.ranks(), cores);
  for (StepForm form : {StepForm::Unfused, StepForm::Fused}) {
    Expected<Findings> findings = measure(step, form, ranks);
    if (!findings)
      return findings.takeError();
    for (const auto &[signature, seconds] : findings->seconds)
      cluster.devices[0].measured.set(signature, seconds);
  }
  return Error::success();
}

Error Calibrator::run(ModuleOp step) {
  if (llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName("mpirun"))
    mpirun = *found;
  else if (cores > 1)
    llvm::errs() << "dtc: note: no mpirun on the PATH; times are those of a rank without others beside it\n";
  if (Error error = readBase())
    return error;
  if (!step || options.partition.cluster.empty())
    if (Error error = measureMachine())
      return error;
  if (step)
    if (Error error = measureStep(step))
      return error;
  if (Error error = writeText(options.out, [&](llvm::raw_ostream &os) { writeCluster(cluster, os); }))
    return error;
  printDone(options.out + llvm::formatv(" is ready: {0} cores, link {1:F1} us and {2:F1} GB/s, {3} ops measured",
                                        cluster.cores, cluster.link.latencySeconds * 1e6,
                                        cluster.link.bytesPerSecond * 1e-9,
                                        cluster.devices[0].measured.entries().size())
                              .str());
  return Error::success();
}

Error dtc::calibrate(const Options &options, MLIRContext &context, ModuleOp step, const char *argv0) {
  return Calibrator(options, context, argv0).run(step);
}

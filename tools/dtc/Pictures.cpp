// Timetables and graphs: predicts, reads the trace, draws, writes.
#include "Pictures.h"
#include "Output.h"

#include "dtc/Cost/ClusterMachine.h"
#include "dtc/Explain/PartitionDot.h"
#include "dtc/Explain/TimetableSVG.h"
#include "dtc/Explain/TraceReader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;
using llvm::formatv;

/// The devices as the command line describes them.
static Expected<dtc::Cluster> describeCluster(const dtc::PartitionOptions &partition) {
  dtc::Cluster cluster = dtc::Cluster::defaultCPU();
  if (!partition.cluster.empty()) {
    Expected<dtc::Cluster> read = dtc::readCluster(partition.cluster);
    if (!read)
      return read.takeError();
    cluster = std::move(*read);
  }
  if (Error error = cluster.checkDeviceCount(partition.getRanks()))
    return error;
  if (partition.deviceSpeeds.empty())
    return cluster;
  std::vector<dtc::Device> devices;
  for (auto [rank, speed] : llvm::enumerate(partition.deviceSpeeds)) {
    devices.push_back(cluster.deviceOf(rank));
    devices.back().speed = speed;
  }
  cluster.devices = std::move(devices);
  return cluster;
}

static std::string describe(StringRef model, const dtc::PartitionOptions &partition) {
  std::string text = model.str();
  int64_t ranks = partition.getRanks();
  text += formatv(" on {0} device{1}", ranks, ranks == 1 ? "" : "s");
  if (!partition.mesh.empty())
    text += ", mesh " + llvm::join(partition.mesh, ",");
  if (partition.isPipeline())
    text += ", " + partition.schedule;
  return text;
}

/// The step of the trace, of the same model on as many ranks.
static Expected<dtc::explain::MeasuredStep> readMeasurement(StringRef path, StringRef model,
                                                            size_t ranks) {
  Expected<dtc::explain::MeasuredStep> step = dtc::explain::readTrace(path);
  if (!step)
    return step;
  if (step->model != model)
    return llvm::createStringError(path + ": is a trace of '" + step->model + "', not of '" +
                                   model + "'");
  if (step->timetable.ranks.size() != ranks)
    return llvm::createStringError(path + ": is a trace of " +
                                   llvm::Twine(step->timetable.ranks.size()) +
                                   " ranks, but the program has " + llvm::Twine(ranks));
  return step;
}

static void sayNumbers(StringRef what, const dtc::Timetable &table) {
  llvm::errs() << formatv("  {0,-12}step {1:F3} ms, bubble {2:F1} %\n", what,
                          table.stepSeconds * 1e3, table.bubble() * 100);
}

Error dtc::writeTimetable(ModuleOp module, const Options &options,
                          const PartitionOptions &partition) {
  auto failed = [] { return llvm::createStringError(""); };
  FailureOr<timeline::PhaseTimelines> timelines = timeline::PhaseTimelines::of(module, "train");
  if (llvm::failed(timelines))
    return failed();
  Expected<Cluster> cluster = describeCluster(partition);
  if (!cluster)
    return cluster.takeError();
  // Ranks of the CPU target share a host; their receivers copy.
  FailureOr<Simulation> simulation =
      simulate(*timelines, ClusterMachine(*cluster), {.progress = Progress::InWaits});
  if (llvm::failed(simulation))
    return failed();

  dist::TimelineOp first = timelines->getRoles().front().timeline;
  auto name = first->getAttrOfType<StringAttr>("nn.model");
  StringRef model = name ? name.getValue() : "";
  explain::TimetablePicture picture{describe(model, partition), {},
                                    &simulation->timetable};
  for (int64_t rank = 0; rank < timelines->ranks(); ++rank) {
    dist::TimelineOp timeline = timelines->roleOf(rank).timeline;
    picture.roles.push_back(timeline.getRole().str());
  }
  std::optional<explain::MeasuredStep> measured;
  if (!options.trace.empty()) {
    Expected<explain::MeasuredStep> read =
        readMeasurement(options.trace, model, timelines->ranks());
    if (!read)
      return read.takeError();
    measured = std::move(*read);
    picture.measured = &measured->timetable;
  }
  if (Error error = writeText(options.timetable,
                              [&](raw_ostream &os) { explain::drawTimetable(os, picture); }))
    return error;
  llvm::errs() << picture.title << ":\n";
  sayNumbers("predicted", simulation->timetable);
  if (measured)
    sayNumbers("measured", measured->timetable);
  return Error::success();
}

Error dtc::writePartitionGraph(ModuleOp module, const Options &options) {
  std::string graph;
  llvm::raw_string_ostream os(graph);
  if (failed(explain::drawPartition(os, module)))
    return llvm::createStringError("");
  return writeText(options.dot, [&](raw_ostream &os) { os << graph; });
}

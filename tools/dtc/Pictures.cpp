// Timetables and graphs: reads the trace, draws, writes.
#include "Pictures.h"
#include "Diagnostics.h"
#include "Output.h"

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

static std::string describeRun(StringRef model, const dtc::PartitionOptions &partition) {
  std::string text = model.str();
  int64_t ranks = partition.mesh.ranks();
  text += formatv(" on {0} device{1}", ranks, ranks == 1 ? "" : "s");
  if (partition.isPipeline())
    text += ", mesh " + partition.mesh.str();
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

Error dtc::writeTimetable(const Prediction &prediction, const Options &options,
                          const PartitionOptions &partition) {
  const Timetable &predicted = prediction.simulation.timetable;
  explain::TimetablePicture picture{describeRun(prediction.model, partition), prediction.roles,
                                    &predicted};
  std::optional<explain::MeasuredStep> measured;
  if (!options.trace.empty()) {
    Expected<explain::MeasuredStep> read =
        readMeasurement(options.trace, prediction.model, predicted.ranks.size());
    if (!read)
      return read.takeError();
    measured = std::move(*read);
    picture.measured = &measured->timetable;
  }
  if (Error error = writeText(options.timetable,
                              [&](raw_ostream &os) { explain::drawTimetable(os, picture); }))
    return error;
  llvm::errs() << onOneLine(picture.title) << ":\n";
  sayNumbers("predicted", predicted);
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

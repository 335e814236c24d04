// What the options of a partitioning say, and whether it makes sense.
#include "dtc/Partition/Pipeline.h"
#include "dtc/Partition/Schedule.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

#include <cmath>

using namespace dtc;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

bool PartitionOptions::isPipeline() const {
  return llvm::any_of(mesh, [](StringRef axis) { return axis.starts_with("pipe:"); });
}

int64_t PartitionOptions::getRanks() const {
  int64_t ranks = 1;
  for (StringRef axis : mesh) {
    int64_t size = 1;
    axis.split(':').second.getAsInteger(10, size);
    ranks *= size;
  }
  return mesh.empty() ? devices : ranks;
}

static Error checkRange(StringRef what, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most)
    return Error::success();
  return llvm::createStringError(what + " must be from " + Twine(least) + " to " + Twine(most) +
                                 ", not " + Twine(value));
}

static Error checkMesh(llvm::ArrayRef<std::string> mesh) {
  int64_t ranks = 1;
  llvm::StringSet<> seen;
  for (StringRef entry : mesh) {
    auto [axis, text] = entry.split(':');
    int64_t size = 0;
    if (axis != "data" && axis != "pipe")
      return llvm::createStringError("'" + entry + "' names no axis; the axes are data and pipe, as in data:2");
    if (text.getAsInteger(10, size))
      return llvm::createStringError("'" + entry + "' is no axis of a mesh; axes are NAME:SIZE");
    if (Error error = checkRange(axis, size, 1, PartitionOptions::mostRanks))
      return error;
    if (!seen.insert(axis).second)
      return llvm::createStringError("the mesh has two axes named '" + axis + "'");
    ranks *= size; // each at most 2^20, so the product of two is one
    if (ranks > PartitionOptions::mostRanks)
      return llvm::createStringError("the mesh has " + Twine(ranks) + " ranks; there may be " +
                                     Twine(PartitionOptions::mostRanks));
  }
  return Error::success();
}

Error PartitionOptions::check() const {
  if (Error error = checkRange("devices", devices, 1, mostRanks))
    return error;
  if (Error error = checkMesh(mesh))
    return error;
  if (Error error = checkRange("bucket-bytes", bucketBytes, 1, INT64_MAX))
    return error;
  // 0: chosen, in a pipeline.
  if (Error error = checkRange("microbatches", microbatches, isPipeline() ? 0 : 1, isPipeline() ? mostRanks : 1))
    return error;
  if (Error error = checkRange("stages-per-device", stagesPerDevice, 1, mostStagesPerDevice))
    return error;
  if (Error error = checkRange("device-memory", deviceMemory, 0, INT64_MAX))
    return error;
  if (!partition::scheduleNamed(schedule)) {
    std::string names;
    for (const partition::Schedule &known : partition::allSchedules())
      names += (" " + known.name).str();
    return llvm::createStringError("no schedule is called '" + schedule + "'; there are" + names);
  }
  for (double speed : deviceSpeeds)
    if (!(speed > 0) || !std::isfinite(speed))
      return llvm::createStringError("device-speeds are positive numbers");
  if (!deviceSpeeds.empty() && static_cast<int64_t>(deviceSpeeds.size()) != getRanks())
    return llvm::createStringError("there are " + Twine(deviceSpeeds.size()) + " device-speeds for " +
                                   Twine(getRanks()) + " devices");
  return Error::success();
}

// What the options of a partitioning say, and whether it makes sense.
#include "dtc/Partition/PartitionOptions.h"
#include "dtc/Partition/Timelines/Schedule.h"

#include "llvm/Support/Error.h"

#include <cmath>

using namespace dtc;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static Error checkRange(StringRef what, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most)
    return Error::success();
  return llvm::createStringError(what + " must be from " + Twine(least) + " to " + Twine(most) +
                                 ", not " + Twine(value));
}

Error PartitionOptions::check() const {
  if (Error error = mesh.checkNames())
    return error;
  if (Error error = checkRange("bucket-bytes", bucketBytes, 1, INT64_MAX))
    return error;
  if (Error error = checkRange("zero", zero, 0, 1))
    return error;
  // 0: chosen, in a pipeline.
  if (Error error = checkRange("microbatches", microbatches, isPipeline() ? 0 : 1, Mesh::mostRanks))
    return error;
  if (Error error = checkRange("stages-per-device", stagesPerDevice, 1, mostStagesPerDevice))
    return error;
  if (Error error = checkRange("device-memory", deviceMemory, 0, INT64_MAX))
    return error;
  if (!partition::scheduleNamed(schedule))
    return llvm::createStringError("no schedule is called '" + schedule + "'; there are " + partition::scheduleNames());
  for (double speed : deviceSpeeds)
    if (!(speed > 0) || !std::isfinite(speed))
      return llvm::createStringError("device-speeds are positive numbers");
  if (!deviceSpeeds.empty() && static_cast<int64_t>(deviceSpeeds.size()) != mesh.ranks())
    return llvm::createStringError("there are " + Twine(deviceSpeeds.size()) + " device-speeds for " +
                                   Twine(mesh.ranks()) + " devices");
  return Error::success();
}

// What a run reads and writes: no output may cost what the run is made from.
#pragma once

#include "core/Options.h"
#include "dtcrt/plan.h"

namespace dtcrt {

/// Throws Error for an output that cannot be written where it is to go, or that is a file which the run reads, and for two outputs
/// in one file. --save and --trace appear whole, in the place of a file or of nothing; --metrics grows line by line and may be
/// a pipe or a device. Writes nothing.
void check_places(const Options &options, const Plan &plan);

} // namespace dtcrt

// One clock for all ranks.
#pragma once

#include "dtcrt/world.h"

namespace dtcrt {

/// Nanoseconds of this rank's steady clock.
i64 steady_nanoseconds();

/// Collective: the moment of this call on rank 0, in nanoseconds of this rank's own steady clock.
i64 common_origin(World &world);

} // namespace dtcrt

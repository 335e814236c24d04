// Memory for a call's own intermediate values, on the device that computes.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

/// One block of a context; the next call overwrites it.
void *workspace(Context &ctx, std::size_t bytes);

} // namespace dtcrt

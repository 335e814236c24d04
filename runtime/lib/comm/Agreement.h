// Agreed sections: how ranks learn what one of them can find out alone. A missing file, memory that is not there, an option that makes
// no sense: whatever can fail on one rank and not on another stands in a section.
//
//   rank 0   work ────┐                 work fails ┐
//   rank 1   work ─── all learn: fine   work ───── all learn: all throw what the lowest rank that failed says
//
// Sections nest, all ranks entering the same ones in the same order: one that fails outside of the inner ones joins the next, and what
// has been agreed on passes through the outer ones. Bytes travel between ranks where nothing can fail between a section's end and them.
// A rank that fails anywhere else tells by World::fail, which ends all these waits, as a death of a rank does.
#pragma once

#include "dtcrt/world.h"

#include <functional>
#include <string>

namespace dtcrt {

/// Collective. Throws AgreedError on all ranks when `work` throws on any.
void together(World &world, const std::function<void()> &work);

/// As together, but what the failure says is the result: "" for none.
std::string try_together(World &world, const std::function<void()> &work);

} // namespace dtcrt
